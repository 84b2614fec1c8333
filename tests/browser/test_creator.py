"""A creator's way in a real browser: a photo and a 14 s clip from the disk, trimmed, published, submitted."""

from __future__ import annotations

import functools
import http.server
import re
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser._lab import Lab, axe, narrow, shot, wide
from tests.browser.test_studio import LONG, STUDIO, assert_fits, studio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BIG = 72_000_000
"""Bytes of a clip that would end a kernel's connection in one message."""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a creator has, in a folder that no server serves.

    A selfie that lies on its side and says where it was taken, and a 14 s phone clip of two shots.
    """
    from imageio_ffmpeg import get_ffmpeg_exe
    from PIL import Image, ImageDraw

    folder = tmp_path_factory.mktemp("phone")
    photo = Image.new("RGB", (720, 1280), "#7aa2c8")
    ImageDraw.Draw(photo).ellipse((210, 200, 510, 560), fill="#f0c9a4")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    photo.transpose(Image.Transpose.ROTATE_90).save(folder / "selfie.jpg", exif=exif)
    first, second = "testsrc2=d=10.5:s=360x640:r=24", "mandelbrot=s=360x640:r=24:end_scale=3"
    subprocess.run(
        [get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", first, "-f", "lavfi", "-t", "3.5", "-i",
         second, "-filter_complex", "[0:v]setsar=1[a];[1:v]setsar=1[b];[a][b]concat[v]", "-map", "[v]",
         "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(folder / "dance.mp4")],
        check=True,
    )  # fmt: skip
    return folder


@pytest.fixture
def public(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that is served under an address, as a creator's own web space."""
    folder = tmp_path / "public"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def pick(root: Locator, label: str, *files: Path) -> None:
    root.locator(f"input[type=file][aria-label='{label}']").set_input_files([str(one) for one in files])


def both(root: Locator, disk: Path) -> None:
    pick(root, "Choose a picture…", disk / "selfie.jpg")
    pick(root, "Choose a clip…", disk / "dance.mp4")
    expect(root.get_by_alt_text("Image selfie.jpg")).to_be_visible(timeout=LONG)
    expect(root.get_by_alt_text("Clip dance.mp4")).to_be_visible(timeout=LONG)


def press(page: Page, root: Locator, name: str) -> None:
    """Press a button by keyboard."""
    one = root.get_by_role("button", name=name, exact=True)
    expect(one).to_be_enabled(timeout=LONG)
    one.focus()
    page.keyboard.press("Enter")


