"""Every limit from both sides, all findings at once, and fixes that mend what they promise to."""

from __future__ import annotations

import builtins
import copy
import io
import os
import pickle
import re
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.core.errors import ClipError
from motion_widgets.core.facts import Clip, Image, Shots
from motion_widgets.request.fields import MODELS, MODES, ORIENTATIONS
from motion_widgets.request.findings import Finding, Fix
from motion_widgets.request.limits import LIMITS, LONGEST_TEXT, MB
from motion_widgets.request.request import MotionRequest
from motion_widgets.request.rules import check

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

CLIP = Clip(
    source="https://example.com/dance.mp4", name="dance.mp4", format="mp4", length=8.0, moviepy_length=8.0,
    mvhd_length=8.0, video_length=8.0, width=720, height=1280, fps=30.0, size=3 * MB, has_audio=True,
)  # fmt: skip
IMAGE = Image(
    source="https://example.com/hero.png", name="hero.png", format="png", width=720, height=1280, size=MB
)
REQUEST = MotionRequest(model=MODELS[0], image_url=IMAGE.source, video_url=CLIP.source, mode="std")


def judge(
    req: MotionRequest = REQUEST, *, clip: Any = CLIP, image: Any = IMAGE, live: bool = True
) -> list[Finding]:
    return check(req, clip=clip, image=image, live=live)


def codes(found: list[Finding], severity: str | None = None) -> list[str]:
    return [one.code for one in found if severity in (None, one.severity)]


def only(found: Sequence[T]) -> T:
    assert len(found) == 1, found
    return found[0]


def test_a_good_request_has_no_findings() -> None:
    assert judge() == []


def test_a_request_is_judged_for_the_sandbox_unless_told_otherwise() -> None:
    here = REQUEST.replace(video_url="dance.mp4")
    assert check(here, clip=CLIP, image=IMAGE) == []
    assert codes(check(here, clip=CLIP, image=IMAGE, live=True)) == ["clip_needs_hosting"]


class TestShots:
    def test_a_look_at_the_frames_gives_hints_only(self) -> None:
        shots = Shots(cuts=(1.5, 3.0, 4.0, 5.0, 6.0), camera=0.3)
        found = check(REQUEST, clip=CLIP, image=IMAGE, shots=shots)
        assert [(one.field, one.severity, one.code) for one in found] == [
            ("video_url", "hint", "clip_cuts"),
            ("video_url", "hint", "clip_camera"),
        ]
        assert "6 shots (cut near 1.5, 3.0, 4.0, 5.0 \u2026 s)" in found[0].message
        assert "30 %" in found[1].message

    def test_four_cuts_are_all_named(self) -> None:
        found = check(REQUEST, clip=CLIP, image=IMAGE, shots=Shots(cuts=(1.5, 3.0, 4.0, 5.0), camera=0.8))
        assert "5 shots (cut near 1.5, 3.0, 4.0, 5.0 s)" in found[0].message
        assert " 80 %" in found[1].message

    @pytest.mark.parametrize("shots", [None, Shots(), Shots(camera=0.0), Shots(camera=LIMITS.camera_speed)])
    def test_a_calm_clip_of_one_shot_gives_none(self, shots: Shots | None) -> None:
        assert check(REQUEST, clip=CLIP, image=IMAGE, shots=shots) == []


