"""The tables of the log as the code uses them today; how a file gets there is `migrations.py`.

Columns are the fields of the records in `rows`: times are unix microseconds (UTC), money whole micro-dollars,
hashes lower-case hex. Whatever is selected of them fits its column (`column_rules`), or is not set.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, Column, Double, MetaData, Table, Text, case, select, type_coerce
from sqlalchemy.types import NullType, TypeDecorator

from motion_widgets.log.column_rules import Rule, rule_of
from motion_widgets.log.rows import (
    ComparisonRow,
    EventRow,
    FidelityRow,
    InputRow,
    JobRow,
    MendRow,
    QuestionRow,
    SweepRow,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Dialect, Select
    from sqlalchemy.sql.elements import ColumnElement, Label

__all__ = [
    "as_stored", "budgets", "comparisons", "events", "fidelity", "inputs", "job_rows", "jobs", "mends",
    "meta", "notes", "questions", "ratings", "readable", "rule_in", "salts", "sweeps", "tags",
]  # fmt: skip

metadata = MetaData()
_TYPES = {"int": BigInteger, "Micro": BigInteger, "float": Double, "bool": Boolean}


class _Checked(TypeDecorator[Any]):
    """A type whose values are read by a rule, whatever the database has there."""

    impl = Text
    cache_ok = True

    def __init__(self, rule: Rule, kind: Any) -> None:
        super().__init__()
        self.rule = rule
        self.kind = kind
        self.impl = kind()

    @property
    def python_type(self) -> type[Any]:
        """The Python type of a value that fits the column."""
        made: type[Any] = self.impl_instance.python_type
        return made

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:  # noqa: ARG002
        """Return what reads a value."""
        return self.rule.clean


def _column(name: str, kind: str, *, key: bool = False, rule: str = "") -> Column[Any]:
    """Return a column of a type that is annotated as `kind`; what is no plain value is kept as JSON."""
    made = _TYPES.get(kind.removesuffix(" | None"), Text)
    return Column(name, _Checked(rule_of(rule or name, kind), made), primary_key=key)


def _columns(record: type, *keys: str) -> list[Column[Any]]:
    """Return a column for each field of a record."""
    return [_column(one.name, str(one.type), key=one.name in (keys or ("id",))) for one in fields(record)]


meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", Text))
jobs = Table("jobs", metadata, *_columns(JobRow))
events = Table("events", metadata, *_columns(EventRow))
sweeps = Table("sweeps", metadata, *_columns(SweepRow))
inputs = Table("inputs", metadata, *_columns(InputRow, "sha"))
mends = Table("mends", metadata, *_columns(MendRow))
questions = Table("questions", metadata, *_columns(QuestionRow))
comparisons = Table("comparisons", metadata, *_columns(ComparisonRow))
fidelity = Table("fidelity", metadata, *_columns(FidelityRow, "clip_sha", "result_sha", "version"))
salts = Table("salts", metadata, _column("salt", "str", key=True))
"""With which older versions named accounts (`accounts`)."""

budgets = Table(
    "budgets",
    metadata,
    _column("id", "str", key=True, rule="budget_id"),
    _column("limit_micro", "int | None"),
    _column("used_micro", "int"),
    _column("person", "str | None"),
    _column("endpoint", "str | None"),
    _column("account", "str | None"),
    _column("since", "int | None"),
)

ratings = Table(
    "ratings",
    metadata,
    _column("id", "int", key=True),
    _column("job_id", "str"),
    _column("created", "int"),
    _column("created_by", "str"),
    _column("usable", "bool | None"),
    _column("stars", "int | None"),
)

notes = Table(
    "notes",
    metadata,
    _column("id", "int", key=True),
    _column("job_id", "str"),
    _column("created", "int"),
    _column("created_by", "str | None"),
    _column("text", "str"),
)

tags = Table(
    "tags",
    metadata,
    _column("job_id", "str", key=True),
    _column("tag", "str", key=True),
    _column("created", "int"),
    _column("created_by", "str | None"),
)


def as_stored(column: ColumnElement[Any]) -> Label[Any]:
    """Return a column as the database has it, for a reader that judges whole rows or many values at once."""
    return type_coerce(column, NullType()).label(column.key)


job_rows: Select[Any] = select(*map(as_stored, jobs.c))
"""Selects jobs for `JobRow.read`."""


def rule_in(column: ColumnElement[Any]) -> Rule:
    """Return the rule of a column, or of what is selected as one."""
    made: Any = column.type
    rule: Rule = made.rule
    return rule


def readable(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column of whole numbers for a sum in SQL: what is none there, or out of bounds, is null."""
    rule = rule_in(column)
    return type_coerce(case((column.between(rule.least, rule.most), column)), BigInteger())
