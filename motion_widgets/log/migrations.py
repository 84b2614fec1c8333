"""How a log gets its shape: numbered steps, never edited once released, run in order in one transaction.

The DDL is the common part of SQLite and PostgreSQL, so one text serves both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from motion_widgets.core.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SCHEMA", "migrate"]


def _serial(connection: Connection) -> str:
    """Return the type of a number that the database counts up by itself."""
    return "INTEGER PRIMARY KEY" if connection.dialect.name == "sqlite" else "BIGSERIAL PRIMARY KEY"


def _first(connection: Connection) -> None:
    serial = _serial(connection)
    for statement in (
        """CREATE TABLE jobs (
            id TEXT PRIMARY KEY, seq BIGINT NOT NULL, state TEXT NOT NULL, task_id TEXT, sweep_id TEXT,
            endpoint TEXT NOT NULL, account TEXT NOT NULL, sandbox BOOLEAN NOT NULL, created_by TEXT,
            model TEXT, image_url TEXT, video_url TEXT, character_orientation TEXT, mode TEXT, prompt TEXT,
            keep_original_sound TEXT, watermark_info TEXT, webhook TEXT,
            key TEXT NOT NULL, repeat INTEGER NOT NULL, attempt INTEGER NOT NULL,
            image_name TEXT, image_sha TEXT, clip_name TEXT, clip_sha TEXT,
            clip_length DOUBLE PRECISION, clip_moviepy_length DOUBLE PRECISION, clip_width INTEGER,
            clip_height INTEGER, clip_fps DOUBLE PRECISION, clip_size BIGINT, clip_has_audio BOOLEAN,
            image_width INTEGER, image_height INTEGER, image_size BIGINT, image_format TEXT,
            estimate_low BIGINT, estimate_high BIGINT, cost BIGINT, reserved BIGINT NOT NULL DEFAULT 0,
            budget_id TEXT, created BIGINT NOT NULL, submitted BIGINT, completed BIGINT, collected BIGINT,
            result_path TEXT, result_sha TEXT, result_size BIGINT,
            error_kind TEXT, error_code TEXT, error_message TEXT, image_path TEXT, clip_path TEXT,
            body TEXT, idempotency_key TEXT NOT NULL, request_id TEXT, answer TEXT, links TEXT,
            expires_at BIGINT, progress INTEGER, server_word TEXT, estimated_time DOUBLE PRECISION,
            lease_owner TEXT, lease_until BIGINT, toolkit_version TEXT, prices_date TEXT,
            UNIQUE (endpoint, account, key, repeat, attempt))""",
        "CREATE INDEX jobs_state ON jobs (state)",
        "CREATE INDEX jobs_seq ON jobs (seq)",
        "CREATE INDEX jobs_sweep ON jobs (sweep_id)",
        f"""CREATE TABLE events (id {serial}, job_id TEXT NOT NULL, at BIGINT NOT NULL, from_state TEXT,
            to_state TEXT NOT NULL, note TEXT)""",
        "CREATE INDEX events_job ON events (job_id)",
        """CREATE TABLE budgets (id TEXT PRIMARY KEY, limit_micro BIGINT,
            used_micro BIGINT NOT NULL DEFAULT 0)""",
        """CREATE TABLE sweeps (id TEXT PRIMARY KEY, endpoint TEXT NOT NULL, account TEXT NOT NULL,
            created BIGINT NOT NULL, created_by TEXT, axes TEXT NOT NULL, cells TEXT NOT NULL)""",
        """CREATE TABLE inputs (sha TEXT PRIMARY KEY, name TEXT, size BIGINT, path TEXT NOT NULL,
            created BIGINT NOT NULL)""",
    ):
        connection.execute(text(statement))


def _second(connection: Connection) -> None:
    """Keep when a request was handed to the wire; until now a body stood for that."""
    connection.execute(text("ALTER TABLE jobs ADD COLUMN sent BIGINT"))
    connection.execute(text("UPDATE jobs SET sent = created WHERE body IS NOT NULL"))


def _third(connection: Connection) -> None:
    """Keep what people think of a job, what was done to its media before, and what they put out of sight."""
    serial = _serial(connection)
    for statement in (
        "ALTER TABLE jobs ADD COLUMN deleted BIGINT",
        """CREATE TABLE mends (id TEXT PRIMARY KEY, created BIGINT NOT NULL, created_by TEXT,
            kind TEXT NOT NULL, operation TEXT NOT NULL, parameters TEXT NOT NULL,
            source_sha TEXT, source_name TEXT, source_path TEXT,
            result_sha TEXT, result_name TEXT, result_path TEXT, undone BIGINT)""",
        "CREATE INDEX mends_source ON mends (source_sha)",
        "CREATE INDEX mends_result ON mends (result_sha)",
        f"""CREATE TABLE ratings (id {serial}, job_id TEXT NOT NULL, created BIGINT NOT NULL,
            created_by TEXT NOT NULL, usable BOOLEAN, stars INTEGER)""",
        "CREATE INDEX ratings_job ON ratings (job_id, created_by)",
        f"""CREATE TABLE notes (id {serial}, job_id TEXT NOT NULL, created BIGINT NOT NULL, created_by TEXT,
            text TEXT NOT NULL)""",
        "CREATE INDEX notes_job ON notes (job_id)",
        """CREATE TABLE tags (job_id TEXT NOT NULL, tag TEXT NOT NULL, created BIGINT NOT NULL,
            created_by TEXT, PRIMARY KEY (job_id, tag))""",
        "CREATE INDEX tags_tag ON tags (tag)",
    ):
        connection.execute(text(statement))


def _fourth(connection: Connection) -> None:
    """Keep for every process what holds a sweep back: a person's pause, and when a failing value stops."""
    connection.execute(text("ALTER TABLE sweeps ADD COLUMN paused BIGINT"))
    connection.execute(text("ALTER TABLE sweeps ADD COLUMN stop_after TEXT"))


