"""The log's database: opening it, and the one writing and the many reading transactions.

SQLite in WAL mode with one writing connection per process and ``BEGIN IMMEDIATE``, so that a writer waits
for its turn instead of failing half-way; PostgreSQL with an advisory lock that means the same.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from motion_widgets.errors import LogError
from motion_widgets.log.migrations import SCHEMA, migrate
from motion_widgets.log.tables import meta

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Database", "now_us"]

BUSY_SECONDS = 30
_ADVISORY = 0x6D6F74696F6E  # "motion": the lock under which PostgreSQL's writers take turns
_TURN = text(
    "SELECT set_config('idle_in_transaction_session_timeout', CAST(:asleep AS text), true), "
    "set_config('lock_timeout', CAST(:busy AS text), true), pg_advisory_xact_lock(:turn)"
)
"""Takes a turn; the server ends that of a writer who falls asleep in it before others give up (ms)."""


def now_us() -> int:
    """Give the time as unix microseconds."""
    return time.time_ns() // 1000


class Database:
    """An opened log: who may write, and how rows are read.

    Parameters
    ----------
    url
        A SQLAlchemy URL, or the path of a SQLite file, made when missing.

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
        try:
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                _look_before_opening(self.path)
            self._reader = _engine(address, begin="BEGIN")
            self._writer = _engine(address, begin="BEGIN IMMEDIATE", pool_size=1, max_overflow=0)
            with self.write() as connection:
                migrate(connection)
                connection.execute(
                    text("INSERT INTO meta (name, value) VALUES ('salt', :v) ON CONFLICT (name) DO NOTHING"),
                    {"v": secrets.token_hex(16)},
                )
            with self.read() as connection:
                query = select(meta.c.value).where(meta.c.name == "salt")
                self.salt = str(connection.execute(query).scalar_one())
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
        assert self._writer is not None
        with self._lock:
            try:
                with self._writer.begin() as connection:
                    if connection.dialect.name == "postgresql":
                        busy = BUSY_SECONDS * 1000
                        told = {"asleep": busy // 2, "busy": busy, "turn": _ADVISORY}
                        connection.execute(_TURN, told)
                    yield connection
            except SQLAlchemyError as error:
                raise LogError.of(
                    "log_unwritable", name=self.name, reason=_reason(error), detail=str(error)
                ) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a reading transaction on a connection of its own."""
        assert self._reader is not None
        try:
            with self._reader.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise LogError.of(
                "log_unreadable", name=self.name, reason=_reason(error), detail=str(error)
            ) from error


def _address(url: str | Path) -> URL:
    """Turn a path or a URL into a URL; a path may hold any character."""
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=Path(url).expanduser().absolute().as_posix())
    return make_url(url)


def _look_before_opening(path: Path) -> None:
    """Refuse a newer log and back an older one up, before anything in it is touched."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            return
        row = connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
        version = int(row[0]) if row else 0
        if version > SCHEMA:
            raise LogError.of("log_newer", found=version, known=SCHEMA)
        kept = path.with_name(f"{path.name}.shape{version}.bak")
        if 0 < version < SCHEMA and not kept.exists():
            _back_up(connection, kept)
    finally:
        connection.close()


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    part = target.with_name(f"{target.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    copy = sqlite3.connect(part)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    part.replace(target)


def _engine(address: URL, *, begin: str, **options: Any) -> Engine:
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True)
    connect = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    engine = create_engine(address, connect_args=connect, **options)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        with contextlib.closing(connection.cursor()) as cursor:
            _use_wal(cursor)
            for pragma in ("synchronous=FULL", "foreign_keys=ON"):
                cursor.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Switch to WAL, trying again while others do: this one change does not honour the busy timeout."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
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