class TestTraces:
    @pytest.mark.parametrize(
        ("codec", "name"),
        [
            *((one, "HEVC (H.265)") for one in ("hvc1", "hev1", "dvh1", "dvhe")),
            *((one, "ProRes") for one in ("apch", "apcn", "apcs", "apco", "ap4h", "ap4x")),
            ("av01", "AV1"), ("vp08", "VP8"), ("vp09", "VP9"), ("mp4v", "MPEG-4 Part 2"),
            ("jpeg", "Motion JPEG"), ("xyz9", "xyz9"),
        ],
    )  # fmt: skip
    def test_another_codec_than_h264_is_a_warning(self, codec: str, name: str) -> None:
        found = only(judge(clip=replace(CLIP, codec=codec)))
        assert (found.field, found.code, found.severity) == ("video_url", "clip_codec", "warning")
        assert f" {name}" in found.message

    @pytest.mark.parametrize(
        ("profile", "name"),
        [(44, "CAVLC 4:4:4"), (88, "Extended"), (110, "High 10"), (122, "High 4:2:2"), (244, "High 4:4:4"),
         (7, "7")],
    )  # fmt: skip
    def test_a_profile_of_h264_that_not_everybody_reads_is_a_warning(self, profile: int, name: str) -> None:
        found = only(judge(clip=replace(CLIP, codec="avc1", profile=profile)))
        assert (found.field, found.code, found.severity) == ("video_url", "clip_codec", "warning")
        assert re.search(rf"H\.264 {re.escape(name)}\b(?!~)", found.message)

    @pytest.mark.parametrize("profile", [66, 77, 100, None])
    def test_baseline_main_and_high_are_read_by_all(self, profile: int | None) -> None:
        assert judge(clip=replace(CLIP, codec="avc1", profile=profile)) == []

    @pytest.mark.parametrize("codec", ["avc1", "avc3", ""])
    def test_h264_and_what_is_not_known_is_none(self, codec: str) -> None:
        assert judge(clip=replace(CLIP, codec=codec)) == []

    def test_a_place_is_a_warning_before_it_is_public_and_a_hint_after(self) -> None:
        here = judge(
            clip=replace(CLIP, source="dance.mp4", has_location=True),
            image=replace(IMAGE, source="hero.png", has_location=True),
        )
        assert [(one.code, one.severity) for one in here] == [
            ("image_location", "warning"), ("clip_location", "warning")
        ]  # fmt: skip
        there = judge(clip=replace(CLIP, source="https://example.com/a.mp4", has_location=True))
        assert [(one.code, one.severity) for one in there] == [("clip_location_public", "hint")]

    def test_colours_and_fields_that_not_everybody_reads(self) -> None:
        found = judge(clip=replace(CLIP, transfer=18, interlaced=True))
        assert [(one.field, one.code, one.severity) for one in found] == [
            ("video_url", "clip_hdr", "warning"), ("video_url", "clip_interlaced", "hint")
        ]  # fmt: skip
        assert "HLG" in found[0].message

    def test_what_ends_too_early_is_an_error(self) -> None:
        found = judge(clip=replace(CLIP, truncated=True), image=replace(IMAGE, truncated=True))
        assert [(one.code, one.severity) for one in found] == [
            ("image_truncated", "error"), ("clip_truncated", "error")
        ]  # fmt: skip

    def test_what_asks_to_be_turned_is_a_hint(self) -> None:
        found = judge(clip=replace(CLIP, rotation=90), image=replace(IMAGE, rotated=True))
        assert [(one.code, one.severity) for one in found] == [
            ("image_turned", "hint"), ("clip_turned", "hint")
        ]  # fmt: skip
        assert "by 90\u00b0" in found[1].message


