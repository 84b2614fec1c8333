from __future__ import annotations

import pytest

from motion_widgets.core.background import spawn
from motion_widgets.publishing import file_server
from motion_widgets.publishing.destination import Destination
from motion_widgets.publishing.publisher import LinkCache, Publisher
from tests.jobs.conftest import clip_bytes, endpoint, hurry, req, spaces, ws  # noqa: F401
from tests.jobs.endpoint import make_png

BUCKET = "clips"


@pytest.fixture
def clip(tmp_path, clip_bytes):  # noqa: F811
    path = tmp_path / "my holiday; $(touch evil).mp4"
    path.write_bytes(clip_bytes)
    return path


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "me.png"
    path.write_bytes(make_png("red"))
    return path


@pytest.fixture
def publisher(tmp_path):
    return Publisher(LinkCache(tmp_path), here=True)


@pytest.fixture
def give(publisher):
    """Publish at once, off the loop."""

    def give(path, to, *, client=None, by=publisher, **wishes):
        return spawn(by.publish(path, Destination.read(to), client=client, **wishes)).result(60)

    return give


@pytest.fixture(autouse=True)
def nothing_stays_shown():
    yield
    for server in list(file_server._servers.values()):
        for shown in list(server.shown.values()):
            file_server.hide(shown.url)
    assert not file_server._servers


@pytest.fixture(scope="session")
def s3():
    """A real S3 API over HTTP, on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3, monkeypatch):
    """A bucket, and a machine whose own settings lead to it."""
    import boto3
    import fsspec.config
    import httpx

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": s3})
    httpx.post(f"{s3}/moto-api/reset", trust_env=False, timeout=60).raise_for_status()
    store = boto3.client("s3", endpoint_url=s3)
    store.create_bucket(Bucket=BUCKET)
    return store
