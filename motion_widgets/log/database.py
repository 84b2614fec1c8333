"""The log's database: opening it, and the one writing and the many reading transactions.

SQLite in WAL mode with one writing connection per process and ``BEGIN IMMEDIATE``, so that a writer waits
for its turn instead of failing half-way; PostgreSQL with an advisory lock that means the same.
"""

from __future__ import annotations

import contextlib
import random
import secrets
import shutil
import sqlite3
import threading
import time
import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from motion_widgets.errors import LogError
from motion_widgets.log.migrations import migrate
from motion_widgets.log.opening import BUSY_SECONDS, Opening, look
from motion_widgets.log.rescue import is_damage
from motion_widgets.log.tables import meta

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Database", "now_us"]

_ADVISORY = 0x6D6F74696F6E  # "motion": the lock under which PostgreSQL's writers take turns


def now_us() -> int:
    """Give the time as unix microseconds."""
    return time.time_ns() // 1000


class Database:
    """An opened log: who may write, and how rows are read.

    Parameters
    ----------
    url
        A SQLAlchemy URL, or the path of a SQLite file, made when missing.

    Attributes
    ----------
    path
        The SQLite file. None: the log is elsewhere.
    read_only
        A sentence that says why nothing is written; ``""``: it may be. A damaged log is read from what
        could be rescued of it, and nothing is sent.
    notices
        Sentences about its place and state that a person should see once.

    Raises
    ------
    LogError
        It cannot be opened, or a newer version of this package wrote it.
    """

    def __init__(self, url: str | Path) -> None:
        self._lock = threading.RLock()
        self._reader: Engine | None = None
        self._writer: Engine | None = None
        try:
            address = _address(url)
        except (ArgumentError, ValueError) as error:
            raise LogError.of("log_unopenable", name=str(url)[:80], reason=_reason(error)) from None
        sqlite = address.get_backend_name() == "sqlite"
        self.path = Path(address.database).absolute() if sqlite and address.database else None
        self.name = address.render_as_string(hide_password=True)
        self.read_only = ""
        self.notices: list[str] = []
        try:
            if self.path is None:
                self._open(address, None)
            else:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._open(address, look(self.path))
        except (SQLAlchemyError, NoSuchModuleError, ImportError, sqlite3.Error, OSError) as error:
            self.close()
            raise LogError.of(
                "log_unopenable", name=self.name, reason=_reason(error), detail=str(error)
            ) from error
        except LogError as error:
            self.close()
            if error.code in ("log_unwritable", "log_unreadable"):
                reason = str(error.params.get("reason", ""))
                raise LogError.of(
                    "log_unopenable", name=self.name, reason=reason, detail=error.detail
                ) from error
            raise

    def _open(self, address: URL, found: Opening | None) -> None:
        """Make the engines, bring the tables to today's shape, and read the log's salt."""
        if found is not None:
            self.read_only, self.notices = found.read_only, found.notices
            address = address.set(database=found.file.as_posix())
            if found.scratch is not None:
                weakref.finalize(self, shutil.rmtree, found.scratch, ignore_errors=True)
        journal = found.journal if found is not None else "WAL"
        own = found is not None and found.scratch is not None
        if not self.read_only or own:  # a copy of our own is brought to today's shape like any log
            self._writer = _engine(
                address, begin="BEGIN IMMEDIATE", journal=journal, pool_size=1, max_overflow=0
            )
            with self._writer.begin() as connection:
                self._take_turns(connection)
                migrate(connection)
                connection.execute(
                    text("INSERT INTO meta (name, value) VALUES ('salt', :v) ON CONFLICT (name) DO NOTHING"),
                    {"v": secrets.token_hex(16)},
                )
        self._reader = _engine(address, begin="BEGIN", journal="" if self.read_only and not own else journal)
        with self.read() as connection:
            self.salt = str(
                connection.execute(select(meta.c.value).where(meta.c.name == "salt")).scalar_one_or_none()
                or secrets.token_hex(16)
            )

    def _take_turns(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY})"))

    def close(self) -> None:
        """Close all connections that are not in use; what is still written opens its own again."""
        if self._reader is not None:
            self._reader.dispose()
        # A pool that is emptied while somebody takes its only connection lets them wait for it in vain.
        if self._writer is not None and self._lock.acquire(timeout=1):
            try:
                self._writer.dispose()
            finally:
                self._lock.release()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open the one writing transaction of this process; commits at its end, rolls back on an error."""
        if self.read_only:
            raise LogError(self.read_only, code="log_read_only")
        assert self._writer is not None
        with self._lock:
            try:
                with self._writer.begin() as connection:
                    self._take_turns(connection)
                    yield connection
            except SQLAlchemyError as error:
                raise self._failure("log_unwritable", error) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a reading transaction on a connection of its own."""
        assert self._reader is not None
        try:
            with self._reader.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._failure("log_unreadable", error) from error

    def _failure(self, code: str, error: SQLAlchemyError) -> LogError:
        """Give the sentence for a driver's error; once the file is found damaged nothing is written to it."""
        if is_damage(getattr(error, "orig", None)):
            broke = LogError.of("log_broke", name=self.name, what=_reason(error), detail=str(error))
            self.read_only = self.read_only or str(broke)
            return broke
        return LogError.of(code, name=self.name, reason=_reason(error), detail=str(error))


def _address(url: str | Path) -> URL:
    """Turn a path or a URL into a URL; a path may hold any character."""
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=Path(url).expanduser().absolute().as_posix())
    return make_url(url)


def _engine(address: URL, *, begin: str, journal: str, **options: Any) -> Engine:
    """Make an engine; `journal` is SQLite's journal mode, ``""`` for one that only reads."""
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True)
    file = Path(address.database or "").as_uri() + ("" if journal else "?mode=ro")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(file, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)

    engine = create_engine(address, creator=connect, **options)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        with contextlib.closing(connection.cursor()) as cursor:
            if journal:
                _keep_journal(cursor, journal)
            for pragma in ("synchronous=FULL", "foreign_keys=ON"):
                cursor.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _keep_journal(cursor: sqlite3.Cursor, mode: str) -> None:
    """Switch the journal, trying again while others do: this one change does not honour the busy timeout."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute(f"PRAGMA journal_mode={mode}")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(random.uniform(0.002, 0.02))  # noqa: S311 - jitter
        else:
            return


def _reason(error: Exception) -> str:
    """Give the driver's own short words."""
    lines = str(getattr(error, "orig", None) or error).splitlines()
    return lines[0][:200] if lines else type(error).__name__
