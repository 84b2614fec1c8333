"""Jobs of the same endpoint that were sent with another key: the account's former one, or another account's.

An account is known by its key alone (`Connection.account`), so which of the two it is only a person can say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import false

from motion_widgets.core.errors import RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.texts import first_of
from motion_widgets.log.engine import batches
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import RETRYABLE, UNDER_WAY, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log
    from motion_widgets.workspace.connection import Connection

__all__ = ["RotatedKey"]

_NAMED = 3
"""Jobs that are named; the others are counted."""
_UNPAID = [str(state) for state in (*RETRYABLE, State.PLANNED)]


class RotatedKey:
    """What was sent with another key of the endpoint that a workspace is at; never anything of a sandbox.

    Parameters
    ----------
    log, connection
        The workspace's.
    """

    def __init__(self, log: Log, connection: Connection) -> None:
        self._log, self._connection = log, connection

    def notices(self, rows: Sequence[JobRow] | None = None) -> list[str]:
        """Return a sentence on jobs under way, of some or of all, that another key sent. Empty: none."""
        if rows is None:
            rows = self._rows(jobs.c.state.in_([str(state) for state in UNDER_WAY]))
        else:
            rows = [row for row in rows if row.state in UNDER_WAY and self._is_other(row)]
        if not rows:
            return []
        ids = first_of([row.id for row in rows], _NAMED)
        return [say("other_key", count=len(rows), ids=ids, endpoint=rows[0].endpoint, id=rows[0].id)]

    def paid(self, keys: Iterable[str]) -> list[JobRow]:
        """Return the jobs that asked for the same content with another key and were, or may be, paid for."""
        sent = jobs.c.state.not_in(_UNPAID)
        return [row for some in batches(keys) for row in self._rows(jobs.c.key.in_(some), sent)]

    def require_unpaid(self, keys: Iterable[str]) -> None:
        """Raise RequestError where content was sent with another key: a person decides."""
        rows = self.paid(keys)
        if rows:
            raise RequestError.of("paid_with_other_key", count=len(rows), id=rows[0].id, state=rows[0].state)

    def take_over(self, rows: Sequence[JobRow], an_id: str) -> list[JobRow]:
        """Count jobs, and their run, as this key's account's, and return them: a person said it is the same.

        `an_id` is the run's, or the one job's.

        Raises
        ------
        RequestError
            One belongs to another endpoint, or there is no key.
        """
        target = self._connection.target
        for row in rows:
            if row.endpoint != target.endpoint or target.secret is None:
                raise RequestError.of("other_endpoint", id=row.id, endpoint=row.endpoint)
        ids = [row.id for row in rows if self._is_other(row)]
        self._log.accounts.take_over(ids, target.endpoint, self._connection.account, an_id)
        return [self._log.jobs.get(row.id) for row in rows]

    def _is_other(self, row: JobRow) -> bool:
        target = self._connection.target
        here = row.endpoint == target.endpoint and not row.sandbox and target.secret is not None
        return here and row.account != self._connection.account

    def _rows(self, *where: ColumnElement[bool]) -> list[JobRow]:
        target = self._connection.target
        if target.secret is None:
            return []
        others = (jobs.c.account != self._connection.account, jobs.c.sandbox.is_(false()))
        return self._log.jobs.rows(jobs.c.endpoint == target.endpoint, *others, *where)
