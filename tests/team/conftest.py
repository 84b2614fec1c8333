from __future__ import annotations

import pytest

from motion_widgets import MotionRequest
from motion_widgets.jobs.scheduling import timing
from tests.jobs.conftest import clip_bytes, endpoint, hurry, opening, req  # noqa: F401
from tests.jobs.endpoint import KEY, make_png
from tests.publishing.conftest import BUCKET, bucket, s3  # noqa: F401


@pytest.fixture
def place(request, tmp_path):
    """The address of a shared path: a folder, or a bucket behind a real S3 API."""
    if getattr(request, "param", "file") == "s3":
        request.getfixturevalue("bucket")
        return f"s3://{BUCKET}/team"
    return (tmp_path / "shared").as_uri()


@pytest.fixture
def at(tmp_path, endpoint, address, place, monkeypatch):  # noqa: F811
    """Open a person's workspace in a folder of their own: at("ana") -> Workspace."""
    monkeypatch.setattr(timing, "OUTBOX", (0.05, 0.1))
    with opening(endpoint=endpoint.url, key=KEY, log=address, shared=place) as make:

        def make_for(person, **options):
            monkeypatch.setenv("MOTION_WIDGETS_USER", person)
            return make(tmp_path / person, **options)

        yield make_for
        endpoint.let_go.set()


@pytest.fixture
def local_req(tmp_path, endpoint):  # noqa: F811
    """A request whose image is a file on the submitter's disk."""
    image = tmp_path / "ana's disk" / "hero.png"
    image.parent.mkdir()
    image.write_bytes(make_png("red"))
    return MotionRequest(
        model="kling-v2-6-motion-control", image_url=str(image),
        video_url=f"{endpoint.url}/media/clip.mp4", prompt="wave",
    )  # fmt: skip
