"""The experiment log: one row per attempt at a job, events beside it, and pandas frames of both.

SQLAlchemy Core, one code for SQLite and PostgreSQL. A row is written before the money is spent, never
deleted, and moves between states only as `states.TRANSITIONS` allows.
"""