class TestLength:
    @pytest.mark.parametrize(
        ("orientation", "length", "code", "severity"),
        [
            ("image", 2.0, "clip_short", "error"),
            ("image", 2.999, "clip_short", "error"),
            ("image", 2.9999, "clip_short", "error"),
            ("image", 3.0, None, ""),
            ("image", 3.0000001, None, ""),
            ("image", 2.9999999, None, ""),
            ("image", 10.0, None, ""),
            ("image", 10.001, "clip_borderline", "warning"),
            ("image", 10.05, "clip_borderline", "warning"),
            ("image", 10.050001, "clip_long_switch", "error"),
            ("image", 10.051, "clip_long_switch", "error"),
            ("image", 30.05, "clip_long_switch", "error"),
            ("image", 30.051, "clip_long", "error"),
            ("video", 2.999, "clip_short", "error"),
            ("video", 3.0, None, ""),
            ("video", 10.051, None, ""),
            ("video", 30.0, None, ""),
            ("video", 30.05, "clip_borderline", "warning"),
            ("video", 30.051, "clip_long", "error"),
            ("image", float("nan"), "clip_no_length", "error"),
            ("image", float("inf"), "clip_no_length", "error"),
            ("image", 0.0, "clip_no_length", "error"),
            ("image", -4.0, "clip_no_length", "error"),
        ],
    )
    def test_both_sides(self, orientation: str, length: float, code: str | None, severity: str) -> None:
        found = judge(
            REQUEST.replace(character_orientation=orientation),
            clip=replace(CLIP, length=length, moviepy_length=None, mvhd_length=None, video_length=None),
        )
        assert [(one.field, one.code, one.severity) for one in found] == (
            [("video_url", code, severity)] if code else []
        )

    @pytest.mark.parametrize("figure", ["mvhd_length", "video_length", "moviepy_length"])
    @pytest.mark.parametrize("value", [2.99, 10.01])
    def test_another_figure_outside_is_a_warning(self, figure: str, value: float) -> None:
        found = only(judge(clip=replace(CLIP, **{figure: value})))
        assert (found.code, found.severity) == ("clip_borderline", "warning")
        assert f"{value:.3f} s" in found.message

    @pytest.mark.parametrize(
        ("orientation", "value", "codes_", "mended"),
        [("image", 10.000001, ["clip_borderline"], True), ("image", 10.0000001, [], False),
         ("image", 30.0, ["clip_borderline"], True), ("image", 30.1, ["clip_borderline"], False),
         ("image", 2.99, ["clip_borderline"], False), ("video", 30.1, ["clip_borderline"], False)],
    )  # fmt: skip
    def test_the_other_orientation_is_offered_where_every_figure_fits_it(
        self, orientation: str, value: float, codes_: list[str], mended: bool
    ) -> None:
        req = REQUEST.replace(character_orientation=orientation)
        found = judge(req, clip=replace(CLIP, moviepy_length=value))
        assert codes(found) == codes_
        changes = [dict(fix.changes) for one in found for fix in one.fixes]
        assert changes == [{"character_orientation": "video"}] * mended

    def test_all_figures_outside_are_listed(self) -> None:
        clip = replace(CLIP, length=10.02, mvhd_length=10.03, video_length=10.0, moviepy_length=10.04)
        message = only(judge(clip=clip)).message
        for part in ("container 10.020 s", "movie header 10.030 s", "moviepy 10.040 s"):
            assert part in message
        assert "video track" not in message

    def test_sentences_name_value_limit_and_next_step(self) -> None:
        message = only(judge(clip=replace(CLIP, length=12.4))).message
        assert "12.40 s" in message
        assert "3–10 s" in message
        assert "3–30 s" in message
        assert "Trim it, or use orientation “video”" in message

    @pytest.mark.parametrize(
        ("length", "shown", "rest"),
        [(2.999, "2.999 s", "0.001 s"), (2.9999, "2.9999 s", "0.0001 s"), (10.0501, "10.0501 s", "0.0501 s"),
         (10.051, "10.051 s", "0.051 s"), (2.99999, "2.99999 s", "0.00001 s"),
         (2.999999, "2.999999 s", "0.000001 s")],
    )  # fmt: skip
    def test_a_length_just_outside_is_not_shown_as_the_limit(
        self, length: float, shown: str, rest: str
    ) -> None:
        message = only(judge(clip=replace(CLIP, length=length))).message
        assert f" {shown}" in message
        assert f" {rest}" in message

    @pytest.mark.parametrize("orientation", [None, "", "both", 7])
    def test_while_no_orientation_is_chosen_the_widest_range_counts(self, orientation: object) -> None:
        req = REQUEST.replace(character_orientation=orientation)
        assert not [one for one in judge(req, clip=replace(CLIP, length=20.0)) if one.field == "video_url"]
        found = [one for one in judge(req, clip=replace(CLIP, length=40.0)) if one.field == "video_url"]
        assert "orientation “video” allows 3–30 s" in only(found).message


