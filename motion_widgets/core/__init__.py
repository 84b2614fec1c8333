"""What every room may use and what knows nothing of motion control: sentences, errors, money, files, HTTP.

Nothing here imports from another room. Read `messages` first: every sentence that a person sees is there.
"""
