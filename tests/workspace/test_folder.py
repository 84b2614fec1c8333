"""A visitor's workspace: in a folder of its own, on the sandbox, and nothing of the host's within reach.

And links in a folder that somebody sent.
"""

from __future__ import annotations

import shutil
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest
from PIL import Image

import motion_widgets as mw
from motion_widgets import LogError, Workspace
from motion_widgets.media.samples import sample_media
from tests.loopback import LoopbackServer
from tests.visiting import SECRETS, visit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPEN = """
import shutil
ws = mw.Workspace("workspace", speed=300)
shutil.copytree("drawn", ws.folder / "samples")
samples = ws.samples()
"""
REQUEST = """
req = mw.MotionRequest(model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s,
                       character_orientation="image", mode="std")
"""


class Inside(LoopbackServer):
    """A service of the host that trusts whoever reaches it; it notes what it is asked."""

    def __init__(self, image: bytes) -> None:
        self.asked: list[str] = []
        self.image = image
        super().__init__(_Handler)


class _Handler(BaseHTTPRequestHandler):
    own: Inside

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        self.own.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(self.own.image)))
        self.end_headers()
        self.wfile.write(self.own.image)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_media(tmp_path_factory.mktemp("drawn")).image.parent


@pytest.fixture
def host(drawn: Path, tmp_path: Path) -> Path:
    """A host's folder with a picture, a clip and a workspace of its own."""
    shutil.copytree(drawn, tmp_path / "drawn")
    Image.new("RGB", (720, 1280), "#aa3355").save(tmp_path / "private.png")
    (tmp_path / "private.mp4").write_bytes(sample_media(tmp_path / "drawn").clip_6s.read_bytes())
    with mw.Workspace(tmp_path / "workspace", endpoint="sandbox", speed=300) as ws:
        ws.set_budget(5.0)
    return tmp_path


@pytest.fixture
def inside(host: Path) -> Iterator[Inside]:
    server = Inside((host / "private.png").read_bytes())
    yield server
    server.stop()