@pytest.mark.parametrize(
    ("fields", "code", "severity"),
    [
        ({"format": "jpeg"}, None, ""),
        ({"format": "webp"}, "image_format", "error"),
        ({"size": 10 * MB}, None, ""),
        ({"size": 10 * MB + 1}, "image_bytes", "error"),
        ({"size": None}, None, ""),
        ({"width": 300, "height": 500}, "image_smallish", "warning"),
        ({"width": 299, "height": 500}, "image_small", "error"),
        ({"width": 339, "height": 500}, "image_smallish", "warning"),
        ({"width": 340, "height": 600}, None, ""),
        ({"width": 400, "height": 1000}, None, ""),
        ({"width": 400, "height": 1001}, "image_aspect", "error"),
        ({"width": 1001, "height": 400}, "image_aspect", "error"),
        ({"width": 1000, "height": 400}, None, ""),
        ({"width": 65536, "height": 65536}, None, ""),
        ({"width": 65537, "height": 65536}, "image_large", "error"),
    ],
)
def test_image_limits(fields: dict[str, Any], code: str | None, severity: str) -> None:
    found = [one for one in judge(image=replace(IMAGE, **fields)) if one.severity != "hint"]
    assert [(one.field, one.code, one.severity) for one in found] == (
        [("image_url", code, severity)] if code else []
    )


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"format": "mov"}, None),
        ({"format": "webm"}, "clip_format"),
        ({"truncated": True}, "clip_truncated"),
        ({"size": 100 * MB}, None),
        ({"size": 100 * MB + 1}, "clip_bytes"),
        ({"size": None}, None),
        ({"width": 340, "height": 600}, None),
        ({"width": 339, "height": 600}, "clip_sides"),
        ({"width": 600, "height": 339}, "clip_sides"),
        ({"width": 3850, "height": 3850}, None),
        ({"width": 3851, "height": 3850}, "clip_sides"),
        ({"width": 3850, "height": 3851}, "clip_sides"),
        ({"width": 0, "height": 0}, "clip_sides"),
    ],
)
def test_clip_limits(fields: dict[str, Any], code: str | None) -> None:
    found = [one for one in judge(clip=replace(CLIP, **fields)) if one.severity != "hint"]
    assert [(one.field, one.code, one.severity) for one in found] == (
        [("video_url", code, "error")] if code else []
    )


def test_a_size_just_over_is_not_shown_as_the_limit() -> None:
    assert "10.01 MB; the limit is 10 MB" in only(judge(image=replace(IMAGE, size=10 * MB + 1))).message
    aspect = next(
        one for one in judge(image=replace(IMAGE, width=4001, height=1600)) if one.severity == "error"
    )
    assert "2.51 to 1; the limit is 2.5" in aspect.message


@pytest.mark.parametrize(("width", "height", "aspect"), [(720, 0, False), (0, 720, False), (1, 1280, True)])
def test_an_image_without_a_side_has_no_proportions(width: int, height: int, aspect: bool) -> None:
    found = codes(judge(image=replace(IMAGE, width=width, height=height)))
    assert ("image_aspect" in found, "image_small" in found) == (aspect, True)


@pytest.mark.parametrize(("height", "hint"), [(800, True), (801, False)])
def test_proportions_are_compared_both_ways(height: int, hint: bool) -> None:
    """1.6 times as wide as 9:16 is too much, whichever of both it is."""
    image = judge(image=replace(IMAGE, width=720, height=height))
    clip = judge(clip=replace(CLIP, width=720, height=height))
    assert codes(image) == codes(clip) == ["pair_aspect"] * hint
    if hint:
        assert "(720\u00d7800) and the clip (720\u00d71280)" in image[0].message
        assert "(720\u00d71280) and the clip (720\u00d7800)" in clip[0].message


def test_unlike_proportions_are_a_hint() -> None:
    found = only(judge(image=replace(IMAGE, width=1280, height=720)))
    assert (found.field, found.code, found.severity) == ("image_url", "pair_aspect", "hint")


