"""The terminal: ``motion-widgets`` and its commands.

`main` holds the parser, `jobs` the commands that send and follow, `log` those that read and mend the log.
"""
