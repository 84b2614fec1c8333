"""Faults that the sandbox plays on request: lost responses, resets, 429s, failed tasks, outages.

`kinds` is the table of all faults: read it first; ``FAULTS.md`` describes them. `plan` says which call meets
which fault, `middleware` plays it. Rules come in as TOML, JSON or a mapping, and are checked there.
"""
