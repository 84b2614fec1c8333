"""The gate for what comes from elsewhere: which ids and paths of foreign rows this log takes.

An imported frame, another person's log, a bundle and a sidecar are all judged here, as whoever made them may
have made them to be harmful.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.log.column_rules import clean
from motion_widgets.log.schema import metadata, rule_in
from motion_widgets.log.states import ENDS, State
from motion_widgets.request.findings import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["NOBODY", "PATHS", "Bound", "as_foreign", "clean_rows"]

VALUES_MOST, BYTES_MOST = 20_000_000, 500_000_000
"""Values of one file, and bytes of them: some 250,000 jobs with all their columns."""

NOBODY = ""
"""As a job's `person_budget_id`: it came from elsewhere; no budget counts it until it is sent from here."""

PATHS = {
    "jobs": ("result_path", "image_path", "clip_path"),
    "inputs": ("path",),
    "mends": ("source_path", "result_path"),
}
"""Columns that name a file below the workspace's folder."""
_NAMES = frozenset(["id", "job_id", "sha", "left_job_id", "right_job_id"])
"""Columns without which nobody knows what a row is about."""
_RULES = {
    table.name: {column.name: rule_in(column) for column in table.c}
    for table in metadata.sorted_tables
    if table.name != "meta"
}


class Bound:
    """How much one file from elsewhere may hold; it is counted while it is read.

    Parameters
    ----------
    name
        The file's, for the sentence.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._values, self._bytes = VALUES_MOST, BYTES_MOST

    def take(self, values: int, size: int) -> None:
        """Count what was read.

        Raises
        ------
        LogError
            The file holds more than is read of one.
        """
        self._values -= values
        self._bytes -= size
        if self._values < 0 or self._bytes < 0:
            mb = BYTES_MOST // 1_000_000
            raise LogError.of("import_many", name=self._name, most=VALUES_MOST, mb=mb)

    def rows(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield rows as they are read, until they are too many."""
        for row in rows:
            self.take(len(row), sum(len(one) for one in row.values() if isinstance(one, str | bytes)))
            yield dict(row)


def clean_rows(rows: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Leave out rows with an unsafe id and clear what does not fit its column; return a sentence for each.

    Parameters
    ----------
    rows
        All rows of a foreign log as they are stored, by table; changed in place.
    """
    said: list[str] = []
    for table, rules in _RULES.items():
        fitting = []
        for row in rows[table]:
            values, unfit = clean(rules, row)
            said += _said(table, row, values, unfit)
            if not _NAMES.intersection(unfit):
                fitting.append(values)
        rows[table] = fitting
    return said


def _said(table: str, row: Mapping[str, Any], values: Mapping[str, Any], unfit: list[str]) -> Iterator[str]:
    """Return what is said of a row: that it, a path of it or some values were left out."""
    if "id" in unfit and table == "jobs":
        yield say("merge_id", found=show(row["id"]))
    if _NAMES.intersection(unfit):
        return
    name = values.get("id", values.get("sha", values.get("job_id", table)))
    for path in PATHS.get(table, ()):
        if path in unfit:
            yield say("merge_path", id=name, found=str(row[path])[:80])
    others = [one for one in unfit if one not in PATHS.get(table, ())]
    if others:
        yield say("merge_values", id=name, names=", ".join(others))


def as_foreign(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a job that change when it comes from elsewhere.

    Nobody here drives it, no budget here holds money for it, and what was sealed to be sent there is not sent
    from here. Where it was under way, any holder of the account's key may ask for it; a sandbox's task is
    known to that sandbox alone.
    """
    state = State(row["state"])
    followed = row["task_id"] is not None and not row["sandbox"] and state is not State.SUBMITTING
    rests = state in ENDS or state is State.PLANNED or followed
    return {
        "state": (state if rests else State.UNKNOWN).value, "body": row["body"] if state in ENDS else None,
        "reserved": 0, "person_budget_id": NOBODY, "lease_owner": None, "lease_until": None, "progress": None,
        "shared": None,
    }  # fmt: skip
