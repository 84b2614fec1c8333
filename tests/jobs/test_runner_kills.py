"""Paid at most once, whenever it is killed: processes die by SIGKILL, and the server's own process counts.

`make test` kills a few dozen times; `make soak` (``MW_SOAK=1``) hundreds of times, and prints when.
"""

from __future__ import annotations

import contextlib
import hashlib
import random

import pytest

from motion_widgets import MotionRequest
from motion_widgets.log.schema import jobs
from motion_widgets.log.store import Log
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip
from tests.jobs.conftest import SOAK, SOAKED
from tests.jobs.endpoint import Process, results_in
from tests.jobs.paid import PaidServer

KILLS = 105 if SOAK else 8
"""Of each engine, with and without idempotency."""
UNSEALED = "intent written, nothing sent"
HELD = {
    "POST arrived, not charged yet": "uncharged",
    "POST arrived, never charged": "lost",
    "charged, no answer yet": "charged",
}
POINTS = {
    "before the intent": "before intent",
    UNSEALED: "after intent",
    "body sealed, nothing sent": "after seal",
    "answer came, not written": "answer",
    "answer written": "after answer",
    "polling": "polls",
    "completed": "completed",
    "downloaded, not checked": "download",
    "checked, not written": "before collected",
}
RANDOM = "at random"
BETWEEN = (UNSEALED, "body sealed, nothing sent", *HELD, "answer came, not written")
"""Between the commit of the intent and the commit of the answer."""
WINDOWS = [*BETWEEN, *(window for window in POINTS if window not in BETWEEN), *[RANDOM] * 3]


@pytest.mark.timeout(1800 if SOAK else 180)
@pytest.mark.parametrize("honoured", [True, False], ids=["keys honoured", "keys ignored"])
def test_killed_at_any_moment_pays_once_and_collects_what_was_paid(
    tmp_path, clip_bytes, address, honoured, request
):
    seed = random.randrange(10**6) if SOAK else 7
    chance = random.Random(seed)
    print(f"seed {seed}")
    with PaidServer(clip_bytes, honours_keys=honoured) as server, contextlib.closing(Log(address)) as log:
        image, clip = f"{server.url}/media/image.png", f"{server.url}/media/clip.mp4"
        req = MotionRequest(model="kling-v2-6-motion-control", image_url=image, video_url=clip)
        media = {"image_url": measure_image(image), "video_url": measure_clip(clip)}

        def process(**told):
            return Process(tmp_path / "ws", server, req, log=address, media=media, **told)

        died: list[tuple[str, str]] = []
        number = 0
        while len(died) < KILLS:
            number += 1
            assert number < KILLS * 2, "most processes outlived their kill"
            # Every second window, so that few kills with and few without idempotency go through all of them.
            window, prompt = WINDOWS[(2 * len(died) + honoured) % len(WINDOWS)], f"dance {number}"
            if killed(process, server, chance, window, prompt):
                died.append((window, moment(log, server, prompt)))
        before = log.jobs.rows()
        prompts = [f"dance {one}" for one in range(1, number + 1)]

        # Run All again, in a last process: what was never sent is sent, what was paid is fetched.
        with process(do="run all", prompts=prompts) as last:
            assert last.hear() == "ready"
            states = last.hear()
        assert set(states) <= {"collected", "unknown"}
        counts, rows = server.counts(), log.jobs.rows()
        assert len(rows) == len({row.prompt for row in rows}) == number
        assert {key: len(bodies) for key, bodies in counts.bodies.items() if len(bodies) > 1} == {}
        assert counts.twice == []
        known = {row.task_id: row for row in rows if row.task_id is not None}
        assert {row.state for row in known.values()} == {"collected"}
        assert set(known) <= set(counts.charges)
        doubtful = [row for row in rows if row.state == "unknown"]
        lost = [one for one in doubtful if one.idempotency_key in counts.charges.values()]
        assert set(counts.charges.values()) == {row.idempotency_key for row in [*known.values(), *lost]}, (
            "a charge that no row of the log answers for"
        )
        check_results(tmp_path / "ws", log, clip_bytes)

        # A person looks at what is unknown: with keys honoured a resend is safe, without it is given up.
        wanted = {"do": "resend" if honoured else "write off", "ids": [row.id for row in doubtful]}
        with process(**wanted) as last:
            assert last.hear() == "ready"
            ends = set(last.hear())
        assert ends <= {"collected" if honoured else "written_off"}
        after = server.counts()
        assert after.twice == []
        assert [bodies for bodies in after.bodies.values() if len(set(bodies)) > 1] == [], (
            "not byte-identical"
        )
        if honoured:
            assert sorted(after.charges.values()) == sorted(row.idempotency_key for row in rows)
            assert {row.state for row in log.jobs.rows()} == {"collected"}
        else:
            assert after.charges == counts.charges
        check_results(tmp_path / "ws", log, clip_bytes)

    between = [window for window, moment in died if window in BETWEEN or moment.startswith("submitting")]
    assert len(between) * 10 >= len(died) * 3
    SOAKED.append(
        (
            request.node.callspec.id,
            died,
            len(between),
            len(before),
            len(doubtful),
            len(lost),
            len(after.twice),
        )
    )


def killed(process, server, chance, window, prompt):
    """Let a process submit, and kill it in a window. False: it had ended before."""
    point = POINTS.get(window)
    if point == "polls":
        server.work(3)
    if window in HELD:
        server.hold(HELD[window])
    with process(die=point, do="run all", prompts=[prompt]) as run:
        if window in HELD:
            server.arrived()
            run.kill()
            server.go()
        elif window == RANDOM:
            assert run.hear() == "ready"
            run.done(chance.uniform(0, 0.25))
            run.kill()
        return run.code() == -9


def moment(log, server, prompt):
    """Return where a job stood when its process died, by the log and by the server's counts."""
    rows = log.jobs.rows(jobs.c.prompt == prompt)
    if not rows:
        return "not in the log"
    counts, row = server.counts(), rows[0]
    if row.state != "submitting":
        return row.state
    sent = "charged" if row.idempotency_key in counts.charges.values() else "not charged"
    return f"submitting, {sent}" if row.sent else "submitting, not sealed"


def check_results(folder, log, clip):
    """Every collected result is whole and as the log says; nothing else lies beside it."""
    collected = log.jobs.rows(jobs.c.state == "collected")
    sha = hashlib.sha256(clip).hexdigest()
    assert {(row.result_sha, row.result_size) for row in collected} <= {(sha, len(clip))}
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in results_in(folder)}
    assert set(found) == {row.result_path for row in collected}
    assert all(content == clip for content in found.values())
