"""Bad input through the public names: one clear sentence each, and nothing half-written left behind."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

import motion_widgets as mw
from motion_widgets.endpoint import api_key
from motion_widgets.media.ffmpeg import ffmpeg_exe
from tests.loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MIB = 1 << 20
LINKED = mw.Clip(
    source="https://example.com/dance.mp4", name="dance.mp4", format="mp4", length=6.0, width=720,
    height=1280, size=10**6, has_audio=True,
)  # fmt: skip
PICTURED = mw.Image(
    source="https://example.com/hero.png", name="hero.png", format="png", width=720, height=1280, size=10**5
)


def clear(text: object, *words: str) -> None:
    """Check that a message is one line a person can act on, and holds all `words`."""
    line = str(text)
    assert "\n" not in line
    assert len(line) < 300, line
    assert line.endswith("."), line
    assert not [
        noise for noise in ("Traceback", "Errno", "Error(", "ffmpeg", "None", "{") if noise in line
    ], line
    assert [word for word in words if word not in line] == [], line


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one good image, one good clip, and everything that is neither."""
    folder = tmp_path_factory.mktemp("media")
    tone = ["-f", "lavfi", "-t", "6", "-i", "sine=f=440"]
    shot = ["-f", "lavfi", "-t", "6", "-i", "testsrc2=s=360x640:r=10"]
    for words in (
        [*shot, *tone, "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "good.mp4"],
        [*tone, "song.mp4"],
        [*shot, "-frames:v", "1", "good.png"],
    ):
        os.spawnv(
            os.P_WAIT,
            ffmpeg_exe(),
            ["ffmpeg", "-loglevel", "error", "-y", *words[:-1], str(folder / words[-1])],
        )
    (folder / "folder.mp4").mkdir()
    (folder / "empty.mp4").touch()
    (folder / "page.mp4").write_text("<!DOCTYPE html><title>404</title>", "utf-8")
    (folder / "noise.mp4").write_bytes(bytes(range(7, 250)) * 40)
    good = (folder / "good.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(good[: len(good) // 2])
    (folder / "headless.mp4").write_bytes(good[:40])
    with (folder / "large.mp4").open("wb") as file:  # sparse: the whole clip, then a `free` box of zeros
        file.write(good + (150 * MIB - len(good)).to_bytes(4, "big") + b"free")
        file.truncate(150 * MIB)
    return folder


# What is wrong with a clip: name, words of the sentence.
CLIPS = [
    ("missing.mp4", ("missing.mp4", "not found here", "Check the path")),
    ("folder.mp4", ("folder.mp4", "is a folder", "Choose a file")),
    ("empty.mp4", ("empty.mp4", "0 bytes", "again")),
    ("page.mp4", ("page.mp4", "HTML", "download the file itself")),
    ("noise.mp4", ("noise.mp4", "MP4 and MOV", "Convert")),
    ("song.mp4", ("song.mp4", "no picture", "Choose a clip with a video track")),
    ("headless.mp4", ("headless.mp4", "cut off", "again")),
]
IMAGES = [
    ("missing.png", ("missing.png", "not found here", "Check the path")),
    ("folder.mp4", ("folder.mp4", "is a folder", "Choose a file")),
    ("empty.mp4", ("empty.mp4", "0 bytes", "again")),
    ("page.mp4", ("page.mp4", "HTML", "JPEG or PNG")),
    ("good.mp4", ("good.mp4", "not an image", "JPEG or PNG")),
]


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[mw.Workspace]:
    """Return a workspace on the sandbox; nothing may be half-written in it at the end."""
    with mw.Workspace(tmp_path / "ws", endpoint="sandbox") as ws:
        yield ws
    nothing_left(tmp_path / "ws")


def nothing_left(folder: Path) -> None:
    with mw.Workspace(folder, endpoint="sandbox") as ws:
        assert len(ws.log) == 0
    assert list(folder.rglob("*.part")) == []
    for name in ("inputs", "results"):
        assert not (folder / name).is_dir() or list((folder / name).iterdir()) == []


def draft(media: Path, clip: object = None, image: object = None) -> mw.MotionRequest:
    return mw.MotionRequest(
        model="kling-v2-6-motion-control",
        image_url=image or media / "good.png",
        video_url=clip or media / "good.mp4",
        character_orientation="image",
        mode="std",
    )


def refused(ws: mw.Workspace, req: mw.MotionRequest, field: str, *words: str) -> None:
    """Check that `check` and `submit` say the same one thing about `field`."""
    (finding,) = [one for one in ws.check(req) if one.severity == "error"]
    assert finding.field == field
    clear(finding.message, *words)
    with pytest.raises(mw.RequestError) as caught:
        ws.submit(req)
    assert finding.message in str(caught.value)
    clear(caught.value, *words)
    assert [one.message for one in caught.value.findings if one.severity == "error"] == [finding.message]


def test_the_good_ones_are_good(media: Path, ws: mw.Workspace) -> None:
    assert ws.check(draft(media)) == []


@pytest.mark.parametrize(("name", "words"), CLIPS, ids=[name for name, _ in CLIPS])
def test_clips_that_are_none(media: Path, ws: mw.Workspace, name: str, words: tuple[str, ...]) -> None:
    for source in (media / name, str(media / name)):
        with pytest.raises(mw.ClipError) as caught:
            mw.measure_clip(source)
        clear(caught.value, *words)
    refused(ws, draft(media, clip=media / name), "video_url", *words)


@pytest.mark.parametrize(("name", "words"), IMAGES, ids=[name for name, _ in IMAGES])
def test_images_that_are_none(media: Path, ws: mw.Workspace, name: str, words: tuple[str, ...]) -> None:
    with pytest.raises(mw.ClipError) as caught:
        mw.measure_image(media / name)
    clear(caught.value, *words)
    refused(ws, draft(media, image=media / name), "image_url", *words)


def test_bytes_that_are_none() -> None:
    for measure in (mw.measure_clip, mw.measure_image):
        with pytest.raises(mw.ClipError) as caught:
            measure(b"")
        clear(caught.value, "0 bytes")
        with pytest.raises(mw.ClipError) as caught:
            measure(b"<html>")
        clear(caught.value, "HTML")


def test_a_clip_of_150_mib(media: Path, ws: mw.Workspace) -> None:
    clip = mw.measure_clip(media / "large.mp4")
    assert clip.size == 150 * MIB
    assert clip.length == pytest.approx(6, abs=0.05)
    refused(ws, draft(media, clip=media / "large.mp4"), "video_url", "157.", "MB", "100 MB", "smaller")


def test_a_clip_that_ends_early(media: Path, ws: mw.Workspace) -> None:
    assert mw.measure_clip(media / "cut.mp4").truncated
    refused(ws, draft(media, clip=media / "cut.mp4"), "video_url", "cut.mp4", "again")


# --- links ---


class _Handler(BaseHTTPRequestHandler):
    """Serves `files` whole, whatever part is asked for; anything else is 404."""

    files: dict[str, Callable[[], Iterator[bytes]]]

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        made = self.files.get(self.path)
        if made is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        try:
            for piece in made():
                self.wfile.write(piece)
        except (BrokenPipeError, ConnectionResetError):
            return


@pytest.fixture(scope="module")
def host(media: Path) -> Iterator[str]:
    def endless() -> Iterator[bytes]:
        """Send a clip whose header never comes: an `mdat` box of 200 MiB in front of it."""
        good = (media / "good.mp4").read_bytes()
        yield good[: int.from_bytes(good[:4], "big")] + (200 * MIB).to_bytes(4, "big") + b"mdat"
        zeros = bytes(MIB)
        for _ in range(200):
            yield zeros

    files = {"/good.mp4": lambda: iter([(media / "good.mp4").read_bytes()]), "/endless.mp4": endless}
    server = LoopbackServer(type("_Files", (_Handler,), {"files": files}))
    yield server.url
    server.stop()


def test_a_dead_link(media: Path, ws: mw.Workspace, host: str) -> None:
    link = f"{host}/gone.mp4"
    for measure in (mw.measure_clip, mw.measure_image):
        with pytest.raises(mw.ClipError) as caught:
            measure(link)
        clear(caught.value, "127.0.0.1", "404", "gone.mp4", "Check that the link is public")
    # Not reached is not wrong: the endpoint may reach it. The price is that of the longest clip.
    (finding,) = ws.check(draft(media, clip=link))
    assert (finding.field, finding.severity) == ("video_url", "warning")
    clear(finding.message, "404", "gone.mp4")
    assert ws.estimate(draft(media, clip=link)).high == pytest.approx(0.5712)


def test_a_link_to_nobody() -> None:
    with pytest.raises(mw.ClipError) as caught:
        mw.measure_clip("http://127.0.0.1:1/dance.mp4")
    clear(caught.value, "127.0.0.1", "refuses the connection", "Check the link")


def test_a_link_of_another_kind(media: Path, ws: mw.Workspace) -> None:
    link = "ftp://example.com/dance.mp4"
    refused(ws, draft(media, clip=link), "video_url", "http or https", link)


def test_a_link_without_range(host: str) -> None:
    assert mw.measure_clip(f"{host}/good.mp4").length == pytest.approx(6, abs=0.05)
    with pytest.raises(mw.ClipError) as caught:
        mw.measure_clip(f"{host}/endless.mp4", deadline=120)
    clear(caught.value, "endless.mp4", "100 MB", "Use another host")


# --- key, folder ---


def test_live_without_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APIMART_API_KEY", raising=False)
    monkeypatch.delenv("APIMART_BASE_URL", raising=False)
    monkeypatch.setattr(api_key, "_keyring_get", lambda _: None)
    req = draft(tmp_path, clip=LINKED, image=PICTURED)
    with mw.Workspace(tmp_path / "ws", endpoint="apimart") as ws:
        with pytest.raises(mw.BudgetError) as unbound:
            ws.submit(req)
        clear(unbound.value, "$0.35", "max_cost=0.35")
        with pytest.raises(mw.AuthError) as caught:
            ws.submit(req, max_cost=0.50)
        clear(caught.value, "api.apimart.ai", "APIMART_API_KEY")
    nothing_left(tmp_path / "ws")


@pytest.mark.parametrize("bound", [0.01, -1, float("nan"), "0.50", True])
def test_a_bound_that_does_not_hold(media: Path, ws: mw.Workspace, bound: object) -> None:
    with pytest.raises(mw.BudgetError) as caught:
        ws.submit(draft(media), max_cost=bound)
    clear(caught.value, "0.35" if bound == 0.01 else repr(bound))


def test_a_file_in_the_workspace_s_place(tmp_path: Path) -> None:
    place = tmp_path / "taken"
    place.write_text("mine", "utf-8")
    with pytest.raises(mw.LogError) as caught:
        mw.Workspace(place, endpoint="sandbox")
    clear(caught.value, str(place), "Choose another folder")
    assert place.read_text("utf-8") == "mine"


@pytest.mark.parametrize("name", ["results", "inputs"])
def test_a_folder_that_takes_no_files(media: Path, ws: mw.Workspace, name: str) -> None:
    # To root no folder is read-only, so a file stands in the folder's place.
    place = ws.folder / name
    place.rmdir()
    place.write_text("mine", "utf-8")
    try:
        with pytest.raises(mw.LogError) as caught:
            ws.submit(draft(media))
        clear(caught.value, str(place), "is not writable", "nothing was sent")
        assert place.read_text("utf-8") == "mine"
        assert len(ws.log) == 0
    finally:
        place.unlink()


@pytest.mark.parametrize("endpoint", ["nonsense", "https://example.com"])
def test_an_endpoint_that_is_none(tmp_path: Path, endpoint: str) -> None:
    with pytest.raises(mw.RequestError) as caught:
        mw.Workspace(tmp_path, endpoint=endpoint)
    clear(caught.value, endpoint.removeprefix("https://"))


@pytest.mark.parametrize("bound", [10**400, 10**5000, -(10**400), float("nan"), "0.50", True], ids="abcdef")
def test_a_bound_that_is_no_amount(ws: mw.Workspace, bound: object) -> None:
    model = "kling-v2-6-motion-control"
    req = mw.MotionRequest(model=model, image_url=PICTURED.source, video_url=LINKED.source)
    with pytest.raises(mw.BudgetError) as caught:
        ws.preparation.require_bound(mw.estimate(req, LINKED), bound)  # type: ignore[arg-type]
    clear(caught.value, "0.50")


@pytest.mark.parametrize("an_id", [None, 7, b"job", "", ["job"]])
def test_an_id_that_is_none(ws: mw.Workspace, an_id: object) -> None:
    with pytest.raises(mw.LogError) as caught:
        ws.attach(an_id)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


# --- requests, logs, names ---


@pytest.mark.parametrize(
    "body", [None, 7, "request.json", {"model": "kling-v3-motion-control"}, mw.MotionRequest]
)
def test_what_is_no_request(ws: mw.Workspace, body: object) -> None:
    """The body of a request is not one yet, and the sentence says how it becomes one."""
    asked: tuple[Callable[..., object], ...] = (
        mw.check, mw.estimate, mw.Sweep, ws.check, ws.estimate, ws.find, ws.submit,
    )  # fmt: skip
    for ask in asked:
        with pytest.raises(mw.RequestError) as caught:
            ask(body)
        assert str(caught.value).startswith(f"A request is a MotionRequest; this is {type(body).__name__}.")
        assert "MotionRequest.from_wire" in str(caught.value)
    with pytest.raises(mw.RequestError, match="is a MotionRequest"):
        ws.submit(body, new=True)  # type: ignore[arg-type]
    assert len(ws.log) == 0


@pytest.mark.parametrize("address", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_log_in_memory_is_refused(tmp_path: Path, address: str) -> None:
    """It would be gone with the kernel, and with it all that says what was paid for."""
    with pytest.raises(mw.LogError) as caught:
        mw.Workspace(tmp_path / "ws", endpoint="sandbox", log=address)
    clear(caught.value, "in memory", "sqlite:///log.sqlite")


def test_a_log_with_a_relative_address_stays_where_it_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, elsewhere = tmp_path / "there", tmp_path / "elsewhere"
    for folder in (there, elsewhere):
        folder.mkdir()
    monkeypatch.chdir(there)
    with mw.Workspace(tmp_path / "ws", endpoint="sandbox", log="sqlite:///team.sqlite") as ws:
        monkeypatch.chdir(elsewhere)
        ws.set_budget(5, "ana")
        assert str(there / "team.sqlite") in repr(ws.log)
    assert list(elsewhere.iterdir()) == []
    with mw.Workspace(tmp_path / "ws", endpoint="sandbox", log=there / "team.sqlite") as ws:
        assert ws.budget("ana") is not None


@pytest.mark.parametrize("person", [5, "", " ", "a\nb", "x" * 81, b"ana", ["ana"], "half \ud800"])
def test_a_person_is_a_line_of_text(ws: mw.Workspace, person: object) -> None:
    for ask in (ws.budget, lambda who: ws.set_budget(5, who)):
        with pytest.raises(mw.LogError) as caught:
            ask(person)  # type: ignore[arg-type]
        assert "cannot be a person's name" in str(caught.value)
        assert "1 to 80 characters" in str(caught.value)
    assert ws.budget() is None


@pytest.mark.parametrize(
    "place",
    ["s3://[bucket/team", "team", "https://example.com/team", "s3://", "file://[", 5, "s3://me:geheim@["],
)
def test_a_shared_place_that_is_none(tmp_path: Path, place: object) -> None:
    with pytest.raises(mw.LogError) as caught:
        mw.Workspace(tmp_path / "ws", endpoint="sandbox", shared=place)  # type: ignore[arg-type]
    assert "is not a path that a team can share" in str(caught.value)
    assert "geheim" not in str(caught.value)