def looks(page: Page, lab: Lab, name: str) -> None:
    """Take pictures in light, dark and narrow, and let axe look at each theme."""
    lights(page, name)
    lab.theme(page, "JupyterLab Dark")
    shot(page, f"creator-{name}-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
    narrow(page)
    shot(page, f"creator-{name}-420", ".motion-widgets")
    assert_fits(page)
    wide(page)
    lab.theme(page, "JupyterLab Light")


def lights(page: Page, name: str) -> None:
    """Take a picture in the light theme, and let axe look at it."""
    shot(page, f"creator-{name}-light", ".motion-widgets")
    axe(page, ".motion-widgets")


def test_own_files_are_valid_in_four_clicks_and_trimmed_and_sent_in_one_more(
    page: Page, lab: Lab, disk: Path
) -> None:
    lab.open(page, lab.write_notebook("clicks/studio", [STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    root = studio(page)
    page.evaluate("clicks = 0; document.addEventListener('click', e => { clicks += e.isTrusted; }, true)")
    submit, cards = root.locator(".mw-submit"), root.locator(".mw-media")
    expect(submit).to_have_text("Generate · free")
    expect(submit).to_be_in_viewport(ratio=1)  # the bar stays in sight
    assert root.locator(".mw-finding:visible, .mw-error:visible, [aria-invalid]").count() == 0, (
        "nothing is wrong yet"
    )
    looks(page, lab, "empty")
    for card, name in ((0, "selfie.jpg"), (1, "dance.mp4")):
        with page.expect_file_chooser() as chooser:
            cards.nth(card).get_by_text("Choose…").click()
        chooser.value.set_files(disk / name)
        expect(cards.nth(card)).to_contain_text(name, timeout=LONG)
    expect(submit).to_have_text("Trim and generate · free", timeout=LONG)
    looks(page, lab, "too-long")
    box = root.locator(".mw-field-video_url [aria-describedby]").first
    said = page.locator(f"#{box.get_attribute('aria-describedby').split()[0]}")
    expect(said).to_contain_text("The clip is 14.00 s, 4.00 s too long")
    root.get_by_role("button", name="Trim to 9.9 s").click()
    expect(submit).to_have_text("Generate · free", timeout=LONG)
    expect(submit).to_be_enabled()
    assert page.evaluate("clicks") <= 4, "own photo and 14 s clip to valid"
    print(f"own photo and 14 s clip to valid: {page.evaluate('clicks')} clicks")
    lights(page, "valid")

    # The clip plays where it lies, silently.
    cards.nth(1).get_by_role("button", name=re.compile("^Play dance")).click()
    page.wait_for_function("() => document.querySelector('.mw-media video')?.currentTime > 0.1")
    video = cards.nth(1).locator("video")
    assert video.evaluate("v => [v.muted, v.dataset.source]") == [True, "files"]

    # Back to the long clip: one click trims, judges and submits at the price that it named.
    root.get_by_role("button", name="Undo", exact=True).click()
    expect(submit).to_have_text("Trim and generate · free", timeout=LONG)
    submit.click()
    expect(root.get_by_role("button", name="Make another · free")).to_be_visible(timeout=LONG)
    lab.until(page, "len(ws.jobs()) == 1 and ws.jobs()[0].row.clip_name == 'dance (0.0\u20139.9 s).mp4'")


def test_a_path_that_is_typed_replaces_the_one_in_the_box(page: Page, lab: Lab, disk: Path) -> None:
    lab.open(page, lab.write_notebook("typed/studio", [STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    root = studio(page)
    card, box = root.locator(".mw-media").first, root.get_by_label("Path or link of the picture", exact=True)
    card.get_by_role("button", name="link", exact=True).click()
    expect(box).to_be_focused()
    page.keyboard.insert_text(str(disk / "selfie.jpg"))
    page.keyboard.press("Enter")
    expect(card).to_contain_text("selfie.jpg", timeout=LONG)
    card.get_by_label("Character: another one…").click()
    card.get_by_text("Link or path…").click()
    expect(box).to_be_focused()
    page.keyboard.insert_text("/elsewhere/other.jpg")
    expect(box).to_have_value("/elsewhere/other.jpg")


def test_from_two_files_to_a_result_with_a_trimmed_and_published_clip_by_keys(
    page: Page, lab: Lab, disk: Path, public: tuple[Path, str]
) -> None:
    lab.open(page, lab.write_notebook("creator/studio", [STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    root = studio(page)
    both(root, disk)
    expect(root.get_by_text(re.compile("The clip is 14.00 s, 4.00 s too long"))).to_be_visible()
    press(page, root, "Remove location and camera data")
    expect(root.get_by_text(re.compile("records where it was taken"))).to_be_hidden(timeout=LONG)
    expect(root.get_by_role("slider", name="End")).to_have_attribute("aria-valuetext", "9.9 seconds")
    press(page, root, "Trim to 9.9 s")
    expect(root.get_by_alt_text(re.compile(r"^After: dance \(0\.0"))).to_be_visible(timeout=LONG)
    expect(root.locator(".mw-submit")).to_be_enabled(timeout=LONG)
    lights(page, "trimmed")

    # Publishing, by a command of one's own: the place, the consent, the link and how long it lives.
    folder, address = public
    press(page, root, "Publishing")
    expect(root.get_by_text(re.compile("The sandbox needs no publishing"))).to_be_visible()
    root.get_by_label("Method").select_option("a command of yours")
    place = root.get_by_label("Command that publishes a clip")
    place.fill(f"cp {{path}} {folder}/{{name}} && echo {address}/{{name}}")
    place.press("Enter")
    press(page, root, "Use this place")
    expect(root.get_by_text(re.compile("would become public at your command cp"))).to_be_visible()
    assert not list(folder.iterdir()), "nothing is published before somebody agreed"
    press(page, root, "I agree that it becomes public there")
    press(page, root, "Publish the clip now")
    expect(root.get_by_text(re.compile("Its link has no stated expiry"))).to_be_visible(timeout=LONG)
    assert len(list(folder.iterdir())) == 1
    press(page, root, "Use its link in the request")
    submit = root.locator(".mw-submit")
    expect(submit).to_be_enabled(timeout=LONG)
    lab.until(page, f"studio.form.request.video_url.startswith({address!r})")
    expect(submit).to_be_enabled(timeout=LONG)
    lights(page, "published")
    submit.focus()
    page.keyboard.press("Enter")
    expect(root.get_by_role("button", name="Make another · free")).to_be_visible(timeout=LONG)
    lab.execute(page, "assert ws.jobs()[0].wait(60).state == 'collected'")


def test_a_part_is_chosen_by_keys_and_undone_in_every_light(page: Page, lab: Lab, disk: Path) -> None:
    lab.open(page, lab.write_notebook("trim/studio", [STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    root = studio(page)
    both(root, disk)
    expect(root.get_by_text(re.compile(r"2 shots \(cut near 10.\d s\)"))).to_be_visible(timeout=LONG)
    start, end = root.get_by_role("slider", name="Start"), root.get_by_role("slider", name="End")
    expect(end).to_have_attribute("aria-valuetext", "9.9 seconds")
    start.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(start).to_have_attribute("aria-valuetext", "1.1 seconds")
    page.keyboard.press("Tab")
    expect(end).to_be_focused()
    page.keyboard.press("End")
    expect(end).to_have_attribute("aria-valuetext", "14.0 seconds")
    expect(root.get_by_text("1.1–14.0 s: must last 3 to 9.9 s")).to_be_visible()
    expect(root.get_by_role("button", name="Trim to 9.9 s", exact=True)).to_be_disabled()
    expect(root.locator(".mw-submit")).to_be_disabled()
    press(page, root, "Publishing")
    looks(page, lab, "trim")
    press(page, root, "First part")
    expect(root.get_by_text("0.0–9.9 s", exact=True)).to_be_visible()
    press(page, root, "Trim to 9.9 s")
    expect(root.get_by_alt_text(re.compile("^After: dance"))).to_be_visible(timeout=LONG)
    expect(root.get_by_alt_text(re.compile("^Before: dance"))).to_be_visible()

    # Undo brings the clip back under its own name; the same trim again is there at once.
    root.get_by_role("button", name=re.compile("^Undo")).click()
    expect(root.get_by_text(re.compile("4.00 s too long"))).to_be_visible(timeout=LONG)
    press(page, root, "Trim to 9.9 s")
    expect(root.locator(".mw-submit")).to_have_text("Generate · free", timeout=LONG)
    place = root.get_by_label("Command that publishes a clip")
    root.get_by_label("Method").select_option("a command of yours")
    place.fill("cp {path} /nowhere/{name} && echo https://files.example/{name}")
    place.press("Enter")
    press(page, root, "Use this place")
    expect(root.get_by_text(re.compile("would become public at your command cp"))).to_be_visible()
    looks(page, lab, "consent")


def test_a_large_clip_arrives_in_pieces_while_the_kernel_goes_on(
    page: Page, lab: Lab, disk: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.mp4"
    content = (disk / "dance.mp4").read_bytes()
    padding = BIG - len(content)
    large.write_bytes(content + padding.to_bytes(4, "big") + b"free" + bytes(padding - 8))
    lab.open(page, lab.write_notebook("large/studio", [STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    root = studio(page)
    pick(root, "Choose a clip…", large)
    bar = root.get_by_role("progressbar", name="large.mp4")
    expect(bar).to_be_visible()
    lab.execute(page, "assert 1 + 1 == 2")  # answered in between
    expect(root.get_by_text("large.mp4 is here (72.0 MB).")).to_be_visible(timeout=LONG)
    expect(root.get_by_alt_text("Clip large.mp4")).to_be_visible(timeout=LONG)
    lab.execute(page, "from pathlib import Path")
    lab.until(page, f"Path(studio.form.request.video_url).stat().st_size == {BIG}")
    # Cancelled, nothing stays.
    pick(root, "Choose a clip…", large)
    root.get_by_role("button", name="Cancel").click()
    expect(root.get_by_text("Cancelled; nothing was kept.")).to_be_visible()
    lab.until(page, "not list(ws.folder.glob('inputs/pick-*.part'))")


def test_a_wrong_file_is_said_and_a_results_json_brings_its_request_back(
    page: Page, lab: Lab, disk: Path
) -> None:
    lab.open(page, lab.write_notebook("back/studio", [STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    root = studio(page)
    pick(root, "Choose a clip…", disk / "selfie.jpg")
    expect(root.get_by_text("selfie.jpg looks like JPEG, not a clip; nothing was kept.")).to_be_visible()
    axe(page, ".motion-widgets")
    lab.execute(
        page,
        "s = ws.samples()\njob = ws.submit(mw.MotionRequest(model='kling-v2-6-motion-control', "
        "image_url=str(s.image), video_url=str(s.clip_6s), character_orientation='video', mode='pro', "
        "prompt='waves twice')).wait(60)",
    )
    results = lab.site / "back" / "workspace" / "results"
    lab.until(page, "list((ws.folder / 'results').rglob('*.json'))")  # it is written after "collected"
    side = next(results.rglob("*.json"))
    pick(root, "Choose a clip…", side.with_suffix(".mp4"), side)
    expect(root.get_by_label("Prompt, optional")).to_have_value("waves twice")
    expect(root.get_by_text(re.compile("so its request was loaded into the form"))).to_be_visible()
