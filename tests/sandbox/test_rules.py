"""Submits checked by the facts: types, media, lengths. Raw HTTP only."""

from __future__ import annotations

import dataclasses

import pytest
from PIL.PngImagePlugin import PngInfo

from motion_widgets.sandbox.measure import measure_clip
from motion_widgets.sandbox.rules import FIELDS, SubmitBody
from tests.sandbox.conftest import Wire, png, refused

WORKFLOW = PngInfo()
WORKFLOW.add_text("workflow", "node " * 500_000, zip=True)
NOTED = png(pnginfo=WORKFLOW)


def test_twelve_seconds_do_not_fit_the_image_orientation(wire: Wire, body, clip):
    link = wire.host(clip(12))
    refused(wire.submit(body | {"video_url": link}), "12.0", "3-10 s")
    assert wire.balance == 50


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "kling-v9"),
        ("model", 3),
        ("image_url", ""),
        ("image_url", "data:image/png;base64,AAAA"),
        ("image_url", "file:///etc/passwd"),
        ("image_url", None),
        ("video_url", "dance.mp4"),
        ("video_url", ["http://127.0.0.1/x.mp4"]),
        ("video_url", "http://[::1"),
        ("character_orientation", "Image"),
        ("character_orientation", True),
        ("mode", "fast"),
        ("mode", None),
        ("keep_original_sound", True),
        ("keep_original_sound", "true"),
        ("watermark_info", True),
        ("watermark_info", None),
        ("watermark_info", {"enabled": "yes"}),
        ("prompt", 5),
        ("prompt", "x" * 2501),
        ("webhook", "ftp://example.com"),
        ("webhook", 7),
    ],
)
def test_types_are_strict(wire: Wire, body, field, value):
    refused(wire.submit(body | {field: value}), field)


@pytest.mark.parametrize("field", ["model", "image_url", "video_url", "character_orientation", "mode"])
def test_required_fields(wire: Wire, body, field):
    del body[field]
    refused(wire.submit(body), field)


def test_optional_fields_may_be_absent_and_unknown_ones_are_dropped(wire: Wire, body):
    for field in ("prompt", "keep_original_sound", "watermark_info"):
        del body[field]
    extra = {"duration": 5, "resolution": "4k", "webhook": "https://example.com/hook"}
    assert wire.submit(body | extra | {"prompt": "x" * 2500}).status_code == 200


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_object(wire: Wire, raw):
    refused(wire.http.post("/v1/videos/generations", content=raw))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (png(299, 400), "299 x 400"),
        (png(300, 760), "aspect"),
        (png(760, 300), "aspect"),
        (png(kind="WEBP"), "webp"),
        (png(kind="GIF"), "gif"),
        (b"<html>not an image</html>", "not an image"),
        (png() + bytes(10_000_000), "10 MB"),
    ],
)
def test_image_rules(wire: Wire, body, content, word):
    refused(wire.submit(body | {"image_url": wire.host(content)}), "image", word)


@pytest.mark.parametrize("content", [png(300, 750), png(750, 300), png(kind="JPEG"), NOTED])
def test_images_at_the_limits_are_taken(wire: Wire, body, content):
    assert wire.submit(body | {"image_url": wire.host(content)}).status_code == 200


def test_clip_rules(wire: Wire, body, clip):
    def judged(content):
        return wire.submit(body | {"video_url": wire.host(content)})

    refused(judged(clip(width=338)), "338 x 360")
    refused(judged(clip(width=3852, fps=1)), "3852")
    refused(judged(clip(ext="webm")), "mp4")
    refused(judged(png()), "mp4")
    refused(judged(clip()[:2000]))
    refused(judged(clip(2.96)), "2.960")
    refused(judged(clip(10.08)), "10.080")
    assert judged(clip(width=340)).status_code == 200
    assert judged(clip(ext="mov")).status_code == 200
    assert judged(clip(3.0)).status_code == 200
    assert judged(clip(10.04)).status_code == 200


def test_thirty_seconds_for_the_video_orientation(wire: Wire, body, clip):
    body["character_orientation"] = "video"
    assert wire.submit(body | {"video_url": wire.host(clip(30, fps=10))}).status_code == 200
    refused(wire.submit(body | {"video_url": wire.host(clip(30.1, fps=10))}), "3-30 s")


def test_a_length_that_rounds_to_three_seconds_is_still_too_short(wire: Wire, body, clip, tmp_path):
    path = tmp_path / "short.mp4"
    path.write_bytes(clip(2.997, fps="90000/2997"))
    assert measure_clip(path).length == pytest.approx(2.997, abs=1e-4)
    refused(wire.submit(body | {"video_url": wire.host(path.read_bytes())}), "2.997")


def test_a_clip_over_100_mb_is_judged_by_its_size(wire: Wire, body, clip):
    refused(wire.submit(body | {"video_url": wire.host(clip() + bytes(100_000_000))}), "100 MB")


def test_every_checked_field_is_kept_and_tried_with_a_wrong_value():
    assert [field.name for field in dataclasses.fields(SubmitBody)] == list(FIELDS)
    (wrong,) = (mark for mark in test_types_are_strict.pytestmark if mark.name == "parametrize")
    assert {field for field, _ in wrong.args[1]} == set(FIELDS)
