"""The log's rows as records: one frozen record per table, made by one reader.

Times are unix microseconds (UTC), money whole micro-dollars, hashes lower-case hex. None: not set.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Self

from motion_widgets.log.column_rules import clean, rules_of, unreadable_words
from motion_widgets.log.names import is_safe_id
from motion_widgets.log.states import State
from motion_widgets.request.fields import FIELDS
from motion_widgets.request.request import MotionRequest

__all__ = [
    "IDENTITY", "REPEAT", "AttemptRow", "ComparisonRow", "EventRow", "FidelityRow", "InputRow", "JobRow",
    "MendRow", "QuestionRow", "SweepRow", "TaskTime", "Totals",
]  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Result

    from motion_widgets.core.money import Micro


REPEAT = ("endpoint", "account", "key", "repeat")
"""What all attempts at one repeat of the same content share."""
IDENTITY = (*REPEAT, "attempt")
"""What no two jobs of a log share."""


class _Record:
    """What all records share: the one reader."""

    __slots__ = ()

    @classmethod
    def read(cls, row: Mapping[Any, Any]) -> Self:
        """Return the record of a row of the database."""
        return cls(**row)

    @classmethod
    def read_all(cls, found: Result[Any]) -> list[Self]:
        """Return the records of all rows of an answer, twice as fast as one by one."""
        names = tuple(found.keys())
        return [cls.read(dict(zip(names, row, strict=True))) for row in found]


@dataclass(frozen=True, slots=True)
class JobRow(_Record):
    """One attempt at a request."""

    id: str
    seq: int
    """The change counter when the row last changed."""
    state: str
    """A word of `states.State`."""
    task_id: str | None
    sweep_id: str | None
    endpoint: str
    account: str
    sandbox: bool
    created_by: str | None
    model: str | None
    image_url: str | None
    video_url: str | None
    character_orientation: str | None
    mode: str | None
    prompt: str | None
    keep_original_sound: str | None
    watermark_info: str | None
    """JSON, as on the wire."""
    webhook: str | None
    key: str
    """The identity of the content (`MotionRequest.key`)."""
    repeat: int
    attempt: int
    image_name: str | None
    image_sha: str | None
    clip_name: str | None
    clip_sha: str | None
    clip_length: float | None
    clip_moviepy_length: float | None
    clip_width: int | None
    clip_height: int | None
    clip_fps: float | None
    clip_size: int | None
    clip_has_audio: bool | None
    image_width: int | None
    image_height: int | None
    image_size: int | None
    image_format: str | None
    estimate_low: Micro | None
    """Micro-dollars."""
    estimate_high: Micro | None
    """Micro-dollars; what is reserved."""
    cost: Micro | None
    """Micro-dollars billed. None: not known (yet)."""
    reserved: Micro
    """Micro-dollars held of its budgets until it is settled."""
    budget_id: str | None
    created: int
    submitted: int | None
    completed: int | None
    collected: int | None
    result_path: str | None
    result_sha: str | None
    result_size: int | None
    error_kind: str | None
    error_code: str | None
    error_message: str | None
    image_path: str | None
    clip_path: str | None
    body: str | None
    """The exact JSON body that was, or is about to be, sent."""
    sent: int | None
    """When its body was sealed to be sent. None: nothing has left this machine."""
    idempotency_key: str
    request_id: str | None
    answer: str | None
    """The endpoint's last answer, redacted."""
    links: str | None
    """The links of the result, as JSON."""
    expires_at: int | None
    """Until when the endpoint keeps the result, by its clock; at least, as long as there is none."""
    progress: int | None
    server_word: str | None
    estimated_time: float | None
    lease_owner: str | None
    lease_until: int | None
    toolkit_version: str | None
    prices_date: str | None
    deleted: int | None
    """When a person hid it. None: in sight."""
    person_budget_id: str | None
    shared: int | None
    """When the file was put on the shared path. None: not there."""

    @classmethod
    def read(cls, row: Mapping[Any, Any]) -> Self:
        """Return the record of a row as it is stored; values that do not fit are not set, and it says so.

        Nobody drives a job whose id is none (`Leases`), so nobody knows what becomes of it.
        """
        values, unfit = clean(_JOB_RULES, row)
        if "id" in unfit:
            values["state"] = State.UNKNOWN.value
        if unfit:
            values["error_kind"] = values["error_kind"] or "unreadable"
            values["error_message"] = unreadable_words(unfit, values["error_message"])
        return cls(*_IN_ORDER(values))  # of so many fields a fifth of the time that their names take

    @property
    def repeat_of(self) -> tuple[str, str, str, int]:
        """Of which repeat of which content it is an attempt (`REPEAT`)."""
        return self.endpoint, self.account, self.key, self.repeat

    @property
    def drivable(self) -> bool:
        """Whether anybody can drive the job: its id is one, and no stand-in."""
        return is_safe_id(self.id)

    @property
    def undecided(self) -> bool:
        """Whether its outcome is unknown and a person can decide on it: nobody can on a damaged row."""
        return self.state == State.UNKNOWN and self.drivable

    @property
    def request(self) -> MotionRequest:
        """The request as it was written down; local media by the name or path that they had then."""
        return MotionRequest(**{one.name: one.from_column(getattr(self, one.name)) for one in FIELDS})


