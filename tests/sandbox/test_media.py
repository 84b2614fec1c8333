"""Uploads and hosted files: named by content, sent in ranges, inside the folder."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.conftest import Wire, png, refused


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_uploads(wire: Wire, kind):
    content = png(kind=kind)
    answer = wire.http.post("/v1/uploads/images", files={"file": ("../../é?.bin", content, "text/plain")})
    data = answer.json()
    assert answer.status_code == 200
    assert set(data) == {"url", "filename", "content_type", "bytes", "created_at"}
    assert data["content_type"] == f"image/{kind.lower()}"
    assert data["bytes"] == len(content)
    got = httpx.get(data["url"])
    assert got.content == content
    assert got.headers["content-type"] == data["content_type"]


def test_upload_refusals(wire: Wire, clip):
    post = wire.http.post
    refused(post("/v1/uploads/images", files={"file": ("a.png", b"<svg/>")}))
    refused(post("/v1/uploads/images", files={"file": ("a.mp4", clip())}))
    refused(post("/v1/uploads/images", files={"file": ("a.bmp", png(kind="BMP"))}), "bmp")
    refused(post("/v1/uploads/images", files={"other": ("a.png", png())}), "file")
    refused(post("/v1/uploads/images", data={"file": "text"}), "file")
    refused(post("/v1/uploads/images", content=b"x", headers={"Content-Type": "multipart/form-data"}))
    refused(post("/v1/uploads/images", files={"file": ("a.png", png() + bytes(20_000_000))}), http=413)
    refused(post("/v1/uploads/images", content=bytes(21_000_000)), http=413)
    fits = png() + bytes(20_000_000 - len(png()))
    assert post("/v1/uploads/images", files={"file": ("a.png", fits)}).status_code == 200


def test_hosting_names_by_content_and_refuses_the_empty_and_the_huge(wire: Wire):
    one, two = wire.host(png()), wire.host(png())
    assert one == two
    assert one.endswith(".png")
    refused(wire.http.post("/sandbox/media", content=b""))
    chunks = (bytes(1_000_000) for _ in range(201))
    refused(wire.http.post("/sandbox/media", content=chunks), "200 MB", http=413)
    assert wire.host(b"<script>alert(1)</script>").endswith(".bin")


@pytest.mark.parametrize(
    "path", ["/media/../token", "/media/%2e%2e/token", "/media/..%2ftoken", "/media/token"]
)
def test_no_way_out_of_the_folder(wire: Wire, path):
    answer = wire.http.get(path)
    assert answer.status_code == 404
    assert wire.sandbox.token not in answer.text


def test_ranges(wire: Wire, clip):
    content = clip(3.2)
    link = wire.host(content)
    whole = httpx.get(link)
    assert whole.content == content
    assert whole.headers["accept-ranges"] == "bytes"
    etag = whole.headers["etag"]
    part = httpx.get(link, headers={"Range": "bytes=100-199", "If-Range": etag})
    assert part.status_code == 206
    assert part.content == content[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(content)}"
    assert part.headers["content-length"] == "100"
    assert part.headers["etag"] == etag
    tail = httpx.get(link, headers={"Range": "bytes=-10"})
    assert tail.content == content[-10:]
    assert httpx.get(link, headers={"Range": "bytes=0-9", "If-Range": '"other"'}).status_code == 200
    assert httpx.get(link, headers={"Range": f"bytes={len(content)}-"}).status_code == 416
    head = httpx.head(link)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(content)))
