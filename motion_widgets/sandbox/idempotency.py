"""Idempotency keys: the first submit with a key is executed, a resend gets the original response."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from motion_widgets.sandbox.database import LEASE
from motion_widgets.sandbox.responses import ApiError

if TYPE_CHECKING:
    from motion_widgets.sandbox.database import Database

__all__ = ["IdempotencyKeys", "SubmitResponse"]


@dataclass(frozen=True, slots=True)
class SubmitResponse:
    """The response to a submit, kept verbatim so that a resend gets the same one."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


class IdempotencyKeys:
    """The keys of a folder. `owner` names this process in the leases on keys whose submit is running."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner

    def claim(self, key: str, body: bytes, retry_after: float) -> SubmitResponse | None:
        """Claim a key for a body.

        Returns
        -------
        SubmitResponse or None
            The original response, to be replayed. None: this submit is the first and goes on.

        Raises
        ------
        ApiError
            409 when the key belongs to another body, or when its first submit is still running.
        """
        digest, now = hashlib.sha256(body).hexdigest(), time.time()
        with self._database.transaction():
            row = self._database.row("SELECT * FROM keys WHERE key = ?", key)
            # A submit that died before its response was kept had charged nothing.
            if row is None or (row["answer"] is None and row["until"] < now):
                self._database.row(
                    "INSERT OR REPLACE INTO keys (key, body, until, owner) VALUES (?, ?, ?, ?)",
                    *(key, digest, now + LEASE, self._owner),
                )
                return None
        if row["body"] != digest:
            message = "This Idempotency-Key was used with another body. Use one key per generation."
            raise ApiError(409, "invalid_request_error", message, code="idempotency_key_reused")
        if row["answer"] is None:
            message = "The first request with this Idempotency-Key is still running. Resend the same later."
            kind, code = "invalid_request_error", "idempotency_in_progress"
            raise ApiError(409, kind, message, code=code, retry_after=retry_after)
        return SubmitResponse(row["status"], json.loads(row["headers"]), json.loads(row["answer"]))

    def keep(self, key: str, response: SubmitResponse) -> None:
        """Keep the response to a key's submit."""
        self._database.row(
            "UPDATE keys SET status = ?, headers = ?, answer = ?, until = NULL WHERE key = ?",
            *(response.status, json.dumps(response.headers), json.dumps(response.body), key),
        )

    def release(self, key: str) -> None:
        """Forget a key whose submit was refused: nothing was executed, so the same key may try again."""
        self._database.row("DELETE FROM keys WHERE key = ? AND answer IS NULL", key)

    def renew(self) -> None:
        """Renew this process's leases."""
        query = "UPDATE keys SET until = ? WHERE owner = ? AND until IS NOT NULL"
        self._database.row(query, time.time() + LEASE, self._owner)