class TestFields:
    @pytest.mark.parametrize("field", ["model", "mode", "character_orientation"])
    @pytest.mark.parametrize(
        ("value", "code"),
        [(None, "missing_choice"), ("", "missing_choice"), ("nonsense", "wrong_choice"), (True, "wrong_type"),
         (["std"], "wrong_type")],
    )  # fmt: skip
    def test_choices(self, field: str, value: object, code: str) -> None:
        found = only([one for one in judge(REQUEST.replace(**{field: value})) if one.field == field])
        assert (found.code, found.severity) == (code, "error")
        allowed = {"model": MODELS, "mode": MODES, "character_orientation": ORIENTATIONS}[field]
        assert all(word in found.message for word in allowed)

    @pytest.mark.parametrize(
        ("field", "value", "mended"),
        [
            ("mode", " PRO ", "pro"),
            ("model", "kling-v3-motion-contol", MODELS[0]),
            ("keep_original_sound", "Yes", "yes"),
            ("character_orientation", "images", "image"),
            ("keep_original_sound", True, "yes"),
            ("keep_original_sound", False, "no"),
            ("watermark_info", True, {"enabled": True}),
        ],
    )
    def test_near_misses_are_mended(self, field: str, value: object, mended: object) -> None:
        found = only(judge(REQUEST.replace(**{field: value})))
        fix = only(found.fixes)
        assert (found.field, dict(fix.changes)) == (field, {field: mended})
        assert judge(fix.apply(REQUEST.replace(**{field: value}))) == []

    @pytest.mark.parametrize("value", [True, False, 1, 0, "maybe", ["yes"]])
    def test_sound_is_a_string(self, value: object) -> None:
        assert only(judge(REQUEST.replace(keep_original_sound=value))).severity == "error"

    @pytest.mark.parametrize("value", ["yes", "no", None])
    def test_sound_words(self, value: object) -> None:
        assert judge(REQUEST.replace(keep_original_sound=value)) == []

    @pytest.mark.parametrize(
        "value", [False, {}, {"enabled": "true"}, {"enabled": 1}, {"enabled": True, "x": 1}, "on", 1, [True]]
    )
    def test_watermark_shape(self, value: object) -> None:
        assert only(judge(REQUEST.replace(watermark_info=value))).code == "watermark_shape"

    @pytest.mark.parametrize(
        ("prompt", "found"),
        [
            (None, []),
            ("", []),
            ("x" * 2500, []),
            ("\U0001f600" * 2500, []),
            ("x" * 2501, ["prompt_long"]),
            ("\ud800" * 2501, ["prompt_long", "prompt_surrogate"]),
            (" \n", ["prompt_blank"]),
            (7, ["wrong_type"]),
        ],
    )
    def test_prompt(self, prompt: object, found: list[str]) -> None:
        told = judge(REQUEST.replace(prompt=prompt))
        assert codes(told) == found
        assert {one.field for one in told} <= {"prompt"}

    def test_a_long_prompt_says_how_much_to_cut_and_cuts_it(self) -> None:
        for count, code in (
            (2600, "prompt_long"),
            (LONGEST_TEXT, "prompt_long"),
            (LONGEST_TEXT + 1, "text_long"),
        ):
            found = only(judge(REQUEST.replace(prompt="x" * count)))
            assert (found.code, found.severity) == (code, "error")
            assert dict(only(found.fixes).changes) == {"prompt": "x" * 2500}
        assert " 100 " in only(judge(REQUEST.replace(prompt="x" * 2600))).message

    def test_halves_that_belong_together_become_their_character(self) -> None:
        fix = only(judge(REQUEST.replace(prompt="hi \ud83d\ude00 \ud83d!"))).fixes[0]
        assert fix.changes["prompt"] == "hi \U0001f600 !"

    @pytest.mark.parametrize(
        ("webhook", "found"),
        [
            (None, []),
            ("", []),
            ("https://example.com/hook", []),
            ("http://example.com:80", []),
            ("https://example.com:443/x", []),
            ("https://example.com:8080", ["webhook_wrong"]),
            ("ftp://example.com", ["webhook_wrong"]),
            ("example.com", ["webhook_wrong"]),
            ("https://", ["webhook_wrong"]),
            ("https://h:x", ["webhook_wrong"]),
            ("https://a b", ["webhook_wrong"]),
            ("https://h/\ud800", ["webhook_wrong"]),
            ("http://localhost/x", ["webhook_private"]),
            ("http://192.168.1.4", ["webhook_private"]),
            (7, ["wrong_type"]),
        ],
    )
    def test_webhook(self, webhook: object, found: list[str]) -> None:
        told = judge(REQUEST.replace(webhook=webhook))
        assert codes(told) == found
        assert {one.field for one in told} <= {"webhook"}


