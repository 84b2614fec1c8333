"""The frame of a study's results: computed once, kept by content, and honest about what is missing."""

from __future__ import annotations

import itertools
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import delete, func, insert, select

from motion_widgets.core.errors import LogError
from motion_widgets.core.hashing import sha256_of
from motion_widgets.log.columns import FIDELITY
from motion_widgets.log.schema import fidelity, jobs
from motion_widgets.log.store import Log
from motion_widgets.study import Study
from motion_widgets.study.fidelity.difference import differences
from tests.study.conftest import columns_of
from tests.study.fidelity.dances import Shown, dance, encode, late

SECONDS = 2.5


def wandering(shown, seed):
    """Return a clip whose motion now runs ahead of its time and now lags behind."""
    rng = np.random.default_rng(seed)
    count = len(shown.grey)
    drift = np.interp(np.arange(count), np.linspace(0, count, 9), rng.uniform(-7, 7, 9))
    return Shown(shown.grey[np.clip((np.arange(count) + drift).round().astype(int), 0, count - 1)], shown.fps)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two clips, and of each two results in pro that follow it and two in std that wander; one is still."""
    root = tmp_path_factory.mktemp("fidelity")
    for clip in (0, 1):
        dances = [dance(clip + 1, look, SECONDS) for look in ("tall", "small", "dark")]
        encode(dances[0], root / f"inputs/clip{clip}.mp4")
        for image, shown in enumerate(dances[1:]):
            encode(late(shown, 2), root / f"results/pro-{clip}{image}.mp4")
            encode(wandering(shown, 2 * clip + image), root / f"results/std-{clip}{image}.mp4")
    encode(Shown(np.repeat(dance(1).grey[:1], 60, 0), 30.0), root / "inputs/still.mp4")
    return root


def study_of(folder, path, **first):
    """Return a study of the eight results in a log; `first` changes columns of the first job."""
    store = Log(path)
    host = SimpleNamespace(
        log_store=store, folder=folder,
        result_of=lambda row: folder / row.result_path if (folder / row.result_path).is_file() else None,
    )  # fmt: skip
    rows = []
    for clip, image, mode in itertools.product((0, 1), (0, 1), ("pro", "std")):
        result = f"results/{mode}-{clip}{image}.mp4"
        rows.append(
            columns_of(
                mode, clip, image_sha=f"i{clip}{image}", clip_path=f"inputs/clip{clip}.mp4",
                clip_sha=sha256_of(folder / f"inputs/clip{clip}.mp4"), result_path=result,
                result_sha=sha256_of(folder / result), video_url=None,
            )
        )  # fmt: skip
    rows[0] |= first
    with store.database.write() as connection:
        connection.execute(insert(jobs), rows)
    return Study(host, [row["id"] for row in rows])


@pytest.fixture(scope="module")
def measured(folder, tmp_path_factory):
    """A log in which all is measured, the frame, and what the progress bar was told."""
    path = tmp_path_factory.mktemp("log") / "log.sqlite"
    study = study_of(folder, path)
    seen = []
    with ThreadPoolExecutor(2) as executor:
        frame = study.fidelity(executor=executor, progress=lambda done, count: seen.append((done, count)))
    study.ws.log_store.close()
    return path, frame, seen


@pytest.fixture
def made(folder, measured, tmp_path):
    """A study in a copy of that log: made() -> it; made(id=…) changes columns of its first job."""
    studies = []

    def make(**first):
        path = tmp_path / "log.sqlite"
        shutil.copyfile(measured[0], path)
        studies.append(study_of(folder, path, **first))
        return studies[-1]

    yield make
    for one in studies:
        one.ws.log_store.close()


def stored(study):
    with study.ws.log_store.database.read() as connection:
        return connection.execute(select(func.count()).select_from(fidelity)).scalar()


def test_a_frame_has_a_row_for_each_result(measured):
    _, frame, seen = measured
    assert seen == [(done, 10) for done in range(1, 11)]
    assert [name for name in frame if name in [one.name for one in FIDELITY]] == [
        one.name for one in FIDELITY if one.name not in ("clip_sha", "result_sha", "version")
    ]
    pro, std = (frame[frame["mode"] == mode] for mode in ("pro", "std"))
    assert (pro["timing"] > 0.9).all()
    assert (pro["place"] > 0.7).all()
    assert (pro["lag_ms"] - 67).abs().max() < 34
    assert (pro["place"].to_numpy() > std["place"].to_numpy()).all()
    assert frame["remark"].isna().all()
    assert frame["length"].tolist() == pytest.approx([SECONDS] * 8, abs=0.05)


def test_it_is_computed_once(made, folder, measured):
    study, seen = made(), []
    hidden = folder.rename(folder.with_name("away"))  # nothing is left to measure
    try:
        again = study.fidelity(progress=lambda *told: seen.append(told))
    finally:
        hidden.rename(folder)
    assert again.drop(columns="id").equals(measured[1].drop(columns="id"))
    assert seen == []
    assert stored(study) == 8


def test_nothing_is_said_before_anything_was_measured(folder, tmp_path):
    study = study_of(folder, tmp_path / "log.sqlite")
    with pytest.raises(LogError, match=r"study\.fidelity\(\)"):
        study.answer("mode", by="timing")
    study.ws.log_store.close()


def test_a_measure_differs_between_settings_within_blocks(made):
    study = made()
    found = study.answer("mode", "pro", "std", by="place")
    assert (found.kind, found.blocks, found.pairs) == ("higher", 4, 4)
    assert found.of_a > found.of_b
    assert 0 < found.low < found.difference < found.high
    assert found.text.startswith("Sandbox: place of pro is above that of std: ")
    assert 'role="img"' in found._repr_html_()
    assert "see place as well" in study.answer("mode", by="timing").text
    ratio = study.answer("mode", by="amount")
    assert ratio.low < ratio.difference < ratio.high
    assert study.answer("mode", by="grain").kind in ("not_shown", "higher", "lower")
    with pytest.raises(LogError, match="beauty is no measure"):
        study.answer("mode", by="beauty")


def test_a_report_and_a_table_have_what_was_measured_and_measure_nothing(made, tmp_path):
    study = made()
    found = differences(study.material(), study.ws).set_index("by")
    assert found.loc["place", ["a", "b", "blocks", "pairs"]].tolist() == ["pro", "std", 4, 4]
    told = study.answer("mode", "pro", "std", by="place")
    assert found.loc["place", ["of_a", "low"]].tolist() == pytest.approx([told.of_a, told.low])
    assert "sound" not in found.index  # the clips have none
    text = study.report(tmp_path / "report.html").read_text("utf-8")
    assert text.count("<svg") == 4
    for words in ("How the motion follows the clip", ">place</", f"{told.of_a:.4g}", "a result; bar: median"):
        assert words in text
    with study.ws.log_store.database.write() as connection:
        connection.execute(delete(fidelity))
    assert not len(differences(study.material(), study.ws))
    assert "How the motion" not in study.report(tmp_path / "report.html").read_text("utf-8")
    assert stored(study) == 0


def test_nothing_is_said_of_fewer_than_four_blocks(made):
    study = made(image_sha="another")  # so that three pairs are left
    found = study.answer("mode", by="place")
    assert (found.kind, found.pairs) == ("few", 3)
    assert "It takes 4 blocks" in str(found)
    assert 'role="img"' not in found._repr_html_()


@pytest.mark.parametrize(
    ("columns", "remark"),
    [
        ({"clip_path": "inputs/gone.mp4", "clip_sha": "a" * 64}, "clip0.mp4 is not in the workspace"),
        ({"clip_path": None, "clip_sha": None, "clip_name": None, "video_url": "x"}, "is not in"),
        ({"result_path": "results/gone.mp4", "result_sha": "a" * 64}, "result is not in"),
        ({"result_sha": "a" * 64}, "has changed"),
        ({"clip_sha": "a" * 64}, "has changed"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_says_why_and_is_not_kept(made, columns, remark):
    study = made(**columns)
    frame = study.fidelity(progress=False).set_index("id")
    assert remark in frame["remark"].iloc[0]
    assert frame["timing"].isna().tolist() == [True, *[False] * 7]
    assert stored(study) == 8


def test_a_clip_that_hardly_moves_tells_nothing(made, folder):
    still = folder / "inputs/still.mp4"
    study = made(clip_path="inputs/still.mp4", clip_sha=sha256_of(still))
    first = study.fidelity(progress=False).iloc[0]
    assert not first["enough_motion"]
    assert "too little" in first["remark"]
    assert np.isnan(first["timing"])
    assert first["amount"] > 0


def test_the_direction_is_measured_on_request(made, monkeypatch):
    study = made()
    assert study.fidelity(progress=False)["direction"].isna().all()
    told = study.fidelity(progress=False, direction=True)
    assert (told[told["mode"] == "pro"]["direction"] > 0.6).all()
    assert stored(study) == 16
    assert study.fidelity(progress=False)["direction"].equals(told["direction"])
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(LogError, match=r"motion-widgets\[flow\]"):
        study.fidelity(direction=True)
