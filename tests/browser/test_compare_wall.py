"""The player wall in a real Lab and a real Voilà, with real clips."""

from __future__ import annotations

import json
import re
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser._lab import axe, narrow, shot, wide

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.browser._lab import Lab, Voila

FPS = 24
FRAME = 1 / FPS
HOSTILE = '<img src=x onerror="window.hacked = 1">'
ROWS, COLUMNS = ["image", "video"], ["reference", "std", "pro"]

# Resolves when the clips were within `most` seconds of each other `wanted` frames in a row, while the
# wall plays; otherwise, after 500 frames of playing or 3,000 in all, with the distances seen.
IN_STEP = """([wanted, most]) => new Promise(resolve => {
    const wall = [...document.querySelectorAll('.mw-wall')].find(one => one.checkVisibility());
    const seen = [];
    let row = 0, frames = 0;
    const sample = () => {
        const videos = [...wall.querySelectorAll('video')].filter(v => v.duration > 2.5);
        if (wall.dataset.state === 'playing' && videos.every(v => !v.seeking && !v.ended)) {
            const times = videos.map(v => v.currentTime);
            const spread = Math.max(...times) - Math.min(...times);
            row = spread < most ? row + 1 : 0;
            seen.push(Math.round(spread * 1000));
        }
        if (row >= wanted) resolve({ videos: videos.length, apart: [] });
        else if (seen.length > 500 || (frames += 1) > 3000)
            resolve({ videos: videos.length, state: wall.dataset.state, apart: seen });
        else requestAnimationFrame(sample);
    };
    sample();
})"""
TIMES = "() => [...document.querySelectorAll('.mw-wall video')].map(v => v.currentTime)"
# All loaded, none being sought, each within a third of a frame of `at`, or at its own end before it.
ALL_AT = """([at, frame]) => [...document.querySelectorAll('.mw-wall video')].every(v => v.readyState >= 2
    && !v.seeking && Math.abs(v.currentTime - Math.min(at, v.duration)) < frame / 3)"""


def make_clip(path: Path, *, seconds: float = 3.0, hue: int = 0, sound: bool = False) -> None:
    """Draw a small H.264 clip with a frame counter, and a tone where it has sound."""
    import imageio_ffmpeg

    picture = f"testsrc=size=320x200:rate={FPS}:duration={seconds},hue=h={hue}:s=0.6"
    tone = ["-f", "lavfi", "-i", f"sine=frequency=220:duration={seconds}"] if sound else []
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "lavfi", "-i", picture, *tone]
    encode = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast", "-movflags", "+faststart"]
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([*command, *encode, str(path)], check=True)


