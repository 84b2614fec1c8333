"""The data dictionary of the log's frame: every column, its dtype, unit, source and meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from motion_widgets.core.messages import say
from motion_widgets.log.rows import JobRow
from motion_widgets.request.fields import FIELD

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

__all__ = ["AXIS", "COLUMNS", "DICTIONARY", "MONEY", "NUMBERS", "REAL", "TEXT", "TIME", "TRUTH"]
__all__ += ["WANT", "WHOLE", "Column", "dictionary", "dtype", "markdown"]

AXIS, TEXT, WHOLE, REAL, TRUTH, MONEY, TIME = (
    "category",  # text that many jobs share, so that one is stored once
    "string",
    "Int64",
    "float64",
    "boolean",
    "usd",
    "datetime64[us, UTC]",
)
NUMBERS = (WHOLE, REAL, MONEY)
WANT = {
    AXIS: "want_text", TEXT: "want_text", WHOLE: "want_whole", REAL: "want_number", TRUTH: "want_truth",
    MONEY: "want_usd", TIME: "want_time",
}  # fmt: skip
"""By kind, which sentence says what such a column holds."""


class Column(NamedTuple):
    """One column of `LogView.frame`."""

    name: str
    kind: str
    """Its dtype; ``"usd"``: money, float64 in the frame and whole micro-dollars in the database."""
    source: Literal["request", "measured", "priced", "toolkit", "endpoint"]
    unit: str = ""
    """``""``: none."""

    @property
    def meaning(self) -> str:
        """What it says, in words."""
        return say(f"meaning_{self.name}")


DICTIONARY = (
    Column("id", TEXT, "toolkit"),
    Column("state", AXIS, "toolkit"),
    Column("task_id", TEXT, "endpoint"),
    Column("sweep_id", AXIS, "toolkit"),
    Column("endpoint", AXIS, "toolkit"),
    Column("account", AXIS, "toolkit"),
    Column("sandbox", TRUTH, "toolkit"),
    Column("created_by", AXIS, "toolkit"),
    *(Column(name, AXIS, "request") for name in JobRow.__dataclass_fields__ if name in FIELD),
    Column("key", TEXT, "toolkit"),
    Column("repeat", WHOLE, "toolkit"),
    Column("attempt", WHOLE, "toolkit"),
    Column("image_name", AXIS, "measured"),
    Column("image_sha", AXIS, "measured"),
    Column("clip_name", AXIS, "measured"),
    Column("clip_sha", AXIS, "measured"),
    Column("clip_length", REAL, "measured", "s"),
    Column("clip_moviepy_length", REAL, "measured", "s"),
    Column("clip_width", WHOLE, "measured", "px"),
    Column("clip_height", WHOLE, "measured", "px"),
    Column("clip_fps", REAL, "measured", "1/s"),
    Column("clip_size", WHOLE, "measured", "bytes"),
    Column("clip_has_audio", TRUTH, "measured"),
    Column("image_width", WHOLE, "measured", "px"),
    Column("image_height", WHOLE, "measured", "px"),
    Column("image_size", WHOLE, "measured", "bytes"),
    Column("image_format", AXIS, "measured"),
    Column("estimate_low", MONEY, "priced", "USD"),
    Column("estimate_high", MONEY, "priced", "USD"),
    Column("cost", MONEY, "endpoint", "USD"),
    Column("created", TIME, "toolkit", "UTC"),
    Column("submitted", TIME, "toolkit", "UTC"),
    Column("completed", TIME, "toolkit", "UTC"),
    Column("collected", TIME, "toolkit", "UTC"),
    Column("result_path", TEXT, "toolkit"),
    Column("error_kind", AXIS, "toolkit"),
    Column("error_code", AXIS, "endpoint"),
    Column("error_message", TEXT, "endpoint"),
)

COLUMNS: dict[str, str] = {column.name: column.kind for column in DICTIONARY}
"""Every column of `frame`, in order, with its dtype (money: float64, in USD)."""


def dtype(kind: str) -> str:
    """Return the dtype that a column of this kind has in a frame."""
    return REAL if kind == MONEY else kind


def _table(columns: Iterable[Column]) -> list[tuple[str, str, str, str, str]]:
    return [(one.name, dtype(one.kind), one.unit, say(f"from_{one.source}"), one.meaning) for one in columns]


def dictionary() -> pd.DataFrame:
    """Return the data dictionary as a frame: column, dtype, unit, source, meaning."""
    import pandas as pd

    names = ["column", "dtype", "unit", "source", "meaning"]
    return pd.DataFrame(_table(DICTIONARY), columns=names, dtype="string")


def markdown() -> str:
    """Return the data dictionary as the text of ``COLUMNS.md``."""
    lines = [
        say("columns_title"),
        "",
        "| column | dtype | unit | source | meaning |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {kind} | {unit} | {source} | {meaning} |"
        for name, kind, unit, source, meaning in _table(DICTIONARY)
    ]
    return "\n".join(lines) + "\n"
