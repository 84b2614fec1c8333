"""The tables of the log as the code uses them today; how a file gets there is `migrations.py`.

Times are unix microseconds (UTC), money whole micro-dollars, hashes lower-case hex.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, MetaData, Table, Text

from motion_widgets.request.fields import WIRE_FIELDS

__all__ = ["budgets", "events", "inputs", "jobs", "mends", "meta", "notes", "ratings", "sweeps", "tags"]

metadata = MetaData()

meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", Text))

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger),
    Column("state", Text),
    Column("task_id", Text),
    Column("sweep_id", Text),
    Column("endpoint", Text),
    Column("account", Text),
    Column("sandbox", Boolean),
    Column("created_by", Text),
    *(Column(name, Text) for name in WIRE_FIELDS),
    Column("key", Text),
    Column("repeat", Integer),
    Column("attempt", Integer),
    Column("image_name", Text),
    Column("image_sha", Text),
    Column("clip_name", Text),
    Column("clip_sha", Text),
    Column("clip_length", Double),
    Column("clip_moviepy_length", Double),
    Column("clip_width", Integer),
    Column("clip_height", Integer),
    Column("clip_fps", Double),
    Column("clip_size", BigInteger),
    Column("clip_has_audio", Boolean),
    Column("image_width", Integer),
    Column("image_height", Integer),
    Column("image_size", BigInteger),
    Column("image_format", Text),
    Column("estimate_low", BigInteger),
    Column("estimate_high", BigInteger),
    Column("cost", BigInteger),
    Column("reserved", BigInteger),
    Column("budget_id", Text),
    Column("created", BigInteger),
    Column("submitted", BigInteger),
    Column("completed", BigInteger),
    Column("collected", BigInteger),
    Column("result_path", Text),
    Column("result_sha", Text),
    Column("result_size", BigInteger),
    Column("error_kind", Text),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("image_path", Text),
    Column("clip_path", Text),
    Column("body", Text),
    Column("sent", BigInteger),
    Column("idempotency_key", Text),
    Column("request_id", Text),
    Column("answer", Text),
    Column("links", Text),
    Column("expires_at", BigInteger),
    Column("progress", Integer),
    Column("server_word", Text),
    Column("estimated_time", Double),
    Column("lease_owner", Text),
    Column("lease_until", BigInteger),
    Column("toolkit_version", Text),
    Column("prices_date", Text),
    Column("deleted", BigInteger),
    Column("person_budget_id", Text),
    Column("shared", BigInteger),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", Text),
    Column("at", BigInteger),
    Column("from_state", Text),
    Column("to_state", Text),
    Column("note", Text),
)

budgets = Table(
    "budgets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("limit_micro", BigInteger),
    Column("used_micro", BigInteger),
    Column("person", Text),
    Column("endpoint", Text),
    Column("account", Text),
    Column("since", BigInteger),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", Text, primary_key=True),
    Column("endpoint", Text),
    Column("account", Text),
    Column("created", BigInteger),
    Column("created_by", Text),
    Column("axes", Text),
    Column("cells", Text),
    Column("paused", BigInteger),
    Column("stop_after", Text),
)

inputs = Table(
    "inputs",
    metadata,
    Column("sha", Text, primary_key=True),
    Column("name", Text),
    Column("size", BigInteger),
    Column("path", Text),
    Column("created", BigInteger),
    Column("shared", BigInteger),
)

mends = Table(
    "mends",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created", BigInteger),
    Column("created_by", Text),
    Column("kind", Text),
    Column("operation", Text),
    Column("parameters", Text),
    Column("source_sha", Text),
    Column("source_name", Text),
    Column("source_path", Text),
    Column("result_sha", Text),
    Column("result_name", Text),
    Column("result_path", Text),
    Column("undone", BigInteger),
)

ratings = Table(
    "ratings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", Text),
    Column("created", BigInteger),
    Column("created_by", Text),
    Column("usable", Boolean),
    Column("stars", Integer),
)

notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", Text),
    Column("created", BigInteger),
    Column("created_by", Text),
    Column("text", Text),
)

tags = Table(
    "tags",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("created", BigInteger),
    Column("created_by", Text),
)
