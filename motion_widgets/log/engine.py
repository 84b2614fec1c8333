"""The log's database: opening it, and its writing and reading transactions.

SQLite in WAL mode with one writing connection per process and ``BEGIN IMMEDIATE``, so that a writer waits
for its turn instead of failing half-way; PostgreSQL with an advisory lock that means the same.
"""

from __future__ import annotations

import contextlib
import os
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

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    StaticPool,
    create_engine,
    event,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, ProgrammingError, SQLAlchemyError

from motion_widgets.core.errors import LogError
from motion_widgets.log.migrations import migrate
from motion_widgets.log.open_file import BUSY_SECONDS, Opening, look
from motion_widgets.log.recovery import is_damage
from motion_widgets.log.schema import meta

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Database", "batches", "file_of", "now_us"]

_ADVISORY = 0x6D6F74696F6E  # "motion": the lock under which PostgreSQL's writers take turns
_BATCH = 500
"""Values in one ``IN (...)``."""
_TAKE_TURN = text(
    "SELECT set_config('idle_in_transaction_session_timeout', CAST(:idle AS text), true), "
    "set_config('lock_timeout', CAST(:busy AS text), true), pg_advisory_xact_lock(:turn)"
)
"""Takes a turn; the server ends that of a writer who falls asleep in it before others give up (ms)."""


def now_us() -> int:
    """Return the time as unix microseconds."""
    return time.time_ns() // 1000


def batches(values: Iterable[str]) -> Iterator[list[str]]:
    """Yield values, each once, in lists that fit one statement."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), _BATCH):
        yield distinct[start : start + _BATCH]


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
    name
        The log's address, without any password.
    salt
        The log's own random text, with which accounts are fingerprinted.
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
        try:
            address = _address(url)
        except (ArgumentError, ValueError) as error:
            raise LogError.of("log_unopenable", name=str(url)[:80], reason=_reason(error)) from None
        self.path = _file(address)
        self.name = address.render_as_string(hide_password=True)
        self.read_only = ""
        self.notices: list[str] = []
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._engines: list[Engine] = []
        try:
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open(address, look(self.path) if self.path is not None else None)
        except (SQLAlchemyError, NoSuchModuleError, ImportError, sqlite3.Error, OSError) as error:
            self.close()
            raise LogError.of(
                "log_unopenable", name=self.name, reason=_reason(error), detail=str(error)
            ) from error
        except LogError:
            self.close()
            raise

    def _open(self, address: URL, found: Opening | None) -> None:
        """Make the engines, bring the tables to today's schema, and read the log's salt."""
        journal = "WAL"
        if found is not None:
            self.read_only, self.notices, journal = found.read_only, found.notices, found.journal
            address = address.set(database=found.file.as_posix())
            if found.scratch is not None:
                weakref.finalize(self, shutil.rmtree, found.scratch, ignore_errors=True)
        own = found is not None and found.scratch is not None
        if self.read_only and not own:
            journal = ""
        self._reader = _engine(address, begin="BEGIN", journal=journal, poolclass=NullPool)
        self._writer = _engine(address, begin="BEGIN IMMEDIATE", journal=journal, poolclass=StaticPool)
        self._engines = [self._reader, self._writer]
        if journal:  # a copy of our own is brought to today's schema like any log
            with self._writer.begin() as connection:
                self._take_turn(connection)
                migrate(connection)
                connection.execute(
                    text("INSERT INTO meta (name, value) VALUES ('salt', :v) ON CONFLICT (name) DO NOTHING"),
                    {"v": secrets.token_hex(16)},
                )
        with self._reader.connect() as connection:
            salt = connection.execute(select(meta.c.value).where(meta.c.name == "salt")).scalar_one_or_none()
        self.salt = str(salt or secrets.token_hex(16))

    def close(self) -> None:
        """Close all connections that are not in use; a later call opens its own again."""
        # A connection that is closed while somebody takes it lets them fail.
        if self._engines and self._lock.acquire(timeout=1):
            try:
                for engine in self._engines:
                    engine.dispose()
            finally:
                self._lock.release()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open the one writing transaction of this process; commits at its end, rolls back on an error.

        Raises
        ------
        LogError
            The log is read-only, or the database refuses.
        """
        if self.read_only:
            raise LogError(self.read_only, code="log_read_only")
        self._leave_to_parent()
        with (
            self._lock,
            self._translated("log_unwritable"),
            _connect(self._writer) as connection,
            connection.begin(),
        ):
            self._take_turn(connection)
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a reading transaction, on a connection of its own.

        Raises
        ------
        LogError
            The database cannot be read.
        """
        self._leave_to_parent()
        with self._translated("log_unreadable"), _connect(self._reader) as connection:
            yield connection

    def _take_turn(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            busy = BUSY_SECONDS * 1000
            connection.execute(_TAKE_TURN, {"idle": busy // 2, "busy": busy, "turn": _ADVISORY})

    def _leave_to_parent(self) -> None:
        """In a forked process, leave the connections and the lock to the parent: no database shares them."""
        if self._process == os.getpid():
            return
        self._inherited = [engine.pool for engine in self._engines]  # never closed here: they are not ours
        for engine in self._engines:
            engine.dispose(close=False)
        self._lock, self._process = threading.Lock(), os.getpid()

    @contextmanager
    def _translated(self, code: str) -> Iterator[None]:
        """Raise a driver's error as a LogError; a file found to be damaged is not written to again."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            if _interrupted(error):
                raise KeyboardInterrupt from None
            if is_damage(getattr(error, "orig", error)):
                code = "log_broke"
            told = LogError.of(
                code, name=self.name, reason=_reason(error), what=_reason(error), detail=str(error)
            )
            if code == "log_broke":
                self.read_only = self.read_only or str(told)
            raise told from error


