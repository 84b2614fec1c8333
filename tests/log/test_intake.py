"""How much a file from elsewhere may hold: it is counted while it is read, and stops with one sentence."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pandas as pd
import pytest

from motion_widgets.core.errors import LogError
from motion_widgets.log import intake
from motion_widgets.log.exports import from_file
from motion_widgets.log.imports import insert_frame
from motion_widgets.log.merge import merge
from motion_widgets.log.store import Log
from motion_widgets.log.view import LogView
from motion_widgets.workspace.bundle import merge_from, pack
from motion_widgets.workspace.unpack import unpack
from tests.log.test_merge import put


@pytest.fixture
def many(monkeypatch):
    """Too many values are more than a hundred."""
    monkeypatch.setattr(intake, "VALUES_MOST", 100)


@pytest.fixture
def big(monkeypatch):
    """Too many bytes are more than ten thousand."""
    monkeypatch.setattr(intake, "BYTES_MOST", 10_000)


def csv_file(path, rows, text):
    path.write_bytes(b"id,prompt\n" + f"job-1,{text}\n".encode() * rows + b"\xff\xff\n")


def json_file(path, rows, text):
    line = json.dumps({"id": "job-1", "prompt": text}) + "\n"
    path.write_bytes(line.encode() * rows + b"\xff no JSON\n")


def parquet_file(path, rows, text):
    pd.DataFrame({"id": ["job-1"] * rows, "prompt": [text] * rows}).to_parquet(path)


@pytest.mark.parametrize("write", [csv_file, json_file, parquet_file])
@pytest.mark.parametrize("too", [("many", 60, "x"), ("big", 20, "y" * 1000)], ids=["many", "big"])
def test_a_file_is_read_no_further_than_its_bound(request, tmp_path, write, too):
    bound, rows, text = too
    path = tmp_path / f"rows.{write.__name__.removesuffix('_file')}"
    path = path.with_suffix(".jsonl") if path.suffix == ".json" else path
    write(path, rows, text)
    request.getfixturevalue(bound)
    with pytest.raises(LogError, match="Split it") as caught:  # what follows is not even looked at
        from_file(path)
    assert caught.value.code == "import_many"
    assert path.name in str(caught.value)


def test_a_frame_a_log_and_a_bundle_have_the_same_bound(request, tmp_path):
    (tmp_path / "ws").mkdir()
    theirs, ours = Log(tmp_path / "ws/log.sqlite"), Log(tmp_path / "ours.sqlite")
    for number in range(3):
        put(theirs, "collected", f"k{number}")
    frame = LogView(theirs).frame()
    bundle = pack(tmp_path / "ws", theirs, tmp_path / "ws.zip")
    request.getfixturevalue("many")
    for take in (
        lambda: merge(ours, theirs),
        lambda: insert_frame(ours, frame),
        lambda: merge_from(ours, tmp_path, tmp_path / "ws"),
        lambda: merge_from(ours, tmp_path, bundle),
        lambda: unpack(bundle, tmp_path / "new"),
    ):
        with pytest.raises(LogError) as caught:
            take()
        assert caught.value.code == "import_many"
    assert ours.jobs.count() == 0
    assert not (tmp_path / "new").exists()
    theirs.close()
    ours.close()


def test_parquet_comes_back_as_it_was(tmp_path):
    log = Log(tmp_path / "log.sqlite")
    for number in range(3):
        put(log, "collected", f"k{number}", prompt=f"p{number}" if number else None)
    path = LogView(log).to_parquet(tmp_path / "log.parquet")
    back, frame = from_file(path), LogView(log).frame()
    for name in frame.columns:
        theirs = [None if pd.isna(one) else one for one in back[name]]
        assert theirs == [None if pd.isna(one) else one for one in frame[name]], name
    log.close()


def test_a_text_that_all_rows_share_takes_no_memory(tmp_path):
    """A file of some KB says 200 GB."""
    import pyarrow as pa
    from pyarrow.parquet import write_table

    text, rows = pa.array(["x" * 2_000_000]), 100_000
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), text)
    path = tmp_path / "shared.parquet"
    write_table(pa.table({"prompt": column}), path, compression="zstd")
    assert path.stat().st_size < 1_000_000
    script = (
        "import sys\nfrom motion_widgets.core.errors import LogError\n"
        "from motion_widgets.log.exports import from_file\n"
        "try:\n from_file(sys.argv[1])\nexcept LogError as error:\n print(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30)),
    )  # fmt: skip
    assert done.stdout.strip() == "import_many", done.stderr[-500:]