class TestLinks:
    @pytest.mark.parametrize("field", ["image_url", "video_url"])
    @pytest.mark.parametrize(
        ("value", "code"),
        [
            (None, "missing_media"),
            ("  ", "missing_media"),
            (7, "wrong_type"),
            ({}, "wrong_type"),
            ("data:image/png;base64,AAAA", "media_base64"),
            ("s3://b/k", "media_scheme"),
            ("file:///x", "media_scheme"),
            ("https://", "link_broken"),
            ("https://./x", "link_broken"),
            ("https://h/a b", "link_broken"),
            ("https://[::1", "link_broken"),
            ("https://h:99999/", "link_broken"),
            ("https://h/\ud800", "link_broken"),
            ("https://h/\x7f", "link_broken"),
            ("https://me:pw@example.com/x", "link_credentials"),
        ],
    )
    @pytest.mark.parametrize("live", [True, False])
    def test_wrong_everywhere(self, field: str, value: object, code: str, live: bool) -> None:
        found = only(
            [one for one in judge(REQUEST.replace(**{field: value}), live=live) if one.field == field]
        )
        assert (found.code, found.severity) == (code, "error")
        assert "pw" not in found.message

    PRIVATE = (
        "http://localhost/x", "http://127.0.0.1:8000/x", "http://[::1]/x", "http://10.1.2.3/x", "http://192.168.0.1/x",
        "http://169.254.1.1/x", "http://0.0.0.0/x", "http://127.1/x", "http://2130706433/x", "http://0x7f000001/x",
        "http://[fe80::1%25eth0]/x", "http://[::ffff:127.0.0.1]/x", "http://nas.local/x", "http://intranet/x",
        "http://a.localhost./x", "http://router.lan/x", "http://100.64.0.1/x",
    )  # fmt: skip

    @pytest.mark.parametrize("link", PRIVATE)
    @pytest.mark.parametrize("field", ["image_url", "video_url"])
    def test_private_links_do_on_the_sandbox_only(self, link: str, field: str) -> None:
        req = REQUEST.replace(**{field: link})
        assert codes(judge(req, live=True)) == ["link_private"]
        assert judge(req, live=False) == []

    @pytest.mark.parametrize("live", [True, False])
    def test_a_link_that_was_refused_since_it_leads_inside_is_said_to_once(self, live: bool) -> None:
        refused = ClipError.of("link_inside", name="x", host="127.0.0.1")
        found = only(judge(REQUEST.replace(image_url="http://127.0.0.1/x"), image=refused, live=live))
        assert (found.field, found.severity) == ("image_url", "error")
        assert found.message.startswith("127.0.0.1 ")

    @pytest.mark.parametrize(
        "link",
        ["https://example.com/x", "http://8.8.8.8/x", "https://[2606:4700::1]/x", "https://bücher.de/ü.png"],
    )
    def test_public_links_do_everywhere(self, link: str) -> None:
        assert judge(REQUEST.replace(image_url=link, video_url=link)) == []

    def test_local_files(self) -> None:
        req = REQUEST.replace(image_url="hero.png", video_url=Path("dance.mp4"))
        assert judge(req, live=False) == []
        found = only(judge(req, live=True))
        assert (found.field, found.code) == ("video_url", "clip_needs_hosting")
        assert "dance.mp4" in found.message

    def test_measured_media_stand_for_themselves(self) -> None:
        req = REQUEST.replace(image_url=IMAGE, video_url=replace(CLIP, length=12.0))
        assert codes(check(req)) == ["clip_long_switch"]
        assert check(req, clip=CLIP) == []

    def test_image_and_clip_exchanged(self) -> None:
        found = check(REQUEST.replace(image_url=CLIP, video_url=IMAGE))
        assert codes(found) == ["media_swapped", "media_swapped"]
        assert codes(found, "error") == codes(found)

    def test_bytes_in_memory_cannot_be_sent(self) -> None:
        req = REQUEST.replace(
            image_url=replace(IMAGE, source="bytes"), video_url=replace(CLIP, source="bytes")
        )
        assert codes(check(req), "error") == ["media_bytes", "media_bytes"]

    @pytest.mark.parametrize("wrong", ["dance.mp4", IMAGE, 7, {}])
    def test_what_was_not_measured_is_not_taken_for_measured(self, wrong: object) -> None:
        assert codes(judge(clip=wrong), "warning") == ["not_measured"]


