"""The tables of the log as the code uses them today; how a file gets there is `migrations.py`.

Columns are the fields of the records in `rows`: times are unix microseconds (UTC), money whole micro-dollars,
hashes lower-case hex.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, MetaData, Table, Text

from motion_widgets.log.rows import EventRow, InputRow, JobRow, MendRow, SweepRow

__all__ = ["budgets", "events", "inputs", "jobs", "mends", "meta", "notes", "ratings", "sweeps", "tags"]

metadata = MetaData()
_TYPES = {"str": Text, "int": BigInteger, "Micro": BigInteger, "float": Double, "bool": Boolean}


def _columns(record: type, key: str = "id") -> list[Column[Any]]:
    """Return a column for each field of a record; what is no plain value is kept as JSON."""
    return [
        Column(one.name, _TYPES.get(str(one.type).removesuffix(" | None"), Text), primary_key=one.name == key)
        for one in fields(record)
    ]


meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", Text))
jobs = Table("jobs", metadata, *_columns(JobRow))
events = Table("events", metadata, *_columns(EventRow))
sweeps = Table("sweeps", metadata, *_columns(SweepRow))
inputs = Table("inputs", metadata, *_columns(InputRow, "sha"))
mends = Table("mends", metadata, *_columns(MendRow))

budgets = Table(
    "budgets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("limit_micro", BigInteger),
    Column("used_micro", BigInteger),
    Column("person", Text),
    Column("endpoint", Text),
    Column("account", Text),
    Column("since", BigInteger),
)

ratings = Table(
    "ratings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", Text),
    Column("created", BigInteger),
    Column("created_by", Text),
    Column("usable", Boolean),
    Column("stars", Integer),
)

notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", Text),
    Column("created", BigInteger),
    Column("created_by", Text),
    Column("text", Text),
)

tags = Table(
    "tags",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("created", BigInteger),
    Column("created_by", Text),
)
