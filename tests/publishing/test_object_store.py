"""Publishing to an object store: a real S3 API (moto's server), over HTTP."""

from __future__ import annotations

import hashlib
import importlib
import shutil
import sys
import time
import types
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from fsspec.implementations.local import LocalFileSystem

from motion_widgets import RequestError
from motion_widgets.core.background import spawn
from motion_widgets.publishing.destination import DAY, expires_of
from tests.publishing.conftest import BUCKET

TO = f"s3://{BUCKET}/refs"


def keys(bucket):
    return [one["Key"] for one in bucket.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_signed_link_gives_the_very_bytes_with_parts(bucket, give, clip):
    found = give(clip, TO)
    whole = httpx.get(found.url, trust_env=False, timeout=60)
    part = httpx.get(found.url, headers={"Range": "bytes=0-9"}, trust_env=False, timeout=60)
    assert whole.content == clip.read_bytes()
    assert (part.status_code, part.content) == (206, clip.read_bytes()[:10])
    assert whole.headers["content-type"] == "video/mp4"
    assert found.sha == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert found.size == clip.stat().st_size
    assert "X-Amz-Signature=" in found.url  # the older kind is not taken by buckets of today


def test_name_there_tells_nothing_of_the_file(bucket, give, clip):
    found = give(clip, TO)
    assert keys(bucket) == [f"refs/{found.name}"]
    assert found.name == f"{found.sha[:32]}.mp4"
    assert give(clip, TO, wanted="dance.mp4").url.partition("?")[0].endswith("/refs/dance.mp4")


def test_same_bytes_keep_their_living_link(bucket, give, clip, image, tmp_path):
    twin = tmp_path / "other.mp4"
    twin.write_bytes(clip.read_bytes())
    first = give(clip, TO)
    assert give(twin, TO) == first
    assert give(image, TO).url != first.url
    assert len(keys(bucket)) == 2


def test_link_that_dies_too_soon_is_signed_anew_and_nothing_is_sent_again(bucket, give, clip):
    first = give(clip, TO, life=8000.0)
    stamp = bucket.head_object(Bucket=BUCKET, Key=f"refs/{first.name}")["LastModified"]
    again = give(clip, TO, life=2 * DAY)
    assert again.url != first.url
    assert again.expires > time.time() + 1.9 * DAY
    assert again.expires == expires_of(again.url)
    assert bucket.head_object(Bucket=BUCKET, Key=f"refs/{first.name}")["LastModified"] == stamp


def test_life_longer_than_can_be_signed(bucket, give, clip):
    with pytest.raises(RequestError, match="at most 7 days; 8 were"):
        give(clip, TO, life=8 * DAY)
    assert keys(bucket) == []


def test_missing_bucket_is_said_without_a_secret(bucket, give, clip):
    with pytest.raises(RequestError, match="no-such-bucket/x did not accept") as caught:
        give(clip, "s3://no-such-bucket/x")
    frame, seen = caught.value.__traceback__, []
    while frame is not None:
        seen.append(repr(frame.tb_frame.f_locals))
        frame = frame.tb_next
    assert "testing-secret" not in f"{caught.value!s}{caught.value.__context__!r}{''.join(seen)}"


@pytest.mark.parametrize(
    ("to", "says"),
    [("memory://x/y", "create signed links"), ("nosuchstore://x/y", "did not accept|not installed")],
)
def test_stores_that_sign_nothing_or_are_none(give, clip, to, says):
    with pytest.raises(RequestError, match=says):
        give(clip, to)


class Cloud(LocalFileSystem):
    """A store on this disk that takes and signs as gcsfs 2026.10 and adlfs 2026.8 do, by their signatures.

    Their own emulators need Node.js, or a hundred megabytes of packages; what is kept here was compared with
    Azurite and with gcsfs' own signatures once.
    """

    home: Path
    seen: ClassVar[list[dict[str, object]]] = []

    @classmethod
    def _strip_protocol(cls, path):
        return str(cls.home / str(path).partition("://")[2]) if "://" in str(path) else str(path)

    def put_file(self, lpath, rpath, callback=None, **kwargs):  # noqa: ARG002 - its shape
        self.seen.append(kwargs)
        Path(rpath).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(lpath, rpath)

    def sign(self, path, expiration=100, **kwargs):
        self.seen.append(kwargs)
        assert Path(path).is_file()
        until = datetime.now(UTC) + timedelta(seconds=expiration)
        if kwargs.get("version") == "v4":
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            query = f"X-Goog-Date={now}&X-Goog-Expires={expiration}&X-Goog-Signature=1"
        else:
            query = f"se={until.strftime('%Y-%m-%dT%H%%3A%M%%3A%SZ')}&sp=r&sr=b&sig=1"
        return f"https://cloud.example/{Path(path).name}?{query}"


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    """Stores under the addresses of Google and Azure, and what Azure's own package would be asked for."""
    described = types.ModuleType("azure.storage.blob")
    described.ContentSettings = lambda content_type: content_type
    monkeypatch.setitem(sys.modules, "azure.storage.blob", described)
    made = type("Cloud", (Cloud,), {"home": tmp_path / "cloud", "seen": [], "protocol": ("gs", "az", "abfs")})
    for scheme in made.protocol:
        monkeypatch.setitem(importlib.import_module("fsspec.registry")._registry, scheme, made)
    return made


def test_google_is_asked_for_the_newest_signature_in_seconds(cloud, give, clip):
    found = give(clip, "gs://bucket/refs", life=3 * DAY)
    assert found.expires == pytest.approx(time.time() + 3 * DAY, abs=30)
    assert cloud.seen == [{}, {"version": "v4"}]
    assert (cloud.home / "bucket" / "refs" / found.name).read_bytes() == clip.read_bytes()
    with pytest.raises(RequestError, match="at most 7 days; 8 were"):
        give(clip, "gs://bucket/refs", life=8 * DAY)


@pytest.mark.parametrize("scheme", ["az", "abfs"])
def test_azure_is_told_what_a_file_is_and_may_sign_for_longer(cloud, give, clip, scheme):
    found = give(clip, f"{scheme}://container/refs", life=9 * DAY)
    assert found.expires == pytest.approx(time.time() + 9 * DAY, abs=30)
    assert cloud.seen == [{"content_settings": "video/mp4"}, {}]
    assert give(clip, f"{scheme}://container/refs", life=10 * DAY).url != found.url
    assert cloud.seen[2:] == [{}], "it is there already, so it is only signed anew"


def test_many_at_once_publish_once(bucket, publisher, clip):
    from motion_widgets.publishing.destination import Destination

    waiting = [spawn(publisher.publish(clip, Destination.read(TO), client=None)) for _ in range(12)]
    links = {one.result(60).url for one in waiting}
    assert (len(links), len(keys(bucket))) == (1, 1)


def test_clip_that_the_endpoint_refuses_is_not_made_public(bucket, give, tmp_path):
    wrong = tmp_path / "page.mp4"
    wrong.write_bytes(b"\x00\x00\x00\x18ftypisom" + bytes(100))
    with pytest.raises(Exception, match="page"):
        give(wrong, TO)
    assert keys(bucket) == []