class TestNotMeasured:
    def error(self, *, reached: bool) -> ClipError:
        error = ClipError("The link is dead.", code="link_dead")
        error.reached = reached
        return error

    @pytest.mark.parametrize("field", ["clip", "image"])
    def test_a_link_out_of_reach_is_a_warning(self, field: str) -> None:
        found = only(judge(**{field: self.error(reached=False)}))
        assert (found.severity, found.code, found.message) == ("warning", "link_dead", "The link is dead.")

    @pytest.mark.parametrize("field", ["clip", "image"])
    def test_a_link_that_was_read_and_is_wrong_is_an_error(self, field: str) -> None:
        assert only(judge(**{field: self.error(reached=True)})).severity == "error"

    @pytest.mark.parametrize("reached", [True, False])
    @pytest.mark.parametrize(("field", "wire"), [("clip", "video_url"), ("image", "image_url")])
    def test_a_local_file_that_cannot_be_measured_is_an_error(
        self, field: str, wire: str, reached: bool
    ) -> None:
        found = judge(
            REQUEST.replace(**{wire: "here.mp4"}), live=False, **{field: self.error(reached=reached)}
        )
        assert (only(found).severity, found[0].field) == ("error", wire)

    def test_an_error_without_a_word_still_says_something(self) -> None:
        found = only(judge(clip=ClipError()))
        assert (found.code, found.severity) == ("not_measured", "error")
        assert "the reference clip" in found.message

    def test_nothing_measured_is_a_warning_each(self) -> None:
        assert codes(check(REQUEST), "warning") == ["not_measured", "not_measured"]


def test_all_findings_come_at_once_worst_first() -> None:
    found = judge(
        MotionRequest(
            model="x",
            image_url="https://h/a b",
            video_url="ftp://x",
            character_orientation="",
            mode=None,
            prompt=" ",
            keep_original_sound=True,
            watermark_info=1,
            webhook="http://localhost",
        ),
        clip=replace(CLIP, length=1.0, size=101 * MB, format="webm", width=1, truncated=True),
        image=replace(IMAGE, size=11 * MB, format="gif", width=310, height=4000),
    )
    assert {one.field for one in found if one.severity == "error"} == {
        "model",
        "image_url",
        "video_url",
        "character_orientation",
        "mode",
        "keep_original_sound",
        "watermark_info",
    }
    assert {
        "clip_short",
        "clip_bytes",
        "clip_format",
        "clip_sides",
        "clip_truncated",
        "image_bytes",
        "image_format",
        "image_aspect",
        "image_smallish",
        "webhook_private",
        "prompt_blank",
        "pair_aspect",
    } <= set(codes(found))
    order = [("error", "warning", "hint").index(one.severity) for one in found]
    assert order == sorted(order)


def test_check_touches_neither_disk_nor_network_nor_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    req = REQUEST.replace(
        image_url="~/hero.png", video_url=Path("/nowhere/dance.mp4"), watermark_info={"enabled": True}
    )
    before = copy.deepcopy(req)

    def forbidden(*args: object, **_: object) -> None:
        raise AssertionError(f"check went out: {args}")

    for where, names in (
        (builtins, ["open"]), (io, ["open"]), (os, ["open", "stat", "lstat", "listdir", "scandir"]),
        (socket, ["socket", "create_connection", "getaddrinfo", "gethostbyname"]),
        (Path, ["open", "stat", "exists", "expanduser", "resolve"]),
    ):  # fmt: skip
        for name in names:
            monkeypatch.setattr(where, name, forbidden)
    results = [
        check(one, clip=clip, image=image, live=live)
        for one in (req, REQUEST, REQUEST.replace(webhook="https://example.com", video_url="http://0x7f.1/a"))
        for clip, image in ((CLIP, IMAGE), (None, None))
        for live in (True, False)
    ]
    monkeypatch.undo()
    assert all(isinstance(found, list) for found in results)
    assert req == before


def test_findings_and_fixes_can_be_sent_between_processes() -> None:
    found = judge(clip=replace(CLIP, length=12.0))
    assert pickle.loads(pickle.dumps(found)) == found
    assert isinstance(found[0].fixes[0], Fix)


