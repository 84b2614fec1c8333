"""Faults that the sandbox plays on request: lost answers, resets, 429s, failed tasks, outages.

`plan` reads a fault plan, `middleware` plays it on the wire; ``FAULTS.md`` lists all kinds.
"""