_JOB_RULES = rules_of(JobRow)
_IN_ORDER = itemgetter(*_JOB_RULES)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow(_Record):
    """One transition of a job, or a remark on it."""

    id: int
    job_id: str
    at: int
    """When."""
    from_state: str | None
    to_state: str
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRow(_Record):
    """One sweep: its axes and cells."""

    id: str
    endpoint: str
    account: str
    created: int
    created_by: str | None
    axes: str
    """JSON: the list of axes."""
    cells: str
    """JSON: per cell its values by axis, its job and its place in the order."""
    paused: int | None
    """When a person paused it."""
    stop_after: str | None
    """JSON `[least, share]`: when a failing value is no longer sent. None: never."""
    title: str | None
    """What a person called it. None: it is called by its axes and time (`run_name`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MendRow(_Record):
    """One mend: which file was made of which."""

    id: str
    created: int
    created_by: str | None
    kind: str
    operation: str
    parameters: Mapping[str, Any]
    """Of the operation; in the database as JSON."""
    source_sha: str | None
    source_name: str | None
    source_path: str | None
    result_sha: str | None
    result_name: str | None
    result_path: str | None
    undone: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRow(_Record):
    """A copy of an input file, known by its content."""

    sha: str
    name: str | None
    size: int | None
    path: str
    created: int
    shared: int | None
    """When the file was put on the shared path. None: not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow(_Record):
    """What a study was to find out, written down before its first rating."""

    id: str
    study: str
    created: int
    created_by: str | None
    axis: str
    """A wire field."""
    a: str
    b: str
    """The two values of the axis that are compared."""
    criterion: str
    """By what people judge."""
    planned: int
    """Ratings after which it ends."""
    toolkit_version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow(_Record):
    """What a person said of two results side by side."""

    id: str
    study: str
    criterion: str
    rater: str
    created: int
    left_job_id: str
    right_job_id: str
    choice: str
    """``left``, ``right``, ``tie``, ``both_bad``, ``skip``; or ``undone``, of a row that takes one back."""
    block: str
    """The image, clip and prompt that both have."""
    round: int
    place: int
    """In the rater's session, from 1."""
    seconds_shown: float | None
    left_plays: int | None
    right_plays: int | None
    names_visible: bool
    """The rater could know the settings, so it never counts."""
    seed: int
    """Of the drawing."""
    toolkit_version: str | None
    supersedes: str | None
    """The rating of the same person in whose place it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FidelityRow(_Record):
    """What was measured between a clip and a result (`columns.FIDELITY` says what each means)."""

    clip_sha: str
    result_sha: str
    version: str
    """Of the measures; ``+flow``: with the direction."""
    created: int
    created_by: str | None
    toolkit_version: str | None
    enough_motion: bool
    """Whether the clip moves enough for anything to be told."""
    timing: float | None
    lag_ms: float | None
    speed: float | None
    place: float | None
    place_mirrored: float | None
    direction: float | None
    amount: float | None
    length: float | None
    fps: float | None
    repeats: float | None
    still_run: float | None
    still_tail: float | None
    cuts: int | None
    clip_length: float | None
    clip_fps: float | None
    clip_repeats: float | None
    clip_cuts: int | None
    blur: float | None
    grain: float | None
    flicker: float | None
    sound: float | None
    loudness: float | None
    sound_lag_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTime(_Record):
    """How long a task took, and what is known beforehand of tasks like it."""

    id: str
    model: str | None
    mode: str | None
    character_orientation: str | None
    clip_length: float | None
    estimated_time: float | None
    """s; what the endpoint said."""
    submitted: int
    completed: int


@dataclass(frozen=True)
class Totals:
    """Sums over jobs."""

    counts: Mapping[str, int]
    """How many jobs are in each state that occurs."""
    billed: int
    """How many have a known cost that was paid from here."""
    spent: Micro
    """What they cost together."""

    def count(self, states: Iterable[str]) -> int:
        """Return how many jobs are in one of these states."""
        return sum(self.counts.get(state, 0) for state in states)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow(_Record):
    """The last attempt at a repeat of some content: whether it was sent, and who drives it."""

    id: str
    key: str
    repeat: int
    attempt: int
    state: str
    lease_owner: str | None
    lease_until: int | None
