"""The report: whole in one file, nothing fetched, nothing from outside is markup. And the plots in it."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image

import motion_widgets as mw
from motion_widgets.media.ffmpeg import run
from motion_widgets.study import Study, plots
from motion_widgets.study.drawing import Drawing, _font, _font_files, _has
from motion_widgets.study.report import _clip, _table
from tests.study.conftest import rate_all

NASTY = "<script>alert('x')</script><img src=x onerror=y>"
JAPANESE = "\u97f3\u697d\u306b\u5408\u308f\u305b\u3066\u8e0a\u308b"


class Page(HTMLParser):
    """Tags, addresses and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.handlers, self.texts = set(), [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def hostile(host, put):
    """A rated study whose names, prompts, errors and raters are markup."""
    more = {"clip_name": NASTY, "image_name": NASTY}
    prompts = (NASTY, JAPANESE)
    ids = put(
        *[(mode, clip, {**more, "prompt": prompts[clip % 2]})
          for clip in range(4) for mode in ("std", "pro")],
        ("pro", 5, {"state": "failed", "error_message": NASTY}),
    )  # fmt: skip
    study = Study(host, ids, name=NASTY)
    study.ask("mode", "pro", "std", planned=8, criterion=NASTY[:40])
    rate_all(study, lambda pro: pro, raters=(NASTY, "bo"))
    return study


def test_a_failure_is_listed_with_its_error(hostile, tmp_path):
    said = Page(hostile.report(tmp_path / "report.html").read_text("utf-8")).texts
    assert NASTY in said[said.index("Failures") : said.index("All ratings")]


def test_the_report_is_one_page_that_fetches_nothing_and_runs_nothing(hostile, tmp_path):
    path = hostile.report(tmp_path / "report.html")
    text = path.read_text("utf-8")
    page = Page(text)
    assert not page.tags & {"script", "iframe", "object", "embed", "link", "base", "form"}
    assert all(address.startswith("data:image/") for address in page.addresses)  # no clip is here to link
    assert page.handlers == []
    assert "url(" not in text
    assert "default-src 'none'" in text


def test_the_report_has_what_a_reader_needs(hostile, tmp_path):
    said = "\n".join(Page(hostile.report(tmp_path / "report.html").read_text("utf-8")).texts)
    for words in (
        "SANDBOX: these are rehearsals", "mode, pro or std", "8 ratings planned", "pro preferred to std",
        "8 ratings of 4 pairs on 4 clips by 2 raters", "Stop here", "Costs in USD", "Failures", NASTY,
        JAPANESE, "both_bad", "Data dictionary", f"motion-widgets {mw.__version__}", "log schema",
        "SANDBOX \u00b7 Cost of a second",
    ):  # fmt: skip
        assert words in said, words
    for row in hostile.rows():
        assert row.id in said
        assert row.clip_sha in said


def test_stills_of_the_results_are_in_the_page_and_what_is_away_is_said(host, cells, tmp_path):
    clip = tmp_path / "result.mp4"
    source = ["-f", "lavfi", "-t", "0.4", "-i", "testsrc=s=64x96:r=10"]
    run([*source, "-pix_fmt", "yuv420p", str(clip)], name="test", deadline=20.0)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no clip")
    study = Study(host, cells[:4])
    host.result_of = lambda row: {cells[0]: clip, cells[1]: broken}.get(row.id)
    text = study.report(tmp_path / "report.html").read_text("utf-8")
    assert text.count("data:image/jpeg;base64,") == 1
    said = "".join(re.findall(r"\(<bdi>(.*?)</bdi>\)", text))
    assert said.count("no file here") == 2
    assert "broken.mp4" in said, "it is here, and says itself what is wrong with it"
    assert [one for one in Page(text).addresses if not one.startswith("data:")] == ["./result.mp4"]
    (tmp_path / "elsewhere").mkdir()
    text = study.report(tmp_path / "elsewhere" / "report.html").read_text("utf-8")
    assert "<a " not in text  # it would lead nowhere once the report is moved


def test_a_montage_beside_the_report_is_linked_and_one_elsewhere_named(host, cells, tmp_path):
    study = Study(host, cells[:4])
    for place, links in ((tmp_path, ["./side%20by%20side.mp4"]), (tmp_path / "elsewhere", [])):
        place.mkdir(exist_ok=True)
        clip = tmp_path / "side by side.mp4"
        clip.write_bytes(b"clip")
        text = study.report(place / "report.html", montage=clip).read_text("utf-8")
        assert [one for one in Page(text).addresses if not one.startswith("data:")] == links
        assert "side by side.mp4" in "".join(Page(text).texts)
    assert "Side by side" not in study.report(tmp_path / "report.html").read_text("utf-8")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
)
def test_a_link_leads_to_the_clip_whatever_its_name(tmp_path, name):
    assume(name not in (".", "..") and len(name.encode()) < 200)
    clip = tmp_path / name
    clip.write_bytes(b"clip")
    page = Page(_clip(clip, tmp_path))
    assert page.tags <= {"a", "bdi", "span"}
    assert page.handlers == []
    (address,) = page.addresses
    target = urlsplit(urljoin((tmp_path / "report.html").as_uri(), address))
    assert Path(unquote(target.path)).read_bytes() == b"clip"
    assert (target.scheme, target.query, target.fragment) == ("file", "", "")
    clip.unlink()
    assert _clip(clip, tmp_path) == ""


