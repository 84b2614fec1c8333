"""Publishing to an object store: a real S3 API (moto's server), over HTTP."""

from __future__ import annotations

import hashlib
import time

import httpx
import pytest

from motion_widgets import RequestError
from motion_widgets.endpoint.publishing.place import DAY, expires_of
from motion_widgets.jobs.loop import spawn
from tests.unit.publish.conftest import BUCKET

TO = f"s3://{BUCKET}/refs"


def keys(bucket):
    return [one["Key"] for one in bucket.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_signed_link_gives_the_very_bytes_with_parts(bucket, give, clip):
    found = give(clip, TO)
    whole = httpx.get(found.url, trust_env=False)
    part = httpx.get(found.url, headers={"Range": "bytes=0-9"}, trust_env=False)
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
    with pytest.raises(RequestError, match="no-such-bucket/x did not take") as caught:
        give(clip, "s3://no-such-bucket/x")
    frame, seen = caught.value.__traceback__, []
    while frame is not None:
        seen.append(repr(frame.tb_frame.f_locals))
        frame = frame.tb_next
    assert "testing-secret" not in f"{caught.value!s}{caught.value.__context__!r}{''.join(seen)}"


@pytest.mark.parametrize(
    ("to", "says"), [("memory://x/y", "signs no links"), ("nosuchstore://x/y", "did not take|not installed")]
)
def test_stores_that_sign_nothing_or_are_none(give, clip, to, says):
    with pytest.raises(RequestError, match=says):
        give(clip, to)


def test_many_at_once_publish_once(bucket, publisher, clip):
    from motion_widgets.endpoint.publishing.place import Place

    waiting = [spawn(publisher.publish(clip, Place.read(TO), client=None)) for _ in range(12)]
    links = {one.result(60).url for one in waiting}
    assert (len(links), len(keys(bucket))) == (1, 1)


def test_clip_that_the_endpoint_refuses_is_not_made_public(bucket, give, tmp_path):
    wrong = tmp_path / "page.mp4"
    wrong.write_bytes(b"\x00\x00\x00\x18ftypisom" + bytes(100))
    with pytest.raises(Exception, match="page"):
        give(wrong, TO)
    assert keys(bucket) == []
