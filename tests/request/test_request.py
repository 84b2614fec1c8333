"""A draft holds anything; its wire form is the documented one; its key is its content."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets import check
from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.hashing import sha256_of
from motion_widgets.request.fields import WIRE_FIELDS
from motion_widgets.request.media_source import media_kind, media_name, media_source
from motion_widgets.request.request import MotionRequest

EXAMPLES = (
    """{"model": "kling-v2-6-motion-control",
 "prompt": "参考画像のキャラクターの向きに合わせて振り向いて手を振る",
 "image_url": "https://example.com/ref-image.png", "video_url": "https://example.com/ref-video-8s.mp4",
 "character_orientation": "image", "mode": "std", "keep_original_sound": "yes",
 "watermark_info": {"enabled": false}}""",
    """{"model": "kling-v2-6-motion-control",
 "prompt": "参考動画のキャラクターの向きとリズムに合わせて、滑らかな動きを維持する",
 "image_url": "https://example.com/ref-image.png", "video_url": "https://example.com/ref-video-12s.mp4",
 "character_orientation": "video", "mode": "pro", "keep_original_sound": "no",
 "watermark_info": {"enabled": false}}""",
)
KEYS = (
    "f8c78638cfe755cfc8a6d0e3f7523df51b364fff96f951a9819823aa9d8152f5",
    "b928751864ebacc19d394aba7c08bd636431461972aaeba5dcb6350d642f71e6",
)


@pytest.mark.parametrize("text", EXAMPLES)
def test_documented_examples_round_trip_with_their_key_order(text: str) -> None:
    wire = json.loads(text)
    again = MotionRequest.from_wire(wire).to_wire()
    assert json.dumps(again, ensure_ascii=False) == json.dumps(wire, ensure_ascii=False)
    assert MotionRequest.from_wire(again) == MotionRequest.from_wire(wire)


@pytest.mark.parametrize(("text", "key"), zip(EXAMPLES, KEYS, strict=True))
def test_keys_of_the_documented_examples_never_change(text: str, key: str) -> None:
    """A log keeps keys for years: another one here would pay again for what was paid."""
    assert MotionRequest.from_wire(json.loads(text)).key == key


class BrokenRepr:
    """Raises at everything a look at it may call."""

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    def __hash__(self) -> int:
        raise TypeError("hash")

    def __bool__(self) -> bool:
        raise RuntimeError("bool")

    def __format__(self, spec: str) -> str:
        raise RuntimeError("format")


class BrokenMapping(Mapping[str, object]):
    def __getitem__(self, name: str) -> object:
        raise RuntimeError(name)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("iter")

    def __len__(self) -> int:
        return 1


def nested(depth: int) -> list[object]:
    found: list[object] = []
    for _ in range(depth):
        found = [found]
    return found


def endless() -> list[object]:
    found: list[object] = [1, {}]
    found += [found, {"again": found}]
    return found


ODD: dict[str, object] = {
    "none": None,
    "empty": "",
    "blank": " \t\n",
    "nan": math.nan,
    "inf": math.inf,
    "minus_inf": -math.inf,
    "huge_int": 10**6000,
    "true": True,
    "bytes": b"\xff",
    "huge": "x" * 1_000_000,
    "rtl": "\u202eمرحبا\u2066",
    "surrogate": "a\ud83d",
    "pair": "\ud83d\ude00",
    "nul": "a\x00b",
    "list": [1, [2]],
    "dict": {1: {2: 3}},
    "mixed_keys": {1: 1, "1": 2, None: 3},
    "set": {"b", "a"},
    "broken": BrokenRepr(),
    "mapping": BrokenMapping(),
    "deep": nested(100_000),
    "deep_dict": {"a": nested(5000)},
    "endless": endless(),
    "object": object(),
    "class": MotionRequest,
    "generator": (n for n in "ab"),
    "data": "data:image/png;base64,AAAA",
    "scheme": "s3://bucket/key",
    "file": "file:///etc/passwd",
    "ipv6": "http://[::1",
    "port": "http://h:port/",
    "link_surrogate": "https://h/\ud800",
    "folder": "/",
    "device": "/dev/zero",
    "tilde": "~nobody-at-all/x",
    "path": Path("x\x00y"),
    "broken_list": [BrokenRepr()],
    "broken_dict": {"enabled": BrokenRepr()},
    "unhashable": {"enabled": []},
    "long_path": "a/" * 5000,
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("field", WIRE_FIELDS)
def test_any_draft_is_held_and_nothing_raises(field: str, name: str) -> None:
    value = ODD[name]
    req = MotionRequest(**{field: value})
    assert getattr(req, field) is value
    req.to_wire()
    assert req.key == req.replace().key
    assert len(req.key) == 64
    for live in (False, True):
        for finding in check(req, live=live):
            finding.message.encode()
            assert finding.message
    media_kind(value), media_name(value), media_source(value)
    assert getattr(req.replace(**{field: None}), field) is None


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.sampled_from(["https://h/a?b=c", "kling-v3-motion-control", "std", "image", "yes"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=6,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(WIRE_FIELDS, ANY)))
def test_any_mixture_is_held(fields: dict[str, object]) -> None:
    req = MotionRequest(**fields)
    wire = req.to_wire()
    assert list(wire) == [name for name in WIRE_FIELDS if name in wire]
    assert req.key == MotionRequest(**fields).key
    check(req)


def test_only_what_is_set_is_sent() -> None:
    req = MotionRequest(
        model="m", image_url="i", video_url="v", prompt="", webhook="", keep_original_sound=None
    )
    assert list(req.to_wire()) == [
        "model", "image_url", "video_url", "character_orientation", "mode", "keep_original_sound",
    ]  # fmt: skip


def test_the_wire_form_is_a_copy() -> None:
    req = MotionRequest(watermark_info={"enabled": True})
    req.to_wire()["watermark_info"]["enabled"] = False
    assert req.watermark_info == {"enabled": True}


class TestFromWire:
    def test_unknown_fields_are_named(self) -> None:
        with pytest.raises(RequestError, match="duration, size") as caught:
            MotionRequest.from_wire({"model": "m", "duration": 5, "size": "1:1"})
        assert "watermark_info" in str(caught.value)

    @pytest.mark.parametrize("wire", [None, [], "text", 7])
    def test_only_an_object_is_a_request(self, wire: object) -> None:
        with pytest.raises(RequestError, match="JSON object"):
            MotionRequest.from_wire(wire)  # type: ignore[arg-type]

    def test_a_body_has_no_default_mode(self) -> None:
        codes = {(one.field, one.code) for one in check(MotionRequest.from_wire({}))}
        assert {("mode", "missing_choice"), ("character_orientation", "missing_choice")} <= codes


def key(**fields: object) -> str:
    return MotionRequest(**{"model": "kling-v3-motion-control", **fields}).key


class TestIdentity:
    def test_defaults_given_are_defaults_left_out(self) -> None:
        explicit = key(
            character_orientation="image",
            mode="std",
            prompt=None,
            keep_original_sound="yes",
            watermark_info=None,
        )
        assert explicit == key() == key(keep_original_sound=None, prompt="")

    def test_where_it_is_announced_is_no_content(self) -> None:
        assert key(webhook="https://h/hook") == key()

    @pytest.mark.parametrize(
        "fields",
        [
            {"mode": "pro"},
            {"character_orientation": "video"},
            {"prompt": "wave"},
            {"keep_original_sound": "no"},
            {"watermark_info": {"enabled": False}},
            {"model": "kling-v2-6-motion-control"},
            {"image_url": "https://h/a"},
        ],
    )
    def test_every_other_field_counts(self, fields: dict[str, object]) -> None:
        assert key(**fields) != key()

    def test_same_bytes_under_another_name_are_the_same(self, tmp_path: Path) -> None:
        one, two, other = tmp_path / "a.png", tmp_path / "b c.jpg", tmp_path / "c.png"
        for path, content in ((one, b"same"), (two, b"same"), (other, b"else")):
            path.write_bytes(content)
        sha = sha256_of(one)
        measured = Image(source=str(one), name="a.png", format="png", width=9, height=9, sha256=sha)
        keys = {key(image_url=value) for value in (one, str(one), two, f"  {two} ", measured)}
        assert len(keys) == 1
        assert key(image_url=other) not in keys
        assert key(video_url=one) not in keys

    def test_changed_bytes_are_another_request_even_at_once(self, tmp_path: Path) -> None:
        """Same size, same clock tick, same inode: the content still counts."""
        path = tmp_path / "a.mp4"
        keys = set()
        for number in range(20):
            path.write_bytes(b"%4d" % number)
            keys.add(key(video_url=path))
        assert len(keys) == 20

    def test_an_old_file_is_hashed_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "a.mp4"
        path.write_bytes(b"x")
        monkeypatch.setattr("motion_widgets.core.hashing._FRESH_NS", -1)
        first = sha256_of(path)
        monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("read again"))
        assert sha256_of(path) == first

    def test_a_pipe_is_not_read(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe.mp4"
        os.mkfifo(pipe)
        with pytest.raises(OSError, match="not a regular file"):
            sha256_of(pipe)
        assert len(key(video_url=pipe)) == 64

    SIGNED: ClassVar = {
        "s3": "X-Amz-Algorithm=A&X-Amz-Credential={n}&X-Amz-Date={n}&X-Amz-Expires=60&X-Amz-Signature={n}",
        "s3_session": "x-amz-security-token={n}&x-amz-signature={n}",
        "s3_v2": "AWSAccessKeyId=A{n}&Expires={n}&Signature={n}",
        "gcs": "X-Goog-Algorithm=A&X-Goog-Date={n}&X-Goog-Signature={n}",
        "gcs_v2": "GoogleAccessId=A&Expires={n}&Signature={n}",
        "azure": (
            "sv=2024-{n}&st={n}&se={n}&sr=b&sp=r&spr=https&sig={n}&skoid={n}&sktid={n}&skt={n}&ske={n}&sks=b"
            "&skv={n}"
        ),
        "cloudfront": "Expires={n}&Signature={n}&Key-Pair-Id=K{n}",
        "cloudfront_policy": "Policy={n}&Signature={n}&Key-Pair-Id=K{n}",
        "oss": "OSSAccessKeyId=A&Expires={n}&Signature={n}",
        "cos": "q-sign-algorithm=sha1&q-ak={n}&q-sign-time={n}&q-signature={n}",
        "network": "token={n}&expires={n}",
        "jwt": "token=eyJh{n}.eyJi{n}.c-_{n}",
    }

    @pytest.mark.parametrize("scheme", SIGNED)
    def test_a_link_signed_anew_is_the_same(self, scheme: str) -> None:
        first, second = (self.SIGNED[scheme].format(n=number) for number in (17, 42))
        base = "https://bucket.example.com/clips/a.mp4"
        same = {key(video_url=f"{base}?{query}") for query in (first, second, first + "#t=1")}
        assert same == {key(video_url=base)}
        versioned = {key(video_url=f"{base}?versionId=3&{query}") for query in (first, second)}
        assert len(versioned) == 1
        assert not versioned & same
        assert key(video_url=f"{base}.mov?{first}") not in same

    @pytest.mark.parametrize(
        ("one", "two"),
        [
            ("https://h/a?id=1", "https://h/a?id=2"), ("https://h/a", "https://h/b"), ("https://h/a", "https://i/a"),
            ("https://h/A", "https://h/a"), ("https://h/a", "http://h/a"), ("https://h/a?x=", "https://h/a"),
            ("https://h/a?x=1&x=2", "https://h/a?x=2"), ("https://h:8443/a", "https://h/a"),
            # What would sign a link elsewhere says here which file is meant.
            ("https://h/get?token=abc", "https://h/get?token=def"), ("https://h/v?sp=1", "https://h/v?sp=2"),
            ("https://h/v?sv=1&se=1", "https://h/v?sv=2&se=1"), ("https://h/v?policy=a", "https://h/v?policy=b"),
        ],
    )  # fmt: skip
    def test_another_path_or_query_is_another_request(self, one: str, two: str) -> None:
        assert key(image_url=one) != key(image_url=two)

    @pytest.mark.parametrize(
        "link",
        [
            "HTTPS://H/a?x=1&y=2",
            "https://h:443/a?x=1&y=2",
            " https://h/a?x=1&y=2\n",
            "https://h/a?y=2&x=1#top",
        ],
    )
    def test_spellings_of_one_link_are_the_same(self, link: str) -> None:
        assert key(image_url=link) == key(image_url="https://h/a?x=1&y=2")

    def test_a_clip_measured_at_a_link_is_that_link(self) -> None:
        clip = Clip(source="https://h/a.mp4", name="a.mp4", format="mp4", length=5.0, width=9, height=9)
        assert key(video_url=clip) == key(video_url="https://h/a.mp4")

    def test_keys_are_the_same_in_every_process(self) -> None:
        code = (
            "from motion_widgets.request.request import MotionRequest as R\n"
            "o = type('O', (), {})()\n"
            "print(R(model={'b', 'a', 'c', 'd'}, prompt='p', watermark_info={'z': 1, 'a': o}, mode=o).key)"
        )
        found = {
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "PYTHONHASHSEED": seed},
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            for seed in ("0", "1", "2")
        }
        assert len(found) == 1


class TestMedia:
    @pytest.mark.parametrize(
        ("value", "kind", "name"),
        [
            (None, "missing", ""),
            ("", "missing", ""),
            ("  ", "missing", ""),
            (7, "type", ""),
            (b"x", "type", ""),
            ("https://h/a/b.mp4?x=/y.mp4", "link", "b.mp4"),
            ("HTTP://h/", "link", "h"),
            ("http://[::1", "link", "http://[::1"),
            ("data:image/png;base64,A/b", "scheme", "b"),
            ("ftp://h/x.mp4", "scheme", "x.mp4"),
            ("clips/a b.mp4", "path", "a b.mp4"),
            (Path("/x/a.mp4"), "path", "a.mp4"),
            ("C:\\x\\a.mp4", "path", "a.mp4"),
            ("/", "path", "/"),
        ],
    )
    def test_kind_and_name(self, value: object, kind: str, name: str) -> None:
        assert (media_kind(value), media_name(value)) == (kind, name)