@settings(max_examples=10, deadline=None)
@given(said=st.text(max_size=60))
def test_no_text_becomes_markup_in_a_table_or_a_plot(said):
    assert Page(_table((said, "b"), [(said, None)])).tags <= {
        "div", "table", "thead", "tbody", "tr", "th", "td", "bdi", "span",
    }  # fmt: skip
    drawing = Drawing(100, 40, said)
    drawing.words(5, 20, said)
    assert Page(drawing.svg()).tags == {"svg", "title", "text"}


def test_a_study_without_a_question_has_a_report_too(host, put, tmp_path):
    text = Study(host, put(("std", 1))).report(tmp_path / "r.html").read_text("utf-8")
    assert "No question yet" in text


def test_where_nothing_can_be_written_it_says_so(study, tmp_path):
    with pytest.raises(mw.LogError, match=r"report\.html"):
        study.report(tmp_path / "absent" / "report.html")


@pytest.mark.parametrize("kind", ["preference", "cost", "waiting"])
def test_a_plot_says_what_it_shows_in_words_and_needs_no_colour(hostile, kind, tmp_path):
    plot = hostile.plot(kind)
    root = ET.fromstring(plot.svg())
    assert root.get("aria-label") == plot.text
    assert "SANDBOX" in plot.text
    words = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any(one.startswith("SANDBOX") for one in words)
    for shape in root.iter():
        where = [float(shape.get(name)) for name in ("x", "x1", "x2", "cx") if shape.get(name)]
        assert all(0 <= one <= plot.width for one in where)
    colours = set(re.findall(r"#[0-9a-f]{6}", plot.svg()))
    assert colours <= {"#3574d6", "#8a8f98"}  # one for intervals, one for lines; shapes tell them apart
    for name in ("plot.svg", "plot.png"):
        assert plot.save(tmp_path / name).stat().st_size > 500
    light, dark = (Image.open(io.BytesIO(plot.png(dark=dark))) for dark in (False, True))
    assert light.size == dark.size == (2 * plot.width, 2 * plot.height)
    assert light.text["Description"] == plot.text
    assert light.getpixel((0, 0)) > dark.getpixel((0, 0))


def test_a_plot_tells_intervals_and_n(hostile):
    text = hostile.plot("preference").text
    assert "pro over std 100" in text
    assert "8 ratings" in text
    assert "n = 8" in hostile.plot("preference").svg()
    assert "median 60 s of 5" in hostile.plot("waiting").text


