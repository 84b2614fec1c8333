"""The log itself: every write and read of rows that the rest of the toolkit makes, by subject.

The store's contract:

* A job's row exists before anything is sent; it is never deleted, and it changes state only along
  `states.TRANSITIONS`, guarded by the ``UPDATE``'s own condition, so two processes cannot both win.
* Budget is reserved in the intent's transaction and settled in the transaction that ends the job.
* Every transition leaves an event in the same transaction.
* Writers take turns (`engine`), so what one reads before it writes still holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.log.annotations import Annotations
from motion_widgets.log.budgets import Budgets
from motion_widgets.log.engine import Database
from motion_widgets.log.files import Files
from motion_widgets.log.jobs import Jobs
from motion_widgets.log.leases import Leases
from motion_widgets.log.mends import Mends
from motion_widgets.log.sweeps import Sweeps
from motion_widgets.log.transitions import Transitions

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Log"]


class Log:
    """An experiment log.

    Parameters
    ----------
    url
        A SQLAlchemy URL, or the path of a SQLite file, made when missing.

    Attributes
    ----------
    database
        The opened database: its transactions, place and state.
    jobs, transitions, leases, budgets, annotations, mends, sweeps, files
        What is written and read, by subject.

    Raises
    ------
    LogError
        It cannot be opened, or a newer version of this package wrote it.
    """

    def __init__(self, url: str | Path) -> None:
        self.database = Database(url)
        self.jobs = Jobs(self.database)
        self.transitions = Transitions(self.database)
        self.leases = Leases(self.database)
        self.budgets = Budgets(self.database)
        self.annotations = Annotations(self.database)
        self.mends = Mends(self.database)
        self.sweeps = Sweeps(self.database)
        self.files = Files(self.database)

    @property
    def name(self) -> str:
        """The log's address, without any password."""
        return self.database.name

    @property
    def read_only(self) -> str:
        """A sentence that says why nothing is written; ``""``: it may be."""
        return self.database.read_only

    def close(self) -> None:
        """Close all connections that are not in use; a later call opens its own again."""
        self.database.close()
