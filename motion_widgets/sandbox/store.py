"""Everything that the sandbox keeps in its folder: tasks, balance, idempotency keys, the token, files.

Several processes may serve one folder. Every change is one transaction across all of them, so a submit is
charged once whoever asks, and nothing is held in memory that another process would need. A file that comes in
is named after its content.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from typing import TYPE_CHECKING

from motion_widgets.sandbox.balance import Balance
from motion_widgets.sandbox.database import Database
from motion_widgets.sandbox.idempotency import IdempotencyKeys, SubmitResponse
from motion_widgets.sandbox.measure import kind_of
from motion_widgets.sandbox.price import usd
from motion_widgets.sandbox.responses import ApiError
from motion_widgets.sandbox.tasks import Task, TaskTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["IncomingFile", "Store"]


class IncomingFile:
    """A file being written to `path`; raises `too_large` past `limit` bytes."""

    def __init__(self, path: Path, limit: int, too_large: ApiError) -> None:
        self.size = 0
        self.path = path
        self._file = path.open("xb")
        self._limit = limit
        self._too_large = too_large
        self._digest = hashlib.sha256()
        self._head = b""

    def write(self, chunk: bytes) -> None:
        """Append a chunk."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise self._too_large
        self._head = (self._head + chunk[:16])[:16]
        self._digest.update(chunk)
        self._file.write(chunk)

    def close(self) -> None:
        """Close the file, so that it can be read or moved."""
        self._file.close()

    @property
    def sha256(self) -> str:
        """The digest of what has been written."""
        return self._digest.hexdigest()

    @property
    def name(self) -> str:
        """The name for this content: the start of its digest and the extension of its kind."""
        return f"{self.sha256[:32]}.{kind_of(self._head)[0]}"

    @property
    def content_type(self) -> str:
        """The content type, judged by the first bytes."""
        return kind_of(self._head)[1]


class Store:
    """The state of a sandbox in `folder`, created when missing: ``sandbox.sqlite3``, ``token``, files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        for name in ("media", "results", "inputs", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        owner = f"{os.getpid()}-{secrets.token_hex(6)}"
        self.database = Database(self.folder / "sandbox.sqlite3")
        self.tasks = TaskTable(self.database, owner)
        self.keys = IdempotencyKeys(self.database, owner)
        with self.database.transaction():
            self.balance = Balance(self.database)
            self.token = self._read_token()

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    @property
    def last_port(self) -> int:
        """The port used last, 0 when there was none."""
        row = self.database.row("SELECT value FROM meta WHERE name = 'port'")
        return int(row["value"]) if row else 0

    @last_port.setter
    def last_port(self, port: int) -> None:
        self.database.row("INSERT OR REPLACE INTO meta VALUES ('port', ?)", str(port))

    @contextlib.contextmanager
    def partial_file(self, suffix: str = "") -> Iterator[Path]:
        """Yield a path in ``tmp/`` to write to and to move away once complete; what is left is deleted."""
        part = self.folder / "tmp" / f"{secrets.token_hex(8)}{suffix}"
        try:
            yield part
        finally:
            with contextlib.suppress(OSError):  # what went wrong before it matters more
                part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def incoming_file(self, limit: int, too_large: ApiError) -> Iterator[IncomingFile]:
        """Yield a partial file of at most `limit` bytes that will be named after its content."""
        with self.partial_file() as part, contextlib.closing(IncomingFile(part, limit, too_large)) as file:
            yield file

    def result(self, task: Task) -> Path:
        """Return where a task's result is or will be."""
        return self.folder / "results" / f"{task.id}.mp4"

    def check_capacity(self, max_in_flight: int, retry_after: float) -> None:
        """Raise an `ApiError` of 429 when `max_in_flight` tasks are in flight."""
        count = self.tasks.in_flight()
        if count >= max_in_flight:
            message = f"too many tasks: {count} are under way, {max_in_flight} are allowed at once (1303)"
            raise ApiError(429, "rate_limit_error", message, retry_after=retry_after)

    def accept(
        self,
        task: Task,
        response: SubmitResponse,
        key: str | None,
        *,
        body: bytes,
        prompt: str,
        max_in_flight: int,
        retry_after: float,
    ) -> None:
        """Charge for a task and store it together with the response to its submit, all or nothing.

        Raises
        ------
        ApiError
            429 when too many tasks are in flight, 402 when the balance does not cover the charge.
        """
        with self.database.transaction():
            self.check_capacity(max_in_flight, retry_after)
            left = self.balance.left
            if left < task.charge:
                needed = f"this generation needs ${usd(task.charge):.5f}, ${usd(left):.5f} is left"
                raise ApiError(402, "payment_required", f"Balance too low: {needed}.")
            self.tasks.add(task)
            digest = hashlib.sha256(body).hexdigest()
            self.balance.charge(task.id, task.charge, key=key, body=digest, prompt=prompt)
            if key is not None:
                self.keys.keep(key, response)

    def renew_leases(self) -> None:
        """Renew everything that this process has claimed."""
        self.keys.renew()
        self.tasks.renew()

    def fail(self, task_id: str, error: str) -> None:
        """End a task as failed and refund its charge, once."""
        with self.database.transaction():
            if self.tasks.set_failed(task_id, error):
                self.balance.refund(task_id)

    def _read_token(self) -> str:
        """Return the folder's token, created in a transaction so that two first starts agree on one."""
        path = self.folder / "token"
        if path.exists() and (token := path.read_text("ascii").strip()):
            return token
        token = "sandbox-" + secrets.token_hex(24)
        with self.partial_file() as part:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(token)
            part.replace(path)
        return token
