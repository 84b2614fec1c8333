"""The data dictionary of the log's frame: every column, its dtype, unit, source and meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from motion_widgets.core.messages import say
from motion_widgets.log.rows import JobRow
from motion_widgets.request.fields import FIELD

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

__all__ = [
    "ANNOTATIONS", "AXIS", "COLUMNS", "DICTIONARY", "FIDELITY", "HIDDEN", "KINDS", "MONEY", "NUMBERS",
    "REAL", "TEXT", "TIME", "TRUTH", "WANT", "WHOLE", "Column", "dictionary", "dtype", "head", "markdown",
]  # fmt: skip

AXIS, TEXT, WHOLE, REAL, TRUTH, MONEY, TIME = (
    "category",  # states and choices
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
"""By kind, the sentence that describes its values."""


class Column(NamedTuple):
    """One column of `LogView.frame`."""

    name: str
    kind: str
    """Its dtype; ``"usd"``: money, float64 in the frame and whole micro-dollars in the database."""
    source: Literal["request", "measured", "priced", "toolkit", "endpoint", "people"]
    unit: str = ""
    """``""``: none."""

    @property
    def meaning(self) -> str:
        """Its meaning, as a sentence."""
        return say(f"meaning_{self.name}")


DICTIONARY = (
    Column("id", TEXT, "toolkit"),
    Column("state", AXIS, "toolkit"),
    Column("task_id", TEXT, "endpoint"),
    Column("sweep_id", TEXT, "toolkit"),
    Column("endpoint", TEXT, "toolkit"),
    Column("account", TEXT, "toolkit"),
    Column("sandbox", TRUTH, "toolkit"),
    Column("created_by", TEXT, "toolkit"),
    *(
        Column(name, AXIS if FIELD[name].kind == "choice" else TEXT, "request")
        for name in JobRow.__dataclass_fields__
        if name in FIELD
    ),
    Column("key", TEXT, "toolkit"),
    Column("repeat", WHOLE, "toolkit"),
    Column("attempt", WHOLE, "toolkit"),
    Column("image_name", TEXT, "measured"),
    Column("image_sha", TEXT, "measured"),
    Column("clip_name", TEXT, "measured"),
    Column("clip_sha", TEXT, "measured"),
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
    Column("image_format", TEXT, "measured"),
    Column("estimate_low", MONEY, "priced", "USD"),
    Column("estimate_high", MONEY, "priced", "USD"),
    Column("cost", MONEY, "endpoint", "USD"),
    Column("created", TIME, "toolkit", "UTC"),
    Column("submitted", TIME, "toolkit", "UTC"),
    Column("completed", TIME, "toolkit", "UTC"),
    Column("collected", TIME, "toolkit", "UTC"),
    Column("result_path", TEXT, "toolkit"),
    Column("error_kind", TEXT, "toolkit"),
    Column("error_code", TEXT, "endpoint"),
    Column("error_message", TEXT, "endpoint"),
    Column("hidden", TRUTH, "people"),
    Column("stars", REAL, "people"),
    Column("usable", TRUTH, "people"),
    Column("tags", TEXT, "people"),
    Column("note", TEXT, "people"),
)

FIDELITY = (
    Column("clip_sha", TEXT, "measured"),
    Column("result_sha", TEXT, "measured"),
    Column("version", TEXT, "toolkit"),
    Column("enough_motion", TRUTH, "measured"),
    Column("timing", REAL, "measured", "-1 to 1"),
    Column("lag_ms", REAL, "measured", "ms"),
    Column("speed", REAL, "measured", "0.8 to 1.25"),
    Column("place", REAL, "measured", "-1 to 1"),
    Column("place_mirrored", REAL, "measured", "-1 to 1"),
    Column("direction", REAL, "measured", "-1 to 1"),
    Column("amount", REAL, "measured", "% of the longer side per s"),
    Column("length", REAL, "measured", "s"),
    Column("fps", REAL, "measured", "1/s"),
    Column("repeats", REAL, "measured", "0 to 1"),
    Column("still_run", REAL, "measured", "s"),
    Column("still_tail", REAL, "measured", "s"),
    Column("cuts", WHOLE, "measured"),
    Column("clip_length", REAL, "measured", "s"),
    Column("clip_fps", REAL, "measured", "1/s"),
    Column("clip_repeats", REAL, "measured", "0 to 1"),
    Column("clip_cuts", WHOLE, "measured"),
    Column("blur", REAL, "measured", "0 to 1"),
    Column("grain", REAL, "measured", "grey levels of 255"),
    Column("flicker", REAL, "measured", "grey levels of 255"),
    Column("sound", REAL, "measured", "0 to 1"),
    Column("loudness", REAL, "measured", "-1 to 1"),
    Column("sound_lag_ms", REAL, "measured", "ms"),
)
"""The measures between a clip and a result that `Study.fidelity` returns, as the log keeps them."""

KINDS: dict[str, str] = {column.name: column.kind for column in DICTIONARY}
"""Every column that a frame may have, in order, with its dtype (money: float64, in USD)."""
HIDDEN = "hidden"
ANNOTATIONS = ("stars", "usable", "tags", "note")
"""What people say, which is kept beside the jobs."""
COLUMNS: dict[str, str] = {name: kind for name, kind in KINDS.items() if name not in (HIDDEN, *ANNOTATIONS)}
"""Every column of `frame` where no other is asked for."""


def dtype(kind: str) -> str:
    """Return the dtype that a column of this kind has in a frame."""
    return REAL if kind == MONEY else kind


def head(name: str) -> str:
    """Return the head of a column where people read it: times say that they are UTC."""
    return f"{name} (UTC)" if KINDS[name] == TIME else name


def _table(columns: Iterable[Column]) -> list[tuple[str, str, str, str, str]]:
    return [(one.name, dtype(one.kind), one.unit, say(f"from_{one.source}"), one.meaning) for one in columns]


def dictionary() -> pd.DataFrame:
    """Return the data dictionary as a frame: column, dtype, unit, source, meaning."""
    import pandas as pd

    names = ["column", "dtype", "unit", "source", "meaning"]
    return pd.DataFrame(_table(DICTIONARY), columns=names, dtype="string")


def markdown() -> str:
    """Return the data dictionary as the text of ``COLUMNS.md``."""
    lines = []
    for title, columns in (("columns_title", DICTIONARY), ("columns_fidelity", FIDELITY)):
        lines += [say(title), "", "| column | dtype | unit | source | meaning |", "|---|---|---|---|---|"]
        lines += [
            f"| `{name}` | {kind} | {unit} | {source} | {meaning} |"
            for name, kind, unit, source, meaning in _table(columns)
        ]
        lines.append("")
    return "\n".join(lines)
