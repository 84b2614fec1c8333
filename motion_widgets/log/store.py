"""The log itself: every write and read of rows that the rest of the toolkit makes, by subject.

The store's contract:

* A job's row exists before anything is sent; it is never deleted, and it changes state only along
  `states.TRANSITIONS`, guarded by the ``UPDATE``'s own condition, so two processes cannot both win.
* Budget is reserved in the intent's transaction and settled in the transaction that ends the job.
* Every transition leaves an event in the same transaction.
* Writers take turns (`engine`), so what one reads before it writes still holds.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from motion_widgets.core.errors import LogError
from motion_widgets.core.forks import unforked
from motion_widgets.core.hidden import hidden
from motion_widgets.log.accounts import Accounts
from motion_widgets.log.annotations import Annotations
from motion_widgets.log.budgets import Budgets
from motion_widgets.log.engine import Database
from motion_widgets.log.files import Files, Mends
from motion_widgets.log.jobs import Jobs
from motion_widgets.log.leases import Leases
from motion_widgets.log.open_file import BUSY_SECONDS
from motion_widgets.log.recovery import back_up
from motion_widgets.log.studies import Comparisons, Fidelity
from motion_widgets.log.sweeps import Sweeps
from motion_widgets.log.transitions import Transitions

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import URL

__all__ = ["Log"]


class Log:
    """An experiment log.

    Parameters
    ----------
    url, reading
        As `Database` takes them.

    Attributes
    ----------
    database
        The opened database: its transactions, place and state.
    jobs, transitions, leases, budgets, annotations, mends, comparisons, fidelity, sweeps, files, accounts
        What is written and read, by subject.
    """

    def __init__(self, url: str | Path | URL, *, reading: bool = False) -> None:
        url_of = hidden(url)
        del url  # verbose tracebacks show the locals of this frame
        self.database = Database(url_of(), reading=reading)
        self.jobs = Jobs(self.database)
        self.transitions = Transitions(self.database)
        self.leases = Leases(self.database)
        self.budgets = Budgets(self.database)
        self.annotations = Annotations(self.database)
        self.mends = Mends(self.database)
        self.comparisons = Comparisons(self.database)
        self.fidelity = Fidelity(self.database)
        self.sweeps = Sweeps(self.database)
        self.files = Files(self.database)
        self.accounts = Accounts(self.database)

    @property
    def name(self) -> str:
        """The log's address, without any password."""
        return self.database.name

    @property
    def read_only(self) -> str:
        """A sentence that says why nothing is written; ``""``: it may be."""
        return self.database.read_only

    def back_up(self) -> Path | None:
        """Copy the log as it is now to ``NAME.backup`` beside it, for `recovery.rescue`, and return where.

        None: the log is read-only or on a server, where backups are the server's.

        Raises
        ------
        LogError
            The copy cannot be written.
        """
        path = self.database.path
        if path is None or self.read_only:
            return None
        target = path.with_name(f"{path.name}.backup")
        try:
            with unforked(), contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as db:
                back_up(db, target)
        except (OSError, sqlite3.Error) as error:
            raise LogError.of("export_failed", name=str(target), reason=str(error)) from error
        return target

    def close(self) -> None:
        """Close all connections that are not in use; a later call opens its own again."""
        self.database.close()
