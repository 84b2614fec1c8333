"""A request: its fields, their limits, the rules that judge it, and what it will cost.

It may import `core` only: pure Python over measured facts, which reads no file and sends nothing. Read
`request` first, then `rules`.
"""
