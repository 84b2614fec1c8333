"""Destinations as people write them, how each is shown, and when a signed link says that it expires."""

from __future__ import annotations

import calendar
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets import RequestError
from motion_widgets.publishing.destination import DAY, Destination, Published, expires_of, hours, say_expiry

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp()


class TestRead:
    @pytest.mark.parametrize(
        ("to", "kind", "label"),
        [
            (" endpoint ", "endpoint", "upload"),
            ("result:job-1", "result", "result:job-1"),
            ("serve", "serve", "(at localhost)"),
            ("serve:https://my.tunnel.example/x", "serve", "(at my.tunnel.example)"),
            ("s3://bucket/team", "store", "s3://bucket/team"),
            ("S3://bucket/team", "store", "s3://bucket/team"),
            ("az://me:geheim@host/x?sig=geheim", "store", "az://host/x"),
            ("rclone copyto {path} r:x/{name} && echo https://h/{name}", "command", "your command rclone"),
        ],
    )
    def test_each_kind(self, to, kind, label):
        place = Destination.read(to)
        assert (place.kind, place.to) == (kind, to.strip())
        assert label in place.label

    @pytest.mark.parametrize(
        "to", ["serve:https://[::1", "s3://[bucket/x", "serve:https://[x]y/", "s3://[::1"]
    )
    def test_half_an_address_is_no_place(self, to):
        with pytest.raises(RequestError, match="not a place to publish"):
            Destination.read(to)

    @pytest.mark.parametrize(
        "settings",
        [
            "AWS_SECRET_ACCESS_KEY=geheim", "A=1 TOKEN=geheim", "TOKEN='geheim und mehr'",
            'TOKEN="geheim \\" und mehr"', "TOKEN=geheim\\ mehr", "TOKEN=ge'he im'geheim",
            "  TOKEN= B=geheim",
        ],
    )  # fmt: skip
    def test_a_setting_before_a_command_is_not_shown(self, settings):
        place = Destination.read(f"{settings} aws s3 cp {{path}} s3://x/{{name}}")
        assert place.label == "your command aws"
        assert "geheim" not in repr(place)

    def test_a_command_of_settings_alone_has_no_name(self):
        assert Destination.read("TOKEN=geheim{path}").label.strip() == "your command"

    def test_what_is_told_of_no_place_hides_a_password(self):
        with pytest.raises(RequestError) as caught:
            Destination.read("https://me:geheim@h.example/x?sig=geheim")
        assert "geheim" not in str(caught.value)

    def test_visitors_publish_to_the_sandbox_and_results_only(self, monkeypatch):
        monkeypatch.setattr("motion_widgets.publishing.destination.in_visitor_mode", lambda: True)
        assert Destination.read("endpoint").kind == "endpoint"
        assert Destination.read("result:job-1").kind == "result"
        for to in ("serve", "s3://x/y", "rm {path}", "nonsense"):
            with pytest.raises(RequestError) as caught:
                Destination.read(to)
            assert caught.value.code == "visitor_place"

    def test_a_digest_tells_places_apart_and_tells_nothing(self):
        one, other = Destination.read("s3://x/geheim"), Destination.read("s3://x/other")
        assert one.digest == Destination.read(" s3://x/geheim ").digest != other.digest
        assert len(one.digest) == 16
        assert set(one.digest) <= set("0123456789abcdef")

    @pytest.mark.parametrize(
        ("to", "life"),
        [
            ("endpoint", 3 * DAY),
            ("s3://x/y", DAY),
            ("serve", DAY),
            ("up {path}", None),
            ("result:job-1", None),
        ],
    )
    def test_how_long_a_link_lives_there(self, to, life):
        assert Destination.read(to).life == life


def dated(moment):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))


class TestExpiry:
    @pytest.mark.parametrize(
        "query",
        [
            f"X-Amz-Date={dated(NOON - 600)}&X-Amz-Expires=600&X-Amz-Signature=s",
            f"x-goog-date={dated(NOON - 60)}&x-goog-expires=60",
            "sig=s&se=2026-12-01T12:00:00Z", "sig=s&se=2026-12-01T12:00:00",
            "sig=s&se=2026-12-01T13:00:00%2B01:00",
            f"Signature=s&Expires={NOON:.0f}",
        ],
    )  # fmt: skip
    def test_each_cloud_says_it_in_its_own_words(self, query):
        assert expires_of(f"https://h.example/x?{query}") == NOON

    @pytest.mark.parametrize(
        "query",
        [
            "", "X-Amz-Date=20261201T110000Z", "X-Amz-Expires=60", "X-Amz-Date=soon&X-Amz-Expires=60",
            f"X-Amz-Date={dated(NOON)}&X-Amz-Expires=long", "sig=s&se=never", "se=2026-12-01", "Expires=1",
            "Signature=s&Expires=", "Signature=s&Expires=" + "9" * 5000, "Signature=s&Expires=1e9",
        ],
    )  # fmt: skip
    def test_a_link_that_does_not_say(self, query):
        assert expires_of(f"https://h.example/x?{query}") is None
        assert expires_of(f"https://[half/x?{query}") is None

    @pytest.mark.parametrize("expires", [1790000000000, -5, 10**15])
    def test_a_moment_in_no_calendar_is_not_said(self, expires):
        """Milliseconds in place of seconds are the year 58692, which no text of a date can hold."""
        assert expires_of(f"https://h.example/x?Signature=s&Expires={expires}") is None

    @given(st.integers(-(10**18), 10**18))
    def test_whatever_it_says_can_be_shown(self, expires):
        found = expires_of(f"https://h.example/x?Signature=s&Expires={expires}")
        shown = repr(Published("https://h.example/x", found, "0" * 64, "n.mp4", 1, "there"))
        assert shown.startswith("<Published n.mp4 at https://h.example, ")
        if found is not None:
            assert time.strftime("%Y-%m-%d %H:%M", time.gmtime(expires)).lstrip("0") in shown

    def test_in_words(self):
        assert say_expiry(NOON) == "which expires at 2026-12-01 12:00 UTC"
        assert "2026" not in say_expiry(None)
        assert hours(36 * 3600) == "for about 36 h"
        assert hours(None) != hours(0.0)

    def test_a_link_lives_as_long_as_it_says(self):
        def published(expires):
            return Published("https://h/x", expires, "0" * 64, "n", 1, "there")

        assert published(None).lives(10**9)
        assert published(time.time() + 3600).lives(1800)
        assert not published(time.time() + 3600).lives(7200)

    def test_noon_is_noon(self):
        assert calendar.timegm((2026, 12, 1, 12, 0, 0)) == NOON
