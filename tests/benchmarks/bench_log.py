"""What a durable row of the log costs beside raw sqlite3, MLflow and Optuna, and four writers at once.

``python -m tests.benchmarks.bench_log`` prints the figures and asserts nothing. The peers come from
``tests/benchmarks/requirements.txt``; one that is absent is said to be.
"""

from __future__ import annotations

import csv
import io
import itertools
import logging
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from motion_widgets.log.store import Log
from motion_widgets.log.view import LogView

ROOT = Path(__file__).parents[2]
ROUNDS = 60
PEER_ROUNDS = 12
MEMORY = Path("/dev/shm")
BUDGET = "bench"
WRITERS, EACH = 4, 10_000
VALUES = {
    "endpoint": "sandbox", "account": "sandbox", "sandbox": True, "model": "kling-v2-6-motion-control",
    "mode": "std", "character_orientation": "image", "prompt": "wave", "image_url": "https://h/a.png",
    "video_url": "https://h/b.mp4", "clip_length": 6.5, "estimate_low": 456_960, "estimate_high": 514_080,
}  # fmt: skip
"""A job as a sweep writes it down; every peer keeps the same values."""

Timed = Callable[[int], object]


def micros(*calls: Timed, rounds: int) -> list[float]:
    """Return medians in µs of calls that are made in turn, after one round that does not count."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for call, kept in zip(calls, times, strict=True):
            start = time.perf_counter()
            call(number)
            kept.append((time.perf_counter() - start) * 1e6)
    return [statistics.median(kept[1:]) for kept in times]


def row_of(log: Log, key: str) -> str:
    """Write a job and its event; give its id."""
    return str(log.jobs.add({**VALUES, "key": key, "budget_id": BUDGET})[0].id)


def row_and_money(log: Log, key: str) -> str:
    """Write a job, and then that it is to be sent: two events, its lease, its money taken out."""
    job_id = row_of(log, key)
    assert log.transitions.intend(job_id, VALUES["estimate_high"], owner="bench")
    return job_id


def raw(log: Log, path: Path, call: Callable[[Log, str], str]) -> Timed:
    """Make what executes the very statements of one call on a bare connection, in a log of its own."""
    from sqlalchemy import event

    statements: list[tuple[str, object]] = []
    assert log.database._writer is not None

    def seen(_c: object, _cursor: object, text: str, given: object, _x: object, _many: bool) -> None:
        statements.append((text, given))

    def begun(_c: object) -> None:
        statements.append(("BEGIN IMMEDIATE", ()))

    def ended(_c: object) -> None:
        statements.append(("COMMIT", ()))

    listeners = {"before_cursor_execute": seen, "begin": begun, "commit": ended}
    for name, listener in listeners.items():
        event.listen(log.database._writer, name, listener)
    key = f"seen in {path.name}"
    job_id = call(log, key)
    for name, listener in listeners.items():
        event.remove(log.database._writer, name, listener)
    bare = Log(path)
    bare.budgets.set(BUDGET, 10**12)
    bare.close()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    said = [(text, list(given) if isinstance(given, tuple) else []) for text, given in statements]

    def write(number: int) -> None:
        new = {
            job_id: f"job-{number:016}",
            key: f"raw-{number}",
            f"motion-{job_id}": f"motion-{number}",
        }
        for text, given in said:
            values = [new.get(one, one) if isinstance(one, str) else one for one in given]
            cursor = db.execute(text, values)
            if text.lstrip().upper().startswith("SELECT"):
                cursor.fetchall()

    return write


def mlflow_rows(folder: Path) -> dict[str, Timed]:
    """Make what logs the same values as a run of MLflow on SQLite, by its users' ways. Empty: it is absent.

    Numbers are metrics, the rest are params; the store's engine and tables are there before.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    try:
        import mlflow
        from mlflow.entities import Metric, Param, RunTag
    except ImportError:
        return {}
    logging.disable(logging.INFO)
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.set_experiment("bench")
    client = mlflow.MlflowClient()
    numbers = {name: float(value) for name, value in VALUES.items() if isinstance(value, int | float)}
    texts = {name: str(value) for name, value in VALUES.items() if name not in numbers}

    def together(number: int) -> None:
        with mlflow.start_run(run_name=f"job-{number}"):
            mlflow.log_params({**texts, "key": number})
            mlflow.log_metrics(numbers)

    def one_by_one(number: int) -> None:
        with mlflow.start_run(run_name=f"job-{number}"):
            for name, value in {**texts, "key": number}.items():
                mlflow.log_param(name, value)
            for name, value in numbers.items():
                mlflow.log_metric(name, value)

    def batch(number: int) -> None:
        at = int(time.time() * 1000)
        run = client.create_run("0", run_name=f"job-{number}")
        client.log_batch(
            run.info.run_id,
            metrics=[Metric(name, value, at, 0) for name, value in numbers.items()],
            params=[Param(name, value) for name, value in texts.items()],
            tags=[RunTag("key", str(number))],
        )
        client.set_terminated(run.info.run_id)

    return {
        "start_run, log_param, log_metric": one_by_one,
        "start_run, log_params, log_metrics": together,
        "client: create_run, log_batch, set_terminated": batch,
    }


