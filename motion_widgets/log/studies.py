"""What studies write down: questions, ratings of pairs of results, and measures between clips and results.

Rows are only ever added. Taking a rating back is a further row that supersedes it, so the log tells what was
said and when; what was measured is known by content, so it is computed once, whoever asks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from motion_widgets.core.version import __version__
from motion_widgets.log.engine import batches, now_us
from motion_widgets.log.names import current_person, new_id
from motion_widgets.log.rows import ComparisonRow, FidelityRow, QuestionRow
from motion_widgets.log.schema import comparisons, fidelity, questions

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from motion_widgets.log.engine import Database

__all__ = ["Comparisons", "Fidelity"]


class Comparisons:
    """The questions and the ratings of pairs that a log has."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, study: str, *, axis: str, a: str, b: str, criterion: str, planned: int) -> None:
        """Write a study's question down."""
        with self._database.write() as connection:
            connection.execute(
                insert(questions).values(
                    id=new_id("question"), study=study, created=now_us(), created_by=current_person(),
                    axis=axis, a=a, b=b, criterion=criterion, planned=planned, toolkit_version=__version__,
                )
            )  # fmt: skip

    def questions(self, study: str) -> list[QuestionRow]:
        """Return what a study was asked, oldest first."""
        query = select(questions).where(questions.c.study == study)
        with self._database.read() as connection:
            return QuestionRow.read_all(
                connection.execute(query.order_by(questions.c.created, questions.c.id))
            )

    def add(self, **values: Any) -> str:
        """Write a rating down, with the columns of `ComparisonRow`; return its id."""
        rating_id = new_id("rating")
        with self._database.write() as connection:
            connection.execute(
                insert(comparisons).values(
                    id=rating_id, created=now_us(), toolkit_version=__version__, **values
                )
            )
        return rating_id

    def take_back(self, row: ComparisonRow) -> None:
        """Write down that a rating no longer stands."""
        names = (
            "study", "criterion", "rater", "left_job_id", "right_job_id", "block", "round", "place",
            "names_visible", "seed",
        )  # fmt: skip
        same = {name: getattr(row, name) for name in names}
        unseen = dict.fromkeys(("seconds_shown", "left_plays", "right_plays"))
        self.add(**same, **unseen, choice="undone", supersedes=row.id)

    def of(self, study: str, known: Sequence[ComparisonRow] = ()) -> Sequence[ComparisonRow]:
        """Return a study's ratings, oldest first, those that were taken back among them.

        `known`: those that were read before. Rows are only ever added, so the same ids are the same rows,
        which are then not read again.
        """
        theirs, order = comparisons.c.study == study, (comparisons.c.created, comparisons.c.id)
        with self._database.read() as connection:
            if known:
                ids = connection.execute(select(comparisons.c.id).where(theirs).order_by(*order)).scalars()
                if list(ids) == [row.id for row in known]:
                    return known
            return ComparisonRow.read_all(
                connection.execute(select(comparisons).where(theirs).order_by(*order))
            )


class Fidelity:
    """The measures between clips and results that a log has."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, contents: tuple[str, str], version: str, **measures: Any) -> None:
        """Keep what was measured of a clip and a result, by SHA-256; what is there already stays."""
        table, (clip_sha, result_sha) = fidelity.c, contents
        same = (table.clip_sha == clip_sha, table.result_sha == result_sha, table.version == version)
        with self._database.write() as connection:
            if not connection.execute(select(table.version).where(*same)).first():
                connection.execute(
                    insert(fidelity).values(
                        clip_sha=clip_sha, result_sha=result_sha, version=version, created=now_us(),
                        created_by=current_person(), toolkit_version=__version__, **measures,
                    )
                )  # fmt: skip

    def of(self, results: Collection[str], versions: Collection[str]) -> dict[tuple[str, str], FidelityRow]:
        """Return what was measured of results, by the SHA-256 of clip and result; a later version wins."""
        found = {}
        order = {version: place for place, version in enumerate(versions)}
        with self._database.read() as connection:
            for some in batches(results):
                query = select(fidelity).where(
                    fidelity.c.result_sha.in_(some), fidelity.c.version.in_(list(order))
                )
                rows = [FidelityRow.read(row) for row in connection.execute(query).mappings()]
                for row in sorted(rows, key=lambda one: order[one.version]):
                    found[row.clip_sha, row.result_sha] = row
        return found