def listing(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_visitor_works_in_a_folder_of_its_own_and_the_hosts_stays_as_it_is(host: Path) -> None:
    before = listing(host)
    told = visit(
        OPEN
        + REQUEST
        + """
job = ws.submit(req).wait(60)
from motion_widgets.core.visitor import confinement
told = [job.state, confinement().holds(job.result), confinement().holds(ws.log_store.database.path),
        ws.folder.name, len(ws.log), job.row.created_by, repr(ws), "planted-key" in repr(dict(os.environ))]
""",
        host,
    )
    assert told[:6] == ["collected", True, True, "workspace", 1, "visitor"]
    assert "SANDBOX" in told[6]
    assert not told[7]
    assert listing(host) == before


def test_going_live_is_refused_however_it_is_said(host: Path) -> None:
    told = visit(
        """
told = [refused(lambda: mw.Workspace("w", endpoint="apimart", key="sk-typed-by-hand")),
        refused(lambda: mw.Workspace("w", endpoint="https://live.example", key="sk-typed-by-hand"))]
ws = mw.Workspace("w")
told += [refused(lambda: ws.switch("apimart", key="sk-typed-by-hand")),
         refused(lambda: ws.switch("http://127.0.0.1:9", key="sk-typed-by-hand")), ws.live, ws.endpoint]
from motion_widgets.endpoint.api_key import find_key, store_key, Secret
from motion_widgets.endpoint.client import LIVE_URL
class Ring:  # a keyring that holds the host's key
    def get_password(*_): return "sk-of-the-host"
    def set_password(*_): told.append("stored")
sys.modules["keyring"] = Ring()
told += [find_key(LIVE_URL) is None, store_key(LIVE_URL, Secret("sk-typed-by-hand"))]
""",
        host,
    )
    assert told == ["visitor_endpoint"] * 4 + [False, "sandbox", True, False]


def test_a_log_or_a_shared_path_that_others_see_is_refused(
    host: Path,
) -> None:
    told = visit(
        """
told = [refused(lambda: mw.Workspace("w", log="sqlite:///" + str(Path("all.sqlite").absolute()))),
        refused(lambda: mw.Workspace("w", shared="file:///mnt/team"))]
ws = mw.Workspace("w")
told += [ws.shared, ws.log_store.database.path == ws.folder / "log.sqlite"]
""",
        host,
    )
    assert told == ["visitor_elsewhere", "visitor_elsewhere", None, True]
    assert not (host / "all.sqlite").exists()


def test_nothing_is_published_but_to_the_own_sandbox(host: Path) -> None:
    told = visit(
        OPEN
        + """
told = []
command = "touch owned; echo https://x.example/{path} {name}"
for to in (command, "s3://bucket/x", "file:///tmp", "serve", "serve:https://x.example"):
    told += [refused(lambda: ws.publish(samples.image, to, consent=True)),
             refused(lambda: setattr(ws, "publish_to", to)), refused(lambda: ws.consent(to)),
             refused(lambda: mw.publish(samples.image, to, ws=ws, consent=True))]
told.append(ws.publish(samples.image).url.startswith("http://127.0.0.1:"))
""",
        host,
    )
    assert told == ["visitor_place"] * 20 + [True]
    assert not (host / "owned").exists()


def test_no_file_of_the_host_is_measured_kept_or_sent(host: Path) -> None:
    told = visit(
        OPEN
        + REQUEST
        + """
import dataclasses
image, clip = os.path.abspath("private.png"), os.path.abspath("private.mp4")
(ws.folder / "link.png").symlink_to(image)
paths = (image, "private.png", ws.folder / "link.png", "/etc/hostname", "/no.png", ws.folder / "../../x.png")
told = [refused(lambda: mw.measure_image(one)) for one in paths]
told += [refused(lambda: mw.measure_clip(clip)), refused(lambda: ws.library.add(image)),
         refused(lambda: ws.publish(image)), refused(lambda: ws.submit(req.replace(image_url=image))),
         refused(lambda: ws.mend(clip, mw.Operation("trim_clip", {"start": 0.0, "length": 4.0})))]
forged = dataclasses.replace(mw.measure_image(samples.image), source=image, sha256=None)
told += [refused(lambda: ws.submit(req.replace(image_url=forged))), len(ws.log)]
""",
        host,
    )
    assert told[:9] == ["visitor_file"] * 9
    assert told[9:] == ["request_errors", "visitor_file", "visitor_file", 0]


def test_a_link_that_leads_inside_is_asked_neither_by_the_toolkit_nor_by_the_sandbox(
    host: Path, inside: Inside
) -> None:
    port = inside.url.rpartition(":")[2]
    told = visit(
        OPEN
        + REQUEST
        + f"""
told = []
for host in ("127.0.0.1", "localhost", "127.1", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"):
    link = f"http://{{host}}:{port}/latest/meta-data.png"
    told.append(refused(lambda: mw.measure_image(link)))
    job_of = lambda: ws.submit(req.replace(image_url=link)).wait(60)
    try:
        told.append(job_of().state)
    except MotionError as error:
        told.append(error.code)
for link in ("http://169.254.169.254/x.png", "http://10.0.0.1/x.png"):
    told.append(refused(lambda: mw.measure_image(link)))
""",
        host,
        HTTP_PROXY="", http_proxy="", HTTPS_PROXY="", https_proxy="", ALL_PROXY="", all_proxy="",
    )  # fmt: skip
    assert inside.asked == []
    assert set(told) <= {"link_inside", "request_errors", "rejected", "failed"}, told


def test_the_sandbox_itself_fetches_nothing_from_inside(host: Path, inside: Inside) -> None:
    told = visit(
        OPEN
        + f"""
import httpx
sandbox = ws.connection.sandbox
told = []
for link in ("{inside.url}/x.png", "http://localhost:{inside.url.rpartition(chr(58))[2]}/x.png",
             f"{{sandbox.url}}/media/sample/figure.png"):
    body = {{"model": "kling-v2-6-motion-control", "image_url": link, "character_orientation": "image",
             "video_url": f"{{sandbox.url}}/media/sample/clip-6s.mp4", "mode": "std"}}
    answer = httpx.post(f"{{sandbox.url}}/v1/videos/generations", json=body, timeout=60,
                        headers={{"Authorization": f"Bearer {{sandbox.token}}"}})
    told.append([answer.status_code, "leads to a private network" in answer.text])
""",
        host,
    )
    assert inside.asked == []
    assert told == [[400, True], [400, True], [200, False]]


def test_the_own_sandboxs_links_are_asked(host: Path) -> None:
    told = visit(
        OPEN
        + REQUEST
        + """
link = ws.publish(samples.image).url
told = [mw.measure_image(link).width, ws.submit(req.replace(image_url=link)).wait(60).state]
ws.close()
from motion_widgets.core.visitor import must_be_public
told.append(must_be_public(link))  # another visitor's sandbox may have the port by now
""",
        host,
    )
    assert told == [720, "collected", True]


def test_a_visitor_begins_with_a_copy_of_the_example(host: Path) -> None:
    with mw.Workspace(host / "made", endpoint="sandbox", speed=300) as ws:
        samples = sample_media(host / "drawn")
        req = mw.MotionRequest(
            model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s,
            character_orientation="image", mode="std",
        )  # fmt: skip
        mw.Sweep(req, mode=["std"]).plan(ws).run().wait(60)
        from motion_widgets.workspace.bundle import pack

        pack(ws.folder, ws.log_store, host / "example.zip")
    told = visit(
        """
ws = mw.Workspace("workspace")
studio = mw.Studio(ws)
cells = studio.compare.wall.cells
told = [len(ws.log), studio.tabs.selected_index, [one["path"].startswith("/") for one in cells]]
""",
        host,
        MOTION_WIDGETS_EXAMPLE=str(host / "example.zip"),
    )
    assert told == [1, 2, [True, True]]  # no address of a server: the page asks the kernel for the bytes


def test_the_notebook_may_say_that_nobody_else_opens_the_page(host: Path) -> None:
    told = visit(
        """
for name in ("MOTION_WIDGETS_LOG", "MOTION_WIDGETS_SHARED"):
    del os.environ[name]
ws = mw.Workspace("workspace", visitor=False)
width = mw.measure_image("private.png").width
told = [str(ws.folder), ws.budget() is not None, os.environ["APIMART_API_KEY"], width]
mw.Workspace("workspace")  # a widget without a workspace, say: from here on it is a visitor's, for good
told += [mw.Workspace("workspace", visitor=False).budget(), refused(lambda: mw.measure_image("private.png"))]
""",
        host,
    )
    assert told == [str(host / "workspace"), True, SECRETS["APIMART_API_KEY"], 720, None, "visitor_file"]


def test_visitors_can_be_received_without_voila(host: Path) -> None:
    told = visit(
        """
ws = mw.Workspace("workspace", visitor=True)
told = [str(ws.folder).startswith(str(Path.cwd())), "APIMART_API_KEY" in os.environ]
""",
        host,
        SERVER_SOFTWARE="",
        VOILA_REQUEST_URL="",
    )
    assert told == [False, False]


LINKS = (
    "results", "inputs", "mended", "library", "samples", "sandbox", "log.sqlite", "log.sqlite-wal",
    "workspace.json", "published.json", "prices.toml", "results/job.mp4", "inputs/deep/er", "library/.cache",
    "library/mine.mp4", "sandbox/sandbox.sqlite3", "sandbox/files",
)  # fmt: skip


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(one): one.read_bytes() if one.is_file() else None for one in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("target", ["there", "not there yet"])
def test_a_link_that_leads_out_of_a_received_folder_is_refused(
    tmp_path: Path, name: str, target: str
) -> None:
    away, link = tmp_path / "away", tmp_path / "received" / name
    (away / "there").mkdir(parents=True)
    (away / "there" / "mine").write_bytes(b"mine")
    link.parent.mkdir(parents=True)
    link.symlink_to(away / target)
    before = tree(tmp_path)
    with pytest.raises(LogError, match="leads out of the folder") as refused:
        Workspace(tmp_path / "received", endpoint="sandbox")
    assert str(link) in str(refused.value)
    assert tree(tmp_path) == before


def test_links_of_ones_own_are_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "real").mkdir()
    (tmp_path / "mine").symlink_to("real")  # the folder itself
    (tmp_path / "real" / "notes").symlink_to(tmp_path / "disk")  # none of ours
    (tmp_path / "real" / "results").symlink_to("clips")  # stays inside
    (tmp_path / "real" / "clips").mkdir()
    with Workspace(tmp_path / "mine", endpoint="sandbox") as ws:
        ws.switch("sandbox")
    (tmp_path / "real" / "results").unlink()
    (tmp_path / "real" / "results").symlink_to(tmp_path / "disk")
    with Workspace(tmp_path / "mine", endpoint="sandbox") as ws:
        assert (ws.folder / "results").resolve() == tmp_path / "disk"