def _filters(connection: Connection) -> None:
    """Keep what jobs are filtered by side by side, so that SQLite need not walk whole rows to find some.

    `created` leads because hardly anything equals it: SQLite is to search by the other indexes, and to take
    this one for a walk. PostgreSQL bounds how long an entry may be, and names of files are not.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(
            text(
                "CREATE INDEX jobs_filters ON jobs "
                "(created, state, model, mode, character_orientation, clip_name, cost, deleted)"
            )
        )


def _people(connection: Connection) -> None:
    """Keep what each person may spend, and which person's budget pays for a job."""
    for statement in (
        "ALTER TABLE budgets ADD COLUMN person TEXT",
        "ALTER TABLE budgets ADD COLUMN endpoint TEXT",
        "ALTER TABLE budgets ADD COLUMN account TEXT",
        "ALTER TABLE budgets ADD COLUMN since BIGINT",
        "ALTER TABLE jobs ADD COLUMN person_budget_id TEXT",
        "ALTER TABLE jobs ADD COLUMN shared BIGINT",
        "ALTER TABLE inputs ADD COLUMN shared BIGINT",
    ):
        connection.execute(text(statement))


def _wider(connection: Connection) -> None:
    """Keep beside the others what else jobs are filtered by; find the leased ones without a walk.

    What tells most jobs apart comes first, as SQLite reads an entry only as far as it has to. Hardly any job
    has a lease, and only those that have one pay for finding it.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(text("DROP INDEX IF EXISTS jobs_filters"))
        connection.execute(
            text(
                "CREATE INDEX jobs_filters ON jobs (created, cost, clip_name, image_name, model, mode, "
                "character_orientation, state, keep_original_sound, sandbox, created_by, error_kind, deleted)"
            )
        )
    connection.execute(text("CREATE INDEX jobs_lease ON jobs (lease_owner) WHERE lease_owner IS NOT NULL"))


def _totals(connection: Connection) -> None:
    """Find an account's newest jobs, and sum its jobs up, without walking whole rows."""
    connection.execute(text("CREATE INDEX jobs_newest ON jobs (endpoint, account, id)"))
    connection.execute(text("CREATE INDEX jobs_totals ON jobs (endpoint, account, state, id, cost)"))


def _accounts(connection: Connection) -> None:
    """Keep the salt with which accounts were named until now: their rows are renamed once a key is there.

    Older versions, which would name the same account otherwise and pay again, read such a log no more.
    """
    for statement in (
        "CREATE TABLE salts (salt TEXT PRIMARY KEY)",
        "INSERT INTO salts (salt) SELECT value FROM meta WHERE name = 'salt' AND value IS NOT NULL",
        "DELETE FROM meta WHERE name = 'salt'",
    ):
        connection.execute(text(statement))