def test_no_name_breaks_a_sentence() -> None:
    found = judge(
        image=replace(IMAGE, name="{x}\ud800<b>", format="gif"), clip=replace(CLIP, name="{0}", format="ts")
    )
    assert len(found) == 2
    "".join(one.message for one in found).encode()


# Properties.

PROPERTY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""

LENGTHS = st.one_of(st.floats(0.5, 40), st.sampled_from([2.999, 3.0, 10.0, 10.05, 10.051, 30.05, 30.06]))
SIDES = st.integers(200, 5000)
CLIPS = st.builds(
    lambda length, header, width, height: replace(
        CLIP, length=length, mvhd_length=header, width=width, height=height
    ),
    LENGTHS, st.none() | LENGTHS, SIDES, SIDES,
)  # fmt: skip
DRAFTS = st.builds(
    MotionRequest,
    model=st.sampled_from(
        [*MODELS, "kling-v3", "KLING-V3-MOTION-CONTROL", None, 7, "kling-v2-6-motion-contro"]
    ),
    image_url=st.sampled_from([IMAGE.source, None, "x.png"]),
    video_url=st.sampled_from([CLIP.source, "x.mp4"]),
    character_orientation=st.sampled_from([*ORIENTATIONS, "Video", None, "vidoe"]),
    mode=st.sampled_from([*MODES, "Pro", " std", 1]),
    prompt=st.none()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["x" * 2600, "\ud800" * 2600, "  "]),
    keep_original_sound=st.sampled_from(["yes", "no", None, True, False, "YES", 0]),
    watermark_info=st.sampled_from([None, True, False, {"enabled": True}, {"enabled": 0}]),
)


@PROPERTY
@given(DRAFTS, CLIPS)
def test_applying_a_fix_removes_its_finding(req: MotionRequest, clip: Clip) -> None:
    for found in judge(req, clip=clip):
        for fix in found.fixes:
            left = judge(fix.apply(req), clip=clip)
            assert (found.field, found.code) not in {(one.field, one.code) for one in left}
            assert fix.label


@PROPERTY
@given(
    model=st.sampled_from(MODELS),
    mode=st.sampled_from(MODES),
    orientation=st.sampled_from(ORIENTATIONS),
    prompt=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    sound=st.sampled_from(["yes", "no", None]),
    watermark=st.sampled_from([None, {"enabled": True}, {"enabled": False}]),
    share=st.floats(0, 1),
    sides=st.tuples(st.integers(340, 3850), st.integers(340, 3850)),
    side=st.integers(400, 26000),
    aspect=st.floats(0.41, 2.45),
    live=st.booleans(),
)
def test_a_request_of_valid_parts_has_no_errors(
    *,
    model: str,
    mode: str,
    orientation: str,
    prompt: str | None,
    sound: str | None,
    watermark: object,
    share: float,
    sides: tuple[int, int],
    side: int,
    aspect: float,
    live: bool,
) -> None:
    low, high = LIMITS.clip_length(orientation)
    length = low + share * (high - low)
    width, height = (round(side * aspect), side) if aspect > 1 else (side, round(side / aspect))
    found = judge(
        REQUEST.replace(
            model=model,
            mode=mode,
            character_orientation=orientation,
            prompt=prompt,
            keep_original_sound=sound,
            watermark_info=watermark,
        ),
        clip=replace(CLIP, length=length, width=sides[0], height=sides[1])
        if length <= 10
        else replace(CLIP, length=length, mvhd_length=None, video_length=None, moviepy_length=None),
        image=replace(IMAGE, width=width, height=height),
        live=live,
    )
    assert [one for one in found if one.severity in ("error", "warning")] == []


@pytest.mark.parametrize("field", ["prompt", "webhook", "image_url", "video_url"])
@pytest.mark.parametrize("start", ["", "https://host.example/"])
def test_pasted_megabytes_are_one_sentence(field: str, start: str) -> None:
    """Neither measured nor repeated in what is said."""
    text = start + "\u00e9<b>x " * 1_000_000
    found = [
        one
        for one in check(MotionRequest(**{field: text}))
        if one.field == field and one.code != "not_measured"
    ]
    assert [one.code for one in found] == ["text_long"]
    assert len(found[0].message) < 200