def optuna_row(folder: Path) -> Timed | None:
    """Make what writes the same values as a trial of Optuna's RDB. None: it is not installed."""
    try:
        import optuna
    except ImportError:
        return None
    optuna.logging.disable_default_handler()
    study = optuna.create_study(storage=f"sqlite:///{folder / 'optuna.db'}")

    def write(number: int) -> None:
        trial = study.ask()
        for name, value in {**VALUES, "key": str(number)}.items():
            trial.set_user_attr(name, value)

    return write


def appending(folder: Path, place: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Compare one durable job: with the same statements, and with what peers need for the same values."""
    log = Log(folder / "log.sqlite")
    log.budgets.set(BUDGET, 10**12)

    numbers = itertools.count()  # one that is there already would only be found

    def ours(_: int) -> object:
        return row_and_money(log, f"k{next(numbers)}")

    def name(peer: str, times: float, base: float) -> str:
        return f"{peer} {times:,.0f} µs: {times / base:.0f} times"

    for call, what in ((row_of, "row, event"), (row_and_money, "row, events, budget")):
        own, bare = micros(
            lambda number, call=call, what=what: call(log, f"{what} {number}"),  # type: ignore[misc]
            raw(log, folder / f"{call.__name__}.sqlite", call),
            rounds=ROUNDS,
        )
        yield (
            f"append one job durably ({what}){place}", f"{own:.0f} µs",
            f"raw sqlite3, synchronous=FULL {bare:.0f} µs: {own / bare:.1f} times", "<= 6 times",
        )  # fmt: skip
    peers: dict[str, Timed | None] = {f"MLflow, {how}": made for how, made in mlflow_rows(folder).items()}
    peers = {**(peers or {"MLflow": None}), "Optuna RDB on SQLite": optuna_row(folder)}
    for peer, made in peers.items():
        if made is None:
            yield f"the same values in {peer}", "", "not installed", ""
            continue
        mine, theirs = micros(ours, made, rounds=PEER_ROUNDS)
        yield f"append one job, beside a peer{place}", f"{mine:.0f} µs", name(peer, theirs, mine), ""
    log.close()


WRITER = """
import sys
from motion_widgets.log.store import Log
log = Log(sys.argv[1]); failed = 0
for number in range(int(sys.argv[3])):
    values = {"endpoint": "sandbox", "account": "sandbox", "sandbox": True, "key": f"{sys.argv[2]}-{number}"}
    try: log.jobs.add(values)
    except Exception: failed += 1
print(failed)
"""
CSV_WRITER = """
import sys, csv, io, os
for number in range(int(sys.argv[3])):
    rows = []
    if os.path.exists(sys.argv[1]):
        with open(sys.argv[1], newline="") as file: rows = list(csv.reader(file))
    rows.append([sys.argv[2], str(number)])
    with open(sys.argv[1], "w", newline="") as file: csv.writer(file).writerows(rows)
print(0)
"""


def at_once(script: str, place: Path, each: int) -> tuple[int, float]:
    """Let four processes write; give how many rows failed, and how long it took in s."""
    start = time.perf_counter()
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(place), name, str(each)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for name in "abcd"[:WRITERS]
    ]
    told = [run.communicate()[0] for run in runs]
    failed = sum(int(one.strip() or each) for one in told)
    return failed, time.perf_counter() - start


def writers(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Let four processes write one log, and then one CSV, read and rewritten."""
    failed, seconds = at_once(WRITER, folder / "four.sqlite", EACH)
    log = Log(folder / "four.sqlite")
    lost = WRITERS * EACH - log.jobs.count()
    log.close()
    few = EACH // 20
    at_once(CSV_WRITER, folder / "four.csv", few)
    kept = len((folder / "four.csv").read_text().splitlines())
    yield (
        f"{WRITERS} processes x {EACH:,} rows: lost / failed", f"{lost} / {failed} ({seconds:.0f} s)",
        f"CSV read and rewritten: {WRITERS * few - kept:,} of {WRITERS * few:,} lost", "0 / 0",
    )  # fmt: skip


def importing(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Take 100,000 jobs over from a frame."""
    import pandas as pd

    log = Log(folder / "one.sqlite")
    log.jobs.add({**VALUES, "key": "k"})
    frame = pd.concat([LogView(log).frame()] * 100_000, ignore_index=True)
    log.close()
    frame["id"] = frame["key"] = pd.Series(
        [f"job-{number:08}" for number in range(len(frame))], dtype="string"
    )
    big = Log(folder / "big.sqlite")
    start = time.perf_counter()
    LogView(big).import_frame(frame)
    took = time.perf_counter() - start
    big.close()
    into = io.StringIO()
    start = time.perf_counter()
    csv.writer(into).writerows(frame.itertuples(index=False))
    beside = time.perf_counter() - start
    yield "import_frame of 100,000 jobs", f"{took:.1f} s", f"as CSV into memory {beside:.1f} s", "seconds"


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Return rows of figure, measured, beside it, target."""
    yield from appending(folder)
    if MEMORY.is_dir():  # where no disk hides what the libraries themselves cost; nothing has to be reached
        with tempfile.TemporaryDirectory(dir=MEMORY, ignore_cleanup_errors=True) as inside:
            for figure, measured, beside, _ in appending(Path(inside), ", memory disk"):
                yield figure, measured, beside, ""
    yield from importing(folder)
    yield from writers(folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="motion-widgets-bench-", ignore_cleanup_errors=True) as place:
        for row in rows(Path(place)):
            print("{:52} | {:>18} | {:58} | {}".format(*row), flush=True)
