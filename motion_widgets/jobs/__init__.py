"""From a committed intent to a collected result: the background loop, the runner and the job a user holds."""