@pytest.fixture(scope="package")
def clips(site: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Clips under the servers' root, one in a hidden folder there, and one outside it."""
    make_clip(site / "results" / "dance.mp4", sound=True)
    for i, name in enumerate(["a b#1.mp4", "b.mp4", "c.mp4"]):
        make_clip(site / "results" / name, hue=70 * (i + 1))
    make_clip(site / "results" / "long.mp4", seconds=12)
    make_clip(site / "results" / "short.mp4", seconds=1.5, hue=300)
    make_clip(site / ".hidden" / "h.mp4", hue=140)
    outside = tmp_path_factory.mktemp("elsewhere") / "o.mp4"
    make_clip(outside, hue=200)
    (site / "results" / "broken.mp4").write_bytes(b"not a clip")
    return {"hidden": ".hidden/h.mp4", "outside": outside.as_posix()}


def cell(row: str, column: str, path: str = "", **more: Any) -> dict[str, Any]:
    return {"row": row, "column": column, "path": path, **more}


def four() -> list[dict[str, Any]]:
    """Four results of 3 s in two rows."""
    return [
        cell("image", "reference", "results/dance.mp4", caption="dance.mp4, 3.00 s"),
        cell("image", "std", "results/a b#1.mp4", caption="$0.34 · 4 min"),
        cell("image", "pro", "results/b.mp4", caption="$0.55 · 7 min"),
        cell("video", "std", "results/c.mp4", caption="$0.34 · 4 min"),
    ]


def source(cells: list[dict[str, Any]], read: str = "None", **traits: Any) -> list[str]:
    """Return the cells of a notebook that shows a wall."""
    traits = {"rows": ROWS, "columns": COLUMNS, "fps": FPS, **traits}
    lines = [
        "import json",
        "import motion_widgets as mw",
        "from motion_widgets.widgets.base import Panel",
        "from motion_widgets.widgets.player_wall import PlayerWall",
        f"traits = json.loads({json.dumps(json.dumps(traits))})",
        f"cells = json.loads({json.dumps(json.dumps(cells))})",
        f"wall = PlayerWall(cells, read={read}, **traits)",
        "panel = Panel(mw.Workspace('workspace', endpoint='sandbox'), watch=False)",
        "panel.fill(wall)",
        "panel",
    ]
    return ["\n".join(lines)]


def show(page: Page, lab: Lab, name: str, cells: list[dict[str, Any]], **more: Any) -> Locator:
    lab.open(page, lab.write_notebook(name, source(cells, **more)))
    lab.run_all(page)
    return loaded(page)


def loaded(page: Page) -> Locator:
    """Wait until every clip of the wall has its first frame."""
    wall = page.locator(".mw-wall")
    wall.wait_for()
    page.wait_for_function(
        "() => { const all = [...document.querySelectorAll('.mw-wall video')];"
        " return all.every(v => v.readyState >= 2 && v.dataset.source); }"
    )
    return wall


def assert_in_step(page: Page, videos: int) -> None:
    """The clips agree within one frame, for 40 pictures on end, while they play."""
    result = page.evaluate(IN_STEP, [40, FRAME])
    assert result == {"videos": videos, "apart": []}, "ms apart, picture by picture"


def all_at(page: Page, at: float) -> None:
    page.wait_for_function(ALL_AT, arg=[at, FRAME])


def at_of(wall: Locator) -> float:
    return float(wall.get_attribute("data-at") or "nan")


def change(page: Page, lab: Lab, cells: list[dict[str, Any]]) -> None:
    """Put other cells on the wall that is open."""
    lab.execute(page, f"import json; wall.cells = json.loads({json.dumps(json.dumps(cells))})")


def test_lab_plays_in_step_and_is_driven_by_mouse_and_keyboard(
    page: Page, lab: Lab, clips: dict[str, str]
) -> None:
    wall = show(page, lab, "wall-plays", four())
    plays_four_results_in_step(page, wall)
    keyboard_alone_is_enough(page, wall)
    change(page, lab, [*four(), cell("video", "pro", "results/short.mp4", caption="1.50 s")])
    expect(page.locator(".mw-wall video")).to_have_count(5)
    loaded(page)
    steps_scrubs_and_holds_the_last_frame(page, wall)


def plays_four_results_in_step(page: Page, wall: Locator) -> None:
    sources = page.locator(".mw-wall video").evaluate_all("all => all.map(v => v.dataset.source)")
    assert sources == ["files"] * 4
    wall.get_by_role("button", name="Play").click()
    assert_in_step(page, 4)
    wall.get_by_role("button", name="0.5×").click()
    assert_in_step(page, 4)
    wall.get_by_role("button", name="1×", exact=True).click()
    # Only one clip is heard, the one that has sound.
    muted = page.locator(".mw-wall video").evaluate_all("all => all.map(v => v.muted)")
    assert muted == [False, True, True, True]
    wall.get_by_role("button", name="Sound: on").click()
    assert page.locator(".mw-wall video").evaluate_all("all => all.every(v => v.muted)")
    # Over the end: it starts again, still in step.
    page.wait_for_function(
        "() => [...document.querySelectorAll('.mw-wall video')].every(v => v.currentTime > 2)"
    )
    page.wait_for_function(
        "() => [...document.querySelectorAll('.mw-wall video')].every(v => v.currentTime < 1)"
    )
    assert_in_step(page, 4)
    wall.get_by_role("button", name="Pause").click()
    expect(wall).to_have_attribute("data-state", "paused")
    all_at(page, at_of(wall))


def steps_scrubs_and_holds_the_last_frame(page: Page, wall: Locator) -> None:
    wall.get_by_role("slider").focus()
    page.keyboard.press("Home")
    all_at(page, 0)
    for _ in range(3):
        wall.get_by_role("button", name="Forward one frame").click()
    all_at(page, 3 * FRAME)
    wall.get_by_role("button", name="Back one frame").click()
    all_at(page, 2 * FRAME)
    scrub = wall.get_by_role("slider", name="Position")
    scrub.fill("2.5")
    all_at(page, 2.5)
    assert scrub.get_attribute("aria-valuetext") == "2.50 of 3.00 s"
    expect(wall.get_by_test_id("wall-time")).to_have_text("2.50 / 3.00 s")
    # The short one ended a second ago and shows its last frame; at the end all stop, for no loop is wanted.
    expect(wall.get_by_role("button", name="Loop: off")).to_be_visible()
    wall.get_by_role("button", name="Play").click()
    expect(wall.get_by_test_id("wall-time")).to_have_text("3.00 / 3.00 s")
    expect(wall).to_have_attribute("data-state", "paused")
    assert page.evaluate(TIMES)[4] == pytest.approx(1.5, abs=FRAME)
    # Again from the start, by the same button; in a loop, since 40 pictures may take longer than the clips.
    wall.get_by_role("button", name="Loop: off").click()
    wall.get_by_role("button", name="Play").click()
    assert_in_step(page, 4)


def keyboard_alone_is_enough(page: Page, wall: Locator) -> None:
    wall.focus()
    page.keyboard.press("Space")
    expect(wall).to_have_attribute("data-state", "playing")
    page.keyboard.press("Space")
    expect(wall).to_have_attribute("data-state", "paused")
    before = round(at_of(wall) * FPS)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    all_at(page, (before + 1) * FRAME)
    # By Tab through every control, in the order in which they stand, each with a ring that can be seen.
    names = []
    for _ in range(9):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        names.append(focused.get_attribute("data-testid"))
        assert focused.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    speeds = [f"wall-speed-{speed}" for speed in ("0.25", "0.5", "1")]
    assert names == [f"wall-{n}" for n in ("play", "back", "forward", "scrub")] + speeds + [
        "wall-sound",
        "wall-loop",
    ]
    page.keyboard.press("Enter")
    expect(wall.get_by_role("button", name="Loop: off")).to_be_focused()
    wall.get_by_role("slider").focus()
    page.keyboard.press("Home")
    all_at(page, 0)
    page.keyboard.press("ArrowUp")
    all_at(page, FRAME)
    page.keyboard.press("Space")
    expect(wall).to_have_attribute("data-state", "playing")
    # A click leaves the keyboard with the wall, not with the notebook's cells.
    wall.get_by_role("button", name="Pause").click()
    before = round(at_of(wall) * FPS)
    page.keyboard.press("ArrowRight")
    all_at(page, (before + 1) * FRAME)


def test_lab_says_what_is_missing_takes_new_cells_and_looks_right(
    page: Page, lab: Lab, clips: dict[str, str]
) -> None:
    wall = words_and_bytes_where_there_is_no_link(page, lab, clips)
    looks_right_in_both_themes_and_narrow(page, lab, wall)
    a_new_list_of_cells_leaves_playing_clips_alone(page, lab, wall)


def words_and_bytes_where_there_is_no_link(page: Page, lab: Lab, clips: dict[str, str]) -> Locator:
    cells = [
        cell("image", "reference", clips["outside"], caption="from outside the root"),
        cell("image", "std", clips["hidden"], caption="from a hidden folder"),
        cell("image", "pro", "results/b.mp4", label=HOSTILE, caption=HOSTILE),
        cell("video", "std", state="running", message="64 %, about 1:30 left"),
        cell("video", "pro", state="failed", message=f"content policy {HOSTILE}. Refunded."),
        cell(HOSTILE, HOSTILE, "results/broken.mp4", caption="garbage"),
        cell(HOSTILE, "pro", "/etc/passwd/../nothing.mp4", caption="nobody has it"),
    ]
    read = "lambda path: open(path, 'rb').read()"
    lab.open(page, lab.write_notebook("wall-words", source(cells, read=read)))
    lab.run_all(page)
    wall = page.locator(".mw-wall")
    expect(wall.get_by_test_id("wall-card")).to_have_count(4)
    loaded(page)
    videos = page.locator(".mw-wall video")
    assert videos.evaluate_all("all => all.map(v => v.dataset.source)") == ["bytes", "bytes", "files"]
    assert videos.first.evaluate("v => v.src").startswith("blob:")
    failed = wall.locator(".mw-wall-bad")
    expect(failed).to_contain_text(f"content policy {HOSTILE}")
    expect(failed.locator("strong")).to_have_text("failed")
    expect(wall.get_by_text("could not be loaded")).to_have_text(
        [re.compile(r"its format: nothing\.mp4$"), re.compile(r"its format: broken\.mp4$")]
    )
    expect(wall.get_by_role("columnheader", name=HOSTILE)).to_be_visible()
    expect(wall.get_by_role("rowheader", name=HOSTILE)).to_be_visible()
    assert wall.locator("img").count() == 0
    assert page.evaluate("() => window.hacked") is None
    wall.get_by_role("button", name="Play").click()
    assert_in_step(page, 3)
    axe(page, ".mw-wall")
    wall.get_by_role("button", name="Pause").click()
    return wall


def a_new_list_of_cells_leaves_playing_clips_alone(page: Page, lab: Lab, wall: Locator) -> None:
    cells = [{**c, "path": "results/long.mp4"} for c in four()]
    cells.append(cell("video", "pro", state="running", message="64 %"))
    change(page, lab, cells)
    expect(page.locator(".mw-wall video")).to_have_count(4)
    loaded(page)
    wall.get_by_role("button", name="Play").click()
    assert_in_step(page, 4)
    page.evaluate(
        """() => {
            window.broken = [];
            document.querySelectorAll('.mw-wall video').forEach(v => {
                v.marked = true;
                v.addEventListener('emptied', () => window.broken.push('loaded anew'));
            });
            // A single clip may wait a moment for the others at any time; the wall as a whole goes on.
            const wall = document.querySelector('.mw-wall');
            const look = () => wall.dataset.state === 'playing' || window.broken.push(wall.dataset.state);
            new MutationObserver(look).observe(wall, { attributeFilter: ['data-state'] });
        }"""
    )
    changed = [dict(c) for c in cells]
    changed[1]["caption"] = "kept ★★★"
    changed[4] = cell("video", "pro", "results/long.mp4", caption="$0.91")
    changed.append(cell("third row", "std", state="planned"))
    change(page, lab, changed)
    expect(wall.get_by_text("kept ★★★")).to_be_visible()
    expect(wall.get_by_role("rowheader", name="third row")).to_be_visible()
    page.wait_for_function("() => document.querySelectorAll('.mw-wall video').length === 5")
    marked = page.locator(".mw-wall video").evaluate_all("all => all.map(v => v.marked === true)")
    assert marked == [True, True, True, True, False]
    page.wait_for_function("() => [...document.querySelectorAll('.mw-wall video')].every(v => !v.paused)")
    assert page.evaluate("() => window.broken") == []
    expect(wall).to_have_attribute("data-state", "playing")
    lab.execute(page, "wall.cells = []")
    expect(wall.get_by_text("No clips to compare yet.")).to_be_visible()
    expect(wall.get_by_role("button", name="Pause")).to_be_hidden()
    lab.execute(page, "wall.close()")
    expect(wall).to_have_count(0)


def gallery() -> list[dict[str, Any]]:
    """Return what the sketch of the Compare tab shows."""
    return [
        *four(),
        cell("video", "reference", "results/dance.mp4", caption="dance.mp4, 3.00 s"),
        cell(
            "video",
            "pro",
            state="failed",
            message="content policy. Refunded. Next: another picture, then Retry.",
        ),
        cell("both", "reference", "results/dance.mp4", caption="dance.mp4, 3.00 s"),
        cell("both", "std", state="running", message="64 %, about 1:30 left"),
    ]


def looks_right_in_both_themes_and_narrow(page: Page, lab: Lab, wall: Locator) -> None:
    change(page, lab, gallery())
    expect(page.locator(".mw-wall video")).to_have_count(6)
    loaded(page)
    wall.get_by_role("slider").fill("1.25")
    all_at(page, 1.25)
    axe(page, ".mw-wall")
    shot(page, "wall-lab-light", ".mw-wall")
    lab.theme(page, "JupyterLab Dark")
    axe(page, ".mw-wall")
    shot(page, "wall-lab-dark", ".mw-wall")
    narrow(page)
    expect(wall.get_by_role("columnheader", name="std")).to_be_hidden()
    assert wall.evaluate("node => node.scrollWidth <= node.clientWidth")
    shot(page, "wall-lab-420", ".mw-wall")
    axe(page, ".mw-wall")
    wide(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_voila_plays_in_step_and_looks_right(
    page: Page, voila: Voila, clips: dict[str, str], theme: Any
) -> None:
    book = voila.write_notebook("wall-voila", source(gallery()))
    began = time.monotonic()
    voila.open(page, book, theme=theme)
    wall = loaded(page)
    sources = page.locator(".mw-wall video").evaluate_all("all => all.map(v => v.dataset.source)")
    assert sources == ["voila"] * 6
    wall.get_by_role("button", name="Play").click()
    expect(wall).to_have_attribute("data-state", "playing")
    print(f"\nVoil\u00e0's page to a playing wall of six: {time.monotonic() - began:.1f} s")
    assert_in_step(page, 6)
    wall.focus()
    page.keyboard.press("Space")
    expect(wall).to_have_attribute("data-state", "paused")
    axe(page, ".mw-wall")
    shot(page, f"wall-voila-{theme}")
    narrow(page)
    page.wait_for_function(  # two beside each other
        "() => { const all = [...document.querySelectorAll('.mw-wall-cell')]"
        ".map(c => c.getBoundingClientRect().width);"
        " return Math.min(...all) > 150 && Math.min(...all) < 210; }"
    )
    shot(page, f"wall-voila-{theme}-420", ".mw-wall")
    wide(page)
    expect(wall.get_by_role("columnheader", name="std")).to_be_visible()


def test_the_kernel_reads_only_what_is_on_the_wall() -> None:
    from motion_widgets.widgets.player_wall import PlayerWall

    asked: list[str] = []

    def read(path: str) -> bytes | None:
        asked.append(path)
        if path == "raises.mp4":
            raise OSError("disk gone")
        return b"clip"

    wall = PlayerWall([cell("a", "b", "clip.mp4"), cell("a", "c", "raises.mp4"), cell("a", "d")], read=read)
    answers: list[tuple[dict[str, Any], list[bytes]]] = []
    wall.send = lambda content, buffers: answers.append((content, buffers))  # type: ignore[method-assign]
    for path in ("clip.mp4", "raises.mp4", "/etc/passwd", "../clip.mp4", ""):
        wall._on_message(wall, {"type": "bytes", "path": path, "id": path}, [])
    for odd in (
        None,
        {"type": "other"},
        {"type": "bytes", "path": 3, "id": "x"},
        {"type": "bytes", "path": "p"},
    ):
        wall._on_message(wall, odd, [])
    reader = wall._thread
    assert reader is not None
    reader.shutdown(wait=True)
    assert asked == ["clip.mp4", "raises.mp4"]
    assert [(content["ok"], buffers) for content, buffers in answers] == [
        (True, [b"clip"]),
        *[(False, [])] * 4,
    ]
    wall.close()
    wall._on_message(wall, {"type": "bytes", "path": "clip.mp4", "id": "late"}, [])
    assert len(answers) == 5


@pytest.mark.parametrize("fps", [0.0, -1.0, float("inf"), float("nan")])
def test_an_unknown_frame_rate_still_steps(fps: float) -> None:
    from motion_widgets.widgets.player_wall import PlayerWall

    assert PlayerWall(fps=fps).fps == 24.0


def test_text_from_outside_becomes_harmless_html() -> None:
    from motion_widgets.core.html import escape, isolate

    assert escape(HOSTILE) == "&lt;img src=x onerror=&quot;window.hacked = 1&quot;&gt;"
    assert escape("a\x00b\x1b[31m\tc\nd\x85\ud800'") == "ab[31m\tc\nd&#x27;"
    assert isolate("\u202eשלום") == "<bdi>\u202eשלום</bdi>"
    assert escape(None) == "None"
