"""The terminal: ``motion-widgets`` and its commands.

It may import everything, and holds no rule of its own. Read `main` first: it has the parser. `jobs` has the
commands that send and follow jobs, `log` those that read, export and repair the log.
"""
