"""The experiment log: one row per attempt at a job, events beside it, and pandas frames of both.

SQLAlchemy Core, one code for SQLite and PostgreSQL; `core` and `request` may come in. A row is written before
the money is spent, never deleted, and moves between states only as `states` allows. Read `store` first, then
`rows`.
"""