def _paid(connection: Connection) -> None:
    """Sum an account's jobs up without those that came from elsewhere, still without walking whole rows."""
    connection.execute(text("DROP INDEX jobs_totals"))
    columns = "endpoint, account, state, id, cost, person_budget_id"
    connection.execute(text(f"CREATE INDEX jobs_totals ON jobs ({columns})"))


def _titles(connection: Connection) -> None:
    """Keep what a person calls a sweep."""
    connection.execute(text("ALTER TABLE sweeps ADD COLUMN title TEXT"))


def _studies(connection: Connection) -> None:
    """Keep what a study asks, and what people say of pairs of results. Rows are only ever added."""
    for statement in (
        """CREATE TABLE questions (id TEXT PRIMARY KEY, study TEXT NOT NULL, created BIGINT NOT NULL,
            created_by TEXT, axis TEXT NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL, criterion TEXT NOT NULL,
            planned BIGINT NOT NULL, toolkit_version TEXT)""",
        "CREATE INDEX questions_study ON questions (study)",
        """CREATE TABLE comparisons (id TEXT PRIMARY KEY, study TEXT NOT NULL, criterion TEXT NOT NULL,
            rater TEXT NOT NULL, created BIGINT NOT NULL, left_job_id TEXT NOT NULL,
            right_job_id TEXT NOT NULL, choice TEXT NOT NULL, block TEXT NOT NULL, round BIGINT NOT NULL,
            place BIGINT NOT NULL, seconds_shown DOUBLE PRECISION, left_plays BIGINT, right_plays BIGINT,
            names_visible BOOLEAN NOT NULL, seed BIGINT NOT NULL, toolkit_version TEXT, supersedes TEXT)""",
        "CREATE INDEX comparisons_study ON comparisons (study)",
    ):
        connection.execute(text(statement))


def _fidelity(connection: Connection) -> None:
    """Keep what is measured between a clip and a result, by their contents, so that it is computed once."""
    first = "timing lag_ms speed place place_mirrored direction amount length fps repeats still_run"
    rest = "blur grain flicker sound loudness sound_lag_ms"
    columns = [
        "clip_sha TEXT NOT NULL", "result_sha TEXT NOT NULL", "version TEXT NOT NULL",
        "created BIGINT NOT NULL", "created_by TEXT", "toolkit_version TEXT",
        "enough_motion BOOLEAN NOT NULL",
        *(f"{name} DOUBLE PRECISION" for name in (*first.split(), "still_tail")), "cuts BIGINT",
        *(f"{name} DOUBLE PRECISION" for name in ("clip_length", "clip_fps", "clip_repeats")),
        "clip_cuts BIGINT", *(f"{name} DOUBLE PRECISION" for name in rest.split()),
        "PRIMARY KEY (clip_sha, result_sha, version)",
    ]  # fmt: skip
    connection.execute(text(f"CREATE TABLE fidelity ({', '.join(columns)})"))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    _first, _second, _third, _fourth, _filters, _people, _wider, _totals, _accounts, _paid, _titles,
    _studies, _fidelity,
)  # fmt: skip
SCHEMA = len(MIGRATIONS)
"""The shape this code reads and writes."""


def migrate(connection: Connection, *, upto: int = SCHEMA) -> None:
    """Bring a log to today's shape, or that of an earlier version, inside the caller's transaction.

    Raises
    ------
    LogError
        The log was written by a newer version.
    """
    if not inspect(connection).has_table("meta"):
        connection.execute(text("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT)"))
    have = connection.execute(text("SELECT value FROM meta WHERE name = 'schema'")).scalar()
    version = int(have) if have is not None else 0
    if version > SCHEMA:
        raise LogError.of("log_newer", found=version, known=SCHEMA)
    for step in MIGRATIONS[version:upto]:
        step(connection)
    if version == 0:
        connection.execute(text("INSERT INTO meta (name, value) VALUES ('schema', :v)"), {"v": str(SCHEMA)})
    elif version < SCHEMA:
        connection.execute(text("UPDATE meta SET value = :v WHERE name = 'schema'"), {"v": str(SCHEMA)})
