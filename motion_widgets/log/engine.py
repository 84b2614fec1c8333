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

from motion_widgets.core.errors import LogError
from motion_widgets.log.hand import AtHand, interrupted
from motion_widgets.log.migrations import migrate
from motion_widgets.log.open_file import BUSY_SECONDS, Opening, look
from motion_widgets.log.recovery import is_damage
from motion_widgets.log.schema import meta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Database", "file_of", "now_us"]

_ADVISORY = 0x6D6F74696F6E  # "motion": the lock under which PostgreSQL's writers take turns
_TURN = text(
    "SELECT set_config('idle_in_transaction_session_timeout', CAST(:asleep AS text), true), "
    "set_config('lock_timeout', CAST(:busy AS text), true), pg_advisory_xact_lock(:turn)"
)
"""Takes a turn; the server ends that of a writer who falls asleep in it before others give up (ms)."""

_CACHE = "cache_size=-512"
"""KiB of the file that a reader of SQLite keeps; what fits into the processor's own cache is read soonest."""


def now_us() -> int:
    """Return the time as unix microseconds."""
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
        self._reading: AtHand | None = None
        self._writing: AtHand | None = None
        self._group: _Group | None = None
        try:
            address = _address(url)
        except (ArgumentError, ValueError) as error:
            raise LogError.of("log_unopenable", name=str(url)[:80], reason=_reason(error)) from None
        self.path = _file(address)
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
            self._writing = AtHand(self._writer)
            with self._writer.begin() as connection:
                self._take_turns(connection)
                migrate(connection)
                connection.execute(
                    text("INSERT INTO meta (name, value) VALUES ('salt', :v) ON CONFLICT (name) DO NOTHING"),
                    {"v": secrets.token_hex(16)},
                )
        self._reader = _engine(
            address,
            begin="BEGIN",
            journal="" if self.read_only and not own else journal,
            pragmas=[_CACHE],
        )
        self._reading = AtHand(self._reader)
        with self.read() as connection:
            self.salt = str(
                connection.execute(select(meta.c.value).where(meta.c.name == "salt")).scalar_one_or_none()
                or secrets.token_hex(16)
            )

    def _take_turns(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            busy = BUSY_SECONDS * 1000
            connection.execute(_TURN, {"asleep": busy // 2, "busy": busy, "turn": _ADVISORY})

    def close(self) -> None:
        """Close all connections that are not in use; what is still written opens its own again."""
        if self._reading is not None:
            self._reading.close()
        # A pool that is emptied while somebody takes its only connection lets them wait for it in vain.
        if self._writing is not None and self._lock.acquire(timeout=1):
            try:
                self._writing.close()
            finally:
                self._lock.release()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open the one writing transaction of this process; commits at its end, rolls back on an error."""
        if self.read_only:
            raise LogError(self.read_only, code="log_read_only")
        with self._lock:
            try:
                with self._part_of_group() if self._group is not None else self._turn() as connection:
                    yield connection
            except (SQLAlchemyError, sqlite3.Error) as error:
                if self._group is not None:
                    self._group.broken = True
                raise self._failure("log_unwritable", error) from error

    @contextmanager
    def _turn(self) -> Iterator[Connection]:
        assert self._writing is not None
        with self._writing.connection() as connection, connection.begin():
            self._take_turns(connection)
            yield connection

    @contextmanager
    def _part_of_group(self) -> Iterator[Connection]:
        """Write in the group's transaction; an error takes back this part alone."""
        group = self._group
        assert group is not None
        if group.connection is None:
            group.connection = group.stack.enter_context(self._turn())
        with _savepoint(group.connection):
            yield group.connection

    def together(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Make calls that write and read, with one commit for all of them; each is still all or nothing.

        Committing takes far longer than writing. Nothing of a call may be acted upon before this returns.

        Returns
        -------
        list
            Per call what it gave, or the exception that it raised; its own writes alone were taken back for
            that. Where the database itself failed each call was made by itself after all.
        """
        if len(calls) > 1:
            with self._lock, contextlib.suppress(_BrokenError, LogError):
                try:
                    with contextlib.ExitStack() as stack:
                        self._group = _Group(stack)
                        return [self._grouped(call, self._group) for call in calls]
                except (SQLAlchemyError, sqlite3.Error) as error:
                    raise self._failure("log_unwritable", error) from error
                finally:
                    self._group = None
        return [_outcome(call) for call in calls]

    @staticmethod
    def _grouped(call: Callable[[], Any], group: _Group) -> Any:
        done = _outcome(call)
        if group.broken:  # SQLite may have ended the whole transaction, so no part of it counts
            raise _BrokenError
        return done

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a reading transaction on a connection of its own; within a group it sees what that wrote."""
        group = self._group
        if group is not None and (group.thread != threading.get_ident() or group.connection is None):
            group = None
        assert self._reading is not None
        try:
            if group is not None and group.connection is not None:
                yield group.connection
            else:
                with self._reading.connection() as connection:
                    yield connection
        except (SQLAlchemyError, sqlite3.Error) as error:
            if group is not None:
                group.broken = True
            raise self._failure("log_unreadable", error) from error

    def _failure(self, code: str, error: SQLAlchemyError | sqlite3.Error) -> LogError:
        """Return the error to raise for a driver's error; a file found damaged is not written to again."""
        if interrupted(error):
            raise KeyboardInterrupt from None
        if is_damage(getattr(error, "orig", error)):
            broke = LogError.of("log_broke", name=self.name, what=_reason(error), detail=str(error))
            self.read_only = self.read_only or str(broke)
            return broke
        return LogError.of(code, name=self.name, reason=_reason(error), detail=str(error))


class _BrokenError(Exception):
    """The database failed within a group."""


class _Group:
    """Calls that share a transaction, which begins with the first of them that writes."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.stack = stack
        self.thread = threading.get_ident()
        self.connection: Connection | None = None
        self.broken = False


@contextmanager
def _savepoint(connection: Connection) -> Iterator[None]:
    """Take back on an error what was written since, and nothing before."""
    if connection.dialect.name != "sqlite":
        with connection.begin_nested():
            yield
        return
    driver: Any = connection.connection.dbapi_connection  # SQLAlchemy's way is ten times as slow here too
    driver.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        # An error may have ended the whole transaction, and the savepoint with it: that first error counts.
        with contextlib.suppress(sqlite3.Error):
            driver.execute("ROLLBACK TO part")
            driver.execute("RELEASE part")
        raise
    driver.execute("RELEASE part")


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - it is the caller's, who gets it
        return error


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


def _engine(address: URL, *, begin: str, journal: str, pragmas: Sequence[str] = (), **options: Any) -> Engine:
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
            for pragma in ("synchronous=FULL", "foreign_keys=ON", *pragmas):
                cursor.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # By the driver itself: every transaction begins here, and SQLAlchemy's way is ten times as slow.
        driver: Any = connection.connection.dbapi_connection
        driver.execute(begin)

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
    """Return the driver's own short words."""
    lines = str(getattr(error, "orig", None) or error).splitlines()
    return lines[0][:200] if lines else type(error).__name__