def test_a_scale_has_round_numbers_and_a_median_lies_where_it_is_said(put, host):
    start = 1_700_000_000_000_000
    times = {"std": (6, 7), "pro": (8, 9)}
    ids = put(*(
        (mode, place, {"submitted": start, "completed": start + seconds * 1_000_000})
        for mode, took in times.items() for place, seconds in enumerate(took)
    ))  # fmt: skip
    drawn = Study(host, ids).plot("waiting")
    words = {
        one.text: float(one.get("x"))
        for one in ET.fromstring(drawn.svg()).iter("{http://www.w3.org/2000/svg}text")
    }
    scale = {f"{seconds} s": words[f"{seconds} s"] for seconds in (0, 2, 4, 6, 8, 10)}
    apart = {round(b - a, 3) for a, b in pairwise(scale.values())}
    assert len(apart) == 1, "numbers that are as far apart as they say"
    assert {"6.5 s, n = 2", "8.5 s, n = 2"} <= words.keys()
    assert "std median 6.5 s of 2" in drawn.text


def test_motion_is_drawn_by_setting_in_when_and_where(study, cells):
    timing = [0.9, 0.95, 0.5, 0.6, None, -0.2]
    measured = pd.DataFrame({"id": cells[:6], "timing": timing, "place": [0.8, 0.7, 0.6, 0.9, None, 0.4]})
    plot = plots.motion(study.material(), measured)
    assert "std: when median 0.70 of 2" in plot.text
    assert "pro: when median 0.60 of 3" in plot.text
    assert "pro: where median 0.70 of 3" in plot.text
    assert "SANDBOX" in plot.text
    words = [one.text for one in ET.fromstring(plot.svg()).iter("{http://www.w3.org/2000/svg}text")]
    assert {"-0.25", "1.00", "0.70, n = 2"} <= set(words)
    none = measured.assign(timing=None, place=None)
    assert plots.motion(study.material(), none).text.endswith("nothing yet")
    assert study.plot("motion").text.endswith("nothing yet")  # no file is here to be measured


def test_what_is_surely_worse_for_no_less_money_is_excluded(host, put):
    ids = put(*[
        (mode, clip, {"cost": 400_000, "keep_original_sound": sound})
        for clip in range(6) for mode, sound in (("std", "yes"), ("pro", "yes"), ("std", "no"))
    ])  # fmt: skip
    study = Study(host, ids)
    study.ask("mode", "pro", "std", planned=18)
    worst = {one.id for one in study.material().results if one.settings["keep_original_sound"] == "no"}
    pro = {one.id for one in study.material().results if one.settings["mode"] == "pro"}
    for rater in ("ana", "bo", "cy"):
        while (pair := study.next_pair(rater, aim="overview")) is not None:
            rank = [(pair.left in pro) - (pair.left in worst), (pair.right in pro) - (pair.right in worst)]
            study.rate(pair, "left" if rank[0] > rank[1] else "right")
    costs = study.costs().set_index("setting")
    assert costs.loc["std \u00b7 no", "excluded"]
    assert not costs.loc["pro \u00b7 yes", "excluded"]
    assert "excluded" in study.plot("cost").svg()


def test_japanese_is_kept_and_never_cut_within_a_sign():
    drawing = Drawing(100, 40, JAPANESE)
    drawing.words(5, 20, JAPANESE, most=8)  # each takes the room of two
    assert f"{JAPANESE[:3]}\u2026" in drawing.svg()
    assert JAPANESE in drawing.svg()


def test_the_font_of_a_png_has_the_characters_if_any_here_has(tmp_path):
    assert _has(_font("mode pro 77 %"), "mode pro 77 %")
    for path in _font_files()[:1]:
        assert path.lower().endswith((".ttf", ".otf", ".ttc"))


@pytest.mark.parametrize(("kind", "words"), [("pie", "preference, cost, waiting"), (None, "not a plot")])
def test_another_plot_is_refused(study, kind, words):
    with pytest.raises(mw.LogError, match=words):
        study.plot(kind)


def test_another_kind_of_file_is_refused(study, tmp_path):
    with pytest.raises(mw.LogError, match=r"neither \.svg nor \.png"):
        study.plot().save(tmp_path / "plot.pdf")
