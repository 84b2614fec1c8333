"""The log's database: opening it, and its writing and reading transactions.

SQLite in WAL mode with one writing connection per process and ``BEGIN IMMEDIATE``, so that a writer waits
for its turn instead of failing half-way; PostgreSQL with an advisory lock that means the same.
"""

from __future__ import annotations

import contextlib
import operator
import random
import shutil
import sqlite3
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
    Pool,
    QueuePool,
    StaticPool,
    create_engine,
    event,
    text,
)
from sqlalchemy.exc import NoSuchModuleError, ProgrammingError, SQLAlchemyError
from sqlalchemy.util import LRUCache

from motion_widgets.core.errors import LogError
from motion_widgets.core.forks import before_fork, in_child, keep_for_parent, new_lock, unforked
from motion_widgets.core.held_files import opening_database
from motion_widgets.core.hidden import hidden, without_frames
from motion_widgets.core.messages import say
from motion_widgets.log.migrations import SCHEMA, migrate
from motion_widgets.log.open_file import BUSY_SECONDS, Opening, address_of, file_of, look
from motion_widgets.log.recovery import damage_words, is_damage
from motion_widgets.log.untrusted_file import address_rows, uri_for_reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Database", "batches", "now_us"]

_ADVISORY = 0x6D6F74696F6E  # "motion": the lock under which PostgreSQL's writers take turns
_BATCH = 500
"""Values in one ``IN (...)``."""
_DRIVER = (SQLAlchemyError, sqlite3.Error, UnicodeDecodeError)
"""What a driver raises; the last where its own words about a damaged file are no text."""
_AS_TEXT = operator.methodcaller("decode", "utf-8", "replace")
"""Reads a text of SQLite, which does not look whether it is one."""
_TAKE_TURN = text(
    "SELECT set_config('idle_in_transaction_session_timeout', CAST(:idle AS text), true), "
    "set_config('lock_timeout', CAST(:busy AS text), true), pg_advisory_xact_lock(:turn)"
)
"""Takes a turn; the server ends that of a writer who falls asleep in it before others give up (ms)."""
_SCHEMA = "SELECT value FROM meta WHERE name = 'schema'"
"""Is read in every write, so it is not put together anew."""


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
    reading
        Only read it, and leave it and its folder as they are.

    Attributes
    ----------
    path
        The SQLite file. None: the log is elsewhere.
    name
        The log's address, without any password.
    read_only
        A sentence that says why nothing is written; ``""``: it may be. A damaged log is read from what
        could be rescued of it, and nothing is sent.
    notices
        Sentences about its place and state that a person should see once.
    version
        The version of its schema; an older one that is only read keeps it, and is read from a copy.

    Raises
    ------
    LogError
        It cannot be opened, or a newer version of this package wrote it.
    """

    def __init__(self, url: str | Path | URL, *, reading: bool = False) -> None:
        url_of = hidden(url)
        del url  # verbose tracebacks show the locals of this frame
        address = address_of(url_of())
        self.path = file_of(address)
        self.name = address.set(query={}).render_as_string()
        self.read_only = ""
        self.notices: list[str] = []
        self.version = SCHEMA
        self._lock = new_lock()
        self._engines: list[Engine] = []
        self._closings = 0
        self._scratch: weakref.finalize[..., Any] | None = None
        before_fork(self._rest)
        in_child(self._leave_to_parent)
        try:
            if self.path is not None and not reading:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            with unforked():
                found = look(self.path, reading=reading) if self.path is not None else None
                self._open(address, found, reading=reading)
        except (*_DRIVER, NoSuchModuleError, ImportError, OSError) as error:
            self.close()
            absent = isinstance(error, ImportError) and address.get_backend_name() == "postgresql"
            code = "postgres_missing" if absent else "log_unopenable"
            raise LogError.of(
                code, name=self.name, reason=_reason(error), detail=str(error)
            ) from without_frames(error)
        except LogError:
            self.close()
            raise

    def _open(self, address: URL, found: Opening | None, *, reading: bool) -> None:
        """Make the engines, bring the tables to today's schema, and see that it can be read."""
        journal = "WAL"
        if reading:
            self.read_only = say("log_only_read", name=self.name)
        if found is not None:
            self.read_only, self.notices, journal = found.read_only, found.notices, found.journal
            self.version = found.version or SCHEMA
            address = address.set(database=found.file.as_posix())
            if found.scratch is not None:
                self._scratch = weakref.finalize(self, shutil.rmtree, found.scratch, ignore_errors=True)
        own = found is not None and found.scratch is not None
        if self.read_only and not own:
            journal = ""
        # A file that must stay as it is is not kept open; any other one is, as by the writer.
        readers = QueuePool if journal else NullPool
        self._reader = _engine(address, begin="BEGIN", journal=journal, poolclass=readers)
        self._writer = _engine(address, begin="BEGIN IMMEDIATE", journal=journal, poolclass=StaticPool)
        self._engines = [self._reader, self._writer]
        if journal:  # a copy of our own is brought to today's schema like any log
            with self._writer.begin() as connection:
                self._take_turn(connection)
                migrate(connection)
                if connection.dialect.name == "sqlite":
                    address_rows(connection)
        with self._reader.connect() as connection:
            version = _shape(connection)
        if version != str(SCHEMA):  # it is only read, so it was not brought to today's
            code = "log_newer" if int(version) > SCHEMA else "log_older"
            raise LogError.of(code, found=version, known=SCHEMA)

    def close(self) -> None:
        """Close all connections that are not in use; a later call opens its own again."""
        # A connection that is closed while somebody takes it lets them fail.
        if self._engines and self._lock.acquire(timeout=1):
            self._closings += 1
            try:
                self._empty_wal()
                for engine in self._engines:
                    engine.dispose()
            finally:
                self._lock.release()

    def checkpoint(self) -> None:
        """Bring the write-ahead log into the file, so that a copy of the file alone has every row."""
        with unforked(), self._lock:
            self._empty_wal()

    def _empty_wal(self) -> None:
        if self.path is None or self.read_only or not self.path.is_file():
            return
        # It waits for nobody, and where it fails nothing is lost: SQLite reads both files.
        with contextlib.suppress(*_DRIVER), _connect(self._writer) as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("PRAGMA wal_checkpoint(PASSIVE)")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open the one writing transaction of this process; commits at its end, rolls back on an error.

        Raises
        ------
        LogError
            The log is read-only, another version brought it to another shape, or the database refuses.
        """
        if self.read_only:
            raise LogError(self.read_only, code="log_read_only")
        with (
            unforked(),
            self._lock,
            self._translated("log_unwritable"),
            _connect(self._writer) as connection,
            connection.begin(),
        ):
            self._take_turn(connection)
            self._check_shape(connection)
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a reading transaction, on a connection that nobody else uses meanwhile.

        Raises
        ------
        LogError
            The database cannot be read.
        """
        closings, pool = self._closings, self._reader.pool
        with unforked():
            try:
                with self._translated("log_unreadable"), _connect(self._reader) as connection:
                    yield connection
            finally:
                if self._closings != closings:  # it was in use then
                    pool.dispose()

    def _take_turn(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            busy = BUSY_SECONDS * 1000
            connection.execute(_TAKE_TURN, {"idle": busy // 2, "busy": busy, "turn": _ADVISORY})

    def _check_shape(self, connection: Connection) -> None:
        """Stop writing once another version has changed the log's shape: its rules are not known here."""
        version = _shape(connection)
        if version != str(SCHEMA):
            told = LogError.of("log_reshaped", name=self.name, found=version, known=SCHEMA)
            self.read_only = str(told)
            raise told

    def _rest(self) -> None:
        """Close SQLite's connections before a fork: the child would believe to hold their locks."""
        if self.path is not None:
            for engine in self._engines:
                engine.dispose()

    def _leave_to_parent(self) -> None:
        """In a forked process, leave the connections to the parent: no database shares them."""
        for engine in self._engines:
            keep_for_parent(engine.pool)
            engine.dispose(close=False)
        if self._scratch is not None:
            self._scratch.detach()

    @contextmanager
    def _translated(self, code: str) -> Iterator[None]:
        """Raise a driver's error as a LogError; a file found to be damaged is not written to again."""
        try:
            yield
        except _DRIVER as error:
            if _interrupted(error):
                raise KeyboardInterrupt from None
            if is_damage(getattr(error, "orig", error)):
                code = "log_broke"
            told = LogError.of(
                code, name=self.name, reason=_reason(error), what=_reason(error), detail=str(error)
            )
            if code == "log_broke":
                self.read_only = self.read_only or str(told)
            raise told from without_frames(error)


class _Compiled(LRUCache[Any, Any]):
    """Statements as SQL, for all logs of a process: putting one together takes longer than running it.

    SQLAlchemy asks by each engine's own dialect; here what decides about the SQL counts.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_any_engine(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_of_any_engine(key), value)


def _of_any_engine(key: Any) -> Any:
    dialect, *rest = key
    return dialect.driver, dialect.server_version_info, *rest


_COMPILED = _Compiled(capacity=1000)
"""What the execution option ``compiled_cache`` of an engine takes."""


def _engine(address: URL, *, begin: str, journal: str, poolclass: type[Pool]) -> Engine:
    """Make an engine; `journal` is SQLite's journal mode, ``""`` for one that only reads."""
    options = {"compiled_cache": _COMPILED}
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True, execution_options=options)
    path = Path(address.database or "")

    def connect() -> sqlite3.Connection:
        file = path.as_uri() if journal else uri_for_reading(path)
        with opening_database():
            made = sqlite3.connect(file, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)
        made.text_factory = _AS_TEXT
        return made

    most = {"max_overflow": -1} if poolclass is QueuePool else {}  # nobody waits for another one's reading
    engine = create_engine(
        address, creator=connect, poolclass=poolclass, execution_options=options, **most
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        with contextlib.closing(connection.cursor()) as cursor:
            if journal and not _is_new(cursor):
                _set_journal(cursor, journal)
            for pragma in ("synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
                cursor.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        if driver.in_transaction:  # an interrupted call left it half-way
            driver.rollback()
        driver.execute(begin)

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


def _is_new(cursor: sqlite3.Cursor) -> bool:
    """Return whether a file has no tables yet; they are made in it, not in a journal that a copy lacks."""
    return bool(cursor.execute("PRAGMA schema_version").fetchone() == (0,))


def _shape(connection: Connection) -> str:
    """Return the version of a log's schema, as it is in this transaction."""
    return str(connection.exec_driver_sql(_SCHEMA).scalar())


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
    if isinstance(error, UnicodeDecodeError):
        return damage_words(error)
    lines = str(getattr(error, "orig", None) or error).splitlines()
    return lines[0][:200] if lines else type(error).__name__