def file_of(url: str | Path) -> Path | None:
    """Return the SQLite file of a log's address. None: it is no such file, or no address."""
    try:
        return _file(_address(url))
    except (ArgumentError, ValueError):
        return None


def _file(address: URL) -> Path | None:
    sqlite = address.get_backend_name() == "sqlite"
    return Path(address.database).absolute() if sqlite and address.database else None


def _address(url: str | Path) -> URL:
    """Turn a path or a URL into a URL; a path may hold any character."""
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=Path(url).expanduser().absolute().as_posix())
    return make_url(url)


def _engine(address: URL, *, begin: str, journal: str, poolclass: type[NullPool | StaticPool]) -> Engine:
    """Make an engine; `journal` is SQLite's journal mode, ``""`` for one that only reads."""
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True)
    file = Path(address.database or "").as_uri() + ("" if journal else "?mode=ro")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(file, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)

    engine = create_engine(address, creator=connect, poolclass=poolclass)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        with contextlib.closing(connection.cursor()) as cursor:
            if journal:
                _set_journal(cursor, journal)
            for pragma in ("synchronous=FULL", "foreign_keys=ON"):
                cursor.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        if driver.in_transaction:  # an interrupted call left it half-way
            driver.rollback()
        connection.exec_driver_sql(begin)

    return engine


def _connect(engine: Engine) -> Connection:
    """Take a connection; one of psycopg that was interrupted in the middle of a call is replaced."""
    try:
        return engine.connect()
    except ProgrammingError as error:
        engine.dispose()
        if _interrupted(error):
            raise KeyboardInterrupt from None
        return engine.connect()


def _interrupted(error: BaseException | None) -> bool:
    """Return whether an interrupt hides behind an error: cleaning up after it may have failed."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _set_journal(cursor: sqlite3.Cursor, mode: str) -> None:
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
    """Return the driver's own short words."""
    lines = str(getattr(error, "orig", None) or error).splitlines()
    return lines[0][:200] if lines else type(error).__name__
