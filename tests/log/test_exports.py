"""What is read back of files, exactly; and files that are far larger than any log, in one sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from motion_widgets import LogError
from motion_widgets.log.exports import from_file
from motion_widgets.log.store import Log
from motion_widgets.log.view import LogView
from tests.log.conftest import VALUES

NAMES = [f"c{number}" for number in range(20_000)]


def csv_header(path):
    path.write_text(",".join(NAMES) + "\n" + ",".join("1" * len(NAMES)) + "\n")


def csv_row(path):
    """A row with more fields than there are names: pandas takes them for an index of as many levels."""
    path.write_text("id,state\n" + ",".join("1" * len(NAMES)) + "\n")


def json_row(path):
    path.write_text(json.dumps(dict.fromkeys(NAMES, 1)) + "\n")


def json_rows(path):
    """A name of its own in each row: 232 s and 9 GB."""
    path.write_text("".join(json.dumps({name: 1}) + "\n" for name in NAMES))


def parquet(path):
    import pyarrow as pa
    from pyarrow.parquet import write_table

    write_table(pa.table({name: [1] for name in NAMES[:2000]}), path)


@pytest.mark.parametrize(
    ("write", "ending"),
    [(csv_header, "csv"), (csv_row, "csv"), (json_row, "jsonl"), (json_rows, "jsonl"), (parquet, "parquet")],
)
def test_a_file_with_far_more_columns_than_a_log_is_refused(write, ending, tmp_path):
    path = tmp_path / f"wide.{ending}"
    write(path)
    with pytest.raises(LogError) as caught:
        from_file(path)
    assert caught.value.code == "import_wide"


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "with a byte order mark"])
@pytest.mark.parametrize("sign", ",;\t")
def test_a_spreadsheets_csv_is_read_whatever_stands_between_its_cells(log, tmp_path, sign, mark):
    head = ["id", "state", "endpoint", "account", "sandbox", "key", "repeat", "attempt", "created", "prompt"]
    row = [
        "job-1",
        "failed",
        "sandbox",
        "a",
        "TRUE",
        "k",
        "1.0",
        "1",
        "2026-01-02 03:04:05",
        "one, two; three",
    ]
    head, row = [*head, "clip_width", "cost"], [*row, "540.0", "0.34"]
    lines = [sign.join(f'"{one}"' for one in cells) for cells in (head, row)]
    path = tmp_path / "edited.csv"
    path.write_text(mark + "\r\n".join(lines) + "\r\n", encoding="utf-8")
    assert LogView(log).import_file(path) == 1
    [job] = log.jobs.rows()
    assert (job.clip_width, job.repeat, job.cost, job.prompt) == (540, 1, 340_000, "one, two; three")


@pytest.mark.parametrize(
    ("width", "cost", "words"),
    [("540.5", "0.3", "clip_width contains '540.5'"), ("540", "0,34", "cost contains '0,34'")],
)
def test_a_spreadsheets_number_that_is_none_is_refused_by_name(log, tmp_path, width, cost, words):
    path = tmp_path / "edited.csv"
    path.write_text(
        "id;state;endpoint;account;sandbox;key;repeat;attempt;created;clip_width;cost\n"
        f"job-1;failed;e;a;true;k;1;1;2026-01-02;{width};{cost}\n"
    )
    with pytest.raises(LogError, match=words):
        LogView(log).import_file(path)
    assert log.jobs.rows() == []


@pytest.mark.parametrize(
    "text",
    [
        '{"id":' + "[" * 100_000 + "]" * 100_000 + "}", '{"id":' + '{"a":' * 100_000 + "1" + "}" * 100_001,
        "[1]", "x" * 10_000_002,
    ],
    ids=["deep list", "deep object", "no object", "long line"],
)  # fmt: skip
def test_json_that_is_no_row_of_a_log_is_refused(text, tmp_path):
    path = tmp_path / "deep.jsonl"
    path.write_text(text)
    with pytest.raises(LogError) as caught:
        from_file(path)
    assert caught.value.code == "import_kind"


ENDINGS = {"csv": "csv", "parquet": "parquet", "json": "jsonl"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A log with one job, whose numbers a test changes."""
    log = Log(tmp_path_factory.mktemp("exact") / "log.sqlite")
    log.jobs.add({**VALUES, "key": "k"})
    yield log
    log.close()


@pytest.mark.parametrize("kind", ENDINGS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.floats(0, 1e9, allow_nan=False), cost=st.integers(0, 10**12))
@example(length=0.1 + 0.2, cost=1)
@example(length=5e-324, cost=999_999_999_999)
@example(length=29.97002997002997, cost=0)
def test_every_number_comes_back_exactly(kept, tmp_path, kind, length, cost):
    kept.transitions.record(kept.jobs.rows()[0].id, clip_length=length, cost=cost)
    back = from_file(getattr(LogView(kept), f"to_{kind}")(tmp_path / f"log.{ENDINGS[kind]}"))
    assert float(back["clip_length"].iloc[0]) == length
    assert float(back["cost"].iloc[0]) == cost / 1e6
    if kind == "json":
        (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
        assert json.loads(line)["clip_length"] == length


@pytest.mark.parametrize("kind", ENDINGS)
def test_an_export_without_jobs_reads_back(kept, tmp_path, kind):
    path = tmp_path / f"log.{ENDINGS[kind]}"
    view = LogView(kept)
    getattr(view, f"to_{kind}")(path, where={"mode": "none has it"})
    assert len(from_file(path)) == 0
    assert view.import_file(path) == 0


@pytest.mark.parametrize("kind", ENDINGS)
def test_hidden_jobs_are_hidden_where_they_are_imported(tmp_path, kind):
    log, other = Log(tmp_path / "log.sqlite"), Log(tmp_path / "other.sqlite")
    ids = [log.jobs.add({**VALUES, "key": key, "state": "failed"})[0].id for key in "ab"]
    for one in ids:
        log.transitions.record(one, state="failed")
    log.annotations.hide(ids[:1])
    path = getattr(LogView(log), f"to_{kind}")(tmp_path / f"log.{ENDINGS[kind]}")
    assert LogView(other).import_file(path) == 2
    assert list(LogView(other).frame()["id"]) == ids[1:]
    frame = LogView(other).frame(hidden=True)
    assert dict(zip(frame["id"], frame["hidden"], strict=True)) == {ids[0]: True, ids[1]: False}
    log.close()
    other.close()
