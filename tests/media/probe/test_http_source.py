"""Links: what is asked for, how much is read, and every way a server can fail."""

from __future__ import annotations

import asyncio
import io
import socket
from contextlib import suppress

import httpx
import pytest
from PIL import Image

from motion_widgets.core import http
from motion_widgets.core.background import spawn
from motion_widgets.core.errors import ClipError
from motion_widgets.core.http import shared_transport
from motion_widgets.media.probe import http_source as link_room
from motion_widgets.media.probe import link_client
from motion_widgets.media.probe.cache import Cache
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip


def padded(data: bytes, front: bool, bulk: int = 3_000_000) -> bytes:
    """Put a large `free` box beside the media, so that the header is not in the first 40 KB by chance."""
    at = int.from_bytes(data[:4], "big")
    box = bulk.to_bytes(4, "big") + b"free" + bytes(bulk - 8)
    return data + box if front else data[:at] + box + data[at:]


def code_of(link: str, **options) -> ClipError:
    with pytest.raises(ClipError) as caught:
        measure_clip(link, **options)
    return caught.value


def test_moov_in_front_takes_one_request(clips, server):
    data = padded(clips["front"].read_bytes(), front=True)
    clip = measure_clip(server.put("a.mp4", data) + "?token=secret")
    assert (clip.requests, clip.fetched, clip.size) == (1, 40_960, len(data))
    assert (clip.name, clip.source) == ("a.mp4", f"{server.base}/a.mp4?token=secret")
    assert clip.moviepy_length == pytest.approx(clip.length, abs=0.01)
    assert server.seen[0]["range"] == "bytes=0-40959"
    assert server.seen[0]["accept-encoding"] == "identity"


def test_moov_at_the_end_takes_one_more(clips, server):
    data = padded(clips["end"].read_bytes(), front=False, bulk=9_000_000)
    clip = measure_clip(server.put("b.mp4", data), confirm=False)
    assert clip.requests == 2
    assert clip.fetched < 40_960 + len(data) - 9_000_000
    assert clip.length == measure_clip(clips["end"], confirm=False).length


def test_long_header_in_front_is_completed_exactly(clips, server):
    data = clips["front"].read_bytes()
    at = data.index(b"moov")
    size = int.from_bytes(data[at - 4 : at], "big")
    bulk = (60_000).to_bytes(4, "big") + b"free" + bytes(59_992)
    data = data[: at - 4] + (size + 60_000).to_bytes(4, "big") + b"moov" + bulk + data[at + 4 :]
    clip = measure_clip(server.put("c.mp4", padded(data, front=True)), confirm=False)
    # The head of the box behind it comes along; by it the cut-off file is known.
    assert (clip.requests, clip.fetched) == (2, at - 4 + size + 60_000 + link_room.NEXT)
    assert not clip.truncated
    cut = padded(data, front=True)[: at + size + 61_000]
    assert measure_clip(server.put("cut.mp4", cut), confirm=False).truncated


@pytest.mark.parametrize("name", ["frag", "dash", "sidx"])
def test_fragmented(clips, server, name):
    clip = measure_clip(server.put("f.mp4", clips[name].read_bytes()), confirm=False)
    assert clip.fragmented
    assert clip.length == pytest.approx(measure_clip(clips[name], confirm=False).length, abs=0.05)
    assert clip.requests <= 8


@pytest.mark.parametrize("large", [False, True])
def test_fragmented_by_the_table_at_the_end(clips, server, large):
    data = clips["frag"].read_bytes()
    assert b"mfra" in data
    at = data.index(b"moof") - 4
    if large:  # the table's offsets move along
        grown = bytearray(data)
        table = data.rindex(b"mfra")
        where = table
        while (where := grown.find(b"tfra", where + 1)) > 0:
            wide = grown[where + 4] == 1
            count = int.from_bytes(grown[where + 16 : where + 20], "big")
            step = (16 if wide else 8) + 3
            for row in range(where + 20, where + 20 + count * step, step):
                spot, width = (row + 8, 8) if wide else (row + 4, 4)
                moved = int.from_bytes(grown[spot : spot + width], "big") + 5_000_000
                grown[spot : spot + width] = moved.to_bytes(width, "big")
        data = bytes(grown)
        data = data[:at] + (5_000_000).to_bytes(4, "big") + b"free" + bytes(4_999_992) + data[at:]
    clip = measure_clip(server.put("g.mp4", data), confirm=False)
    assert clip.length == pytest.approx(measure_clip(clips["frag"], confirm=False).length, abs=0.05)
    assert clip.requests <= 5
    assert clip.fetched < 1_000_000


def test_no_range_moov_in_front_stops_the_stream(clips, server):
    data = padded(clips["front"].read_bytes(), front=True, bulk=60_000_000)
    clip = measure_clip(server.put("h.mp4", data, "whole"), confirm=False)
    assert clip.requests == 1
    assert clip.fetched < 1_000_000
    assert clip.size == len(data)


def test_no_range_moov_at_the_end_reads_it_all(clips, server):
    data = padded(clips["end"].read_bytes(), front=False, bulk=5_000_000)
    clip = measure_clip(server.put("i.mp4", data, "whole"), confirm=False)
    assert clip.fetched == len(data)
    assert clip.length == measure_clip(clips["end"], confirm=False).length
    fragmented = measure_clip(server.put("i.mp4", clips["frag"].read_bytes(), "whole"), confirm=False)
    assert fragmented.length == pytest.approx(6.0, abs=0.1)


def test_no_range_and_too_far(clips, server):
    data = padded(clips["end"].read_bytes(), front=False, bulk=101 << 20)
    error = code_of(server.put("j.mp4", data, "whole"), deadline=120)
    assert (error.code, error.reached, error.params["limit"]) == ("link_no_range", False, 100)


@pytest.mark.parametrize("status", ["404", "410", "403", "500", "503", "204"])
def test_status(clips, server, status):
    error = code_of(server.put("k.mp4", b"x", status))
    assert (error.code, error.reached, error.params["status"]) == ("link_dead", False, int(status))
    assert error.params["host"] == "127.0.0.1"


@pytest.mark.parametrize("mode", ["stall", "drip", "drip_headers"])
def test_slow(clips, server, mode):
    error = code_of(server.put("l.mp4", clips["front"].read_bytes(), mode), deadline=0.5)
    assert (error.code, error.reached, error.params["seconds"]) == ("link_slow", False, "0.5")


def test_gzip_is_refused(clips, server):
    error = code_of(server.put("m.mp4", clips["front"].read_bytes(), "gzip"))
    assert (error.code, error.params["found"]) == ("link_encoded", "gzip")


def test_redirects(clips, server):
    server.put("n.mp4", padded(clips["end"].read_bytes(), front=False, bulk=9_000_000))
    clip = measure_clip(f"{server.base}/hop/2/n.mp4", confirm=False)
    # The final address is kept, so the second part takes no further hops.
    assert clip.requests == 5
    assert code_of(f"{server.base}/hop/9/n.mp4").code == "link_redirect"
    assert code_of(server.put("n.mp4", b"x", "to_file")).code == "link_redirect"


def test_unreachable():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, never listening: nobody else gets the port
        error = code_of(f"http://127.0.0.1:{held.getsockname()[1]}/a.mp4", deadline=60)
    assert (error.code, error.reached) == ("link_unreachable", False)
    assert "refuses" in error.params["found"]
    assert code_of("http://nothing.invalid/a.mp4", deadline=5).code in {"link_unreachable", "link_slow"}
    for odd in ("http:///a.mp4", "http://[::1/a.mp4", "http://x:99999999/a.mp4", "http://a b/c"):
        assert code_of(odd, deadline=60).code == "link_unreachable"


def test_tls_to_a_plain_server(server):
    link = server.put("o.mp4", b"x").replace("http:", "https:")
    error = code_of(link, deadline=60)
    assert (error.code, error.reached) == ("link_unreachable", False)


@pytest.mark.parametrize("link", ["ftp://h/a.mp4", "file:///etc/passwd", "rtsp://h/a", "concat://x"])
def test_scheme(link):
    error = code_of(link)
    assert (error.code, error.reached) == ("link_scheme", False)


def test_content_that_is_no_clip(clips, server):
    assert code_of(server.put("p.mp4", b"<html>sign in")).code == "html_file"
    assert code_of(server.put("p.mp4", clips["webm"].read_bytes())).code == "wrong_format"
    assert code_of(server.put("p.mp4", b"")).code == "empty_file"
    assert code_of(server.put("p.mp4", b"", "whole")).code == "empty_file"
    assert code_of(server.put("p.mp4", clips["cut_end"].read_bytes())).code == "no_header"


def test_part_that_was_not_asked_for(clips, server):
    assert code_of(server.put("q.mp4", clips["front"].read_bytes(), "liar")).code == "link_answer"


def test_presigned_link_without_a_file_ending(clips, server):
    link = server.put("bucket/0f3a9c", clips["end"].read_bytes())
    query = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900&X-Amz-Signature=a%2Fb%3D#t=1"
    clip = measure_clip(link + query)
    assert (clip.name, clip.source, clip.format) == ("0f3a9c", link + query, "mp4")
    assert clip.length == measure_clip(clips["end"], confirm=False).length
    # The query is sent as it is: a signature holds for exactly these characters.
    assert server.paths[0] == "/bucket/0f3a9c" + query.partition("#")[0]


@pytest.mark.parametrize("mode", ["chunked", "until_close"])
@pytest.mark.parametrize("name", ["front", "end", "frag"])
def test_server_that_states_no_length(clips, server, mode, name):
    data = clips[name].read_bytes()
    clip = measure_clip(server.put("s.mp4", data, mode))
    whole = measure_clip(clips[name])
    assert (clip.length, clip.moviepy_length) == (whole.length, whole.moviepy_length)
    assert clip.requests == 1
    assert clip.size in (None, len(data))


def test_server_that_states_no_length_and_a_file_cut_off(clips, server):
    cut = clips["cut"].read_bytes()
    for mode in ("chunked", "until_close"):
        assert code_of(server.put("t.mp4", clips["cut_end"].read_bytes(), mode)).code == "no_header"
        assert measure_clip(server.put("u.mp4", cut, mode), confirm=False).length == pytest.approx(
            6, abs=0.05
        )


def test_another_version_between_two_parts_is_no_clip(clips, server):
    data = padded(clips["end"].read_bytes(), front=False, bulk=9_000_000)
    link = server.put("v.mp4", data)
    server.etags = ['"one"', '"two"']
    error = code_of(link)
    assert (error.code, error.reached) == ("link_answer", False)
    assert "version" in error.params["found"]


def test_crafted_boxes_cannot_ask_for_requests_without_end(server):
    step = 70_000
    box = step.to_bytes(4, "big") + b"free" + bytes(step - 8)
    data = b"\0\0\0\x10ftypisom\0\0\0\0" + box * 200
    error = code_of(server.put("w.mp4", data))
    assert error.code == "link_answer"
    assert len(server.seen) <= link_client.REQUESTS


def test_no_connection_is_left_busy(clips, server):
    """After every kind of end, what is open is idle, and no more than the pool keeps."""
    data = padded(clips["front"].read_bytes(), front=True, bulk=30_000_000)
    for mode in ("range", "whole", "gzip", "404", "liar", "stall", "drip", "drip_headers", "chunked"):
        with suppress(ClipError):
            measure_clip(server.put("y.mp4", data, mode), confirm=False, deadline=0.4)
    with suppress(ClipError):
        measure_clip(f"{server.base}/hop/9/y.mp4", confirm=False)

    async def busy():
        pool = shared_transport(httpx.URL(server.base))._pool
        while any(not one.is_idle() for one in pool.connections):
            await asyncio.sleep(0.02)
        return len(pool.connections)

    assert spawn(busy()).result(60) <= 8


def test_a_connection_serves_many_requests(clips, server):
    data = padded(clips["end"].read_bytes(), front=False, bulk=9_000_000)
    link = server.put("z.mp4", data)
    server.etags = ['"one"']
    cache = Cache(fresh=0)
    measure_clip(link, confirm=False, cache=cache)
    before = server.opened
    for _ in range(3):
        measure_clip(link, confirm=False, cache=None)
        measure_clip(link, confirm=False, cache=cache)
    assert len(server.seen) == 2 + 3 * 3
    assert server.opened == before


def test_one_pool_of_connections_for_all_but_those_of_a_proxy(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "inside.example")

    async def pools(*links):
        return [shared_transport(httpx.URL(link)) for link in links]

    here = ["http://127.0.0.1:1/x", "http://localhost/y", "http://a.localhost/z", "http://inside.example/"]
    assert len(set(spawn(pools(*here)).result(60))) == 1
    assert len(set(spawn(pools(here[0], "https://example.com/a", "http://example.org/b")).result(60))) == 2


def test_a_secured_connection_is_kept_for_the_name_that_its_certificate_was_checked_for(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")

    async def pools(*links):
        return [shared_transport(httpx.URL(link)) for link in links]

    first, same, other = spawn(
        pools("https://a.example/x", "https://a.example/y", "https://b.example/x")
    ).result(60)
    assert first is same
    assert first is not other
    spawn(pools(*(f"https://{number}.example/" for number in range(100)))).result(60)
    assert len(http._shared) <= http.NAMES


def test_the_background_loop_never_waits_for_itself(clips, server):
    link = server.put("r.mp4", clips["front"].read_bytes())

    async def measure():
        return measure_clip(link, confirm=False)

    with pytest.raises(RuntimeError, match="wait for itself"):
        spawn(measure()).result(30)


def test_user_name_and_password_of_a_link_are_sent_to_its_host(clips, server):
    link = server.put("r.mp4", clips["front"].read_bytes())
    measure_clip(link.replace("://", "://ana:a%20b@"), confirm=False)
    assert server.seen[-1]["authorization"] == "Basic YW5hOmEgYg=="
    measure_clip(link, confirm=False)
    assert "authorization" not in server.seen[-1]


def test_image_by_link(server):
    out = io.BytesIO()
    Image.new("RGB", (60, 40)).save(out, "PNG")
    data = out.getvalue()
    for mode in ("range", "whole"):
        image = measure_image(server.put("a.png", data, mode) + "?q=1")
        assert (image.width, image.height, image.size, image.name, image.sha256) == (
            60,
            40,
            len(data),
            "a.png",
            None,
        )
    for body, mode, code in [
        (b"", "whole", "empty_file"),
        (bytes(26 << 20), "whole", "image_too_big"),
        (data, "404", "link_dead"),
        (b"<html>", "range", "not_image"),
    ]:
        with pytest.raises(ClipError) as caught:
            measure_image(server.put("a.png", body, mode))
        assert caught.value.code == code


@pytest.mark.parametrize("size", [0, 23, 10**6, 2**32 - 1])
def test_a_table_at_the_end_with_an_absurd_size_is_not_believed(clips, server, size):
    """The fragments are walked instead, and tell the same length."""
    data = clips["frag"].read_bytes()
    assert data[-12:-8] == b"mfro"
    clip = measure_clip(server.put("t.mp4", data[:-4] + size.to_bytes(4, "big")), confirm=False)
    assert clip.length == pytest.approx(measure_clip(clips["frag"], confirm=False).length, abs=0.05)


def test_a_table_that_lists_no_fragment_is_not_believed(clips, server):
    data = bytearray(clips["frag"].read_bytes())
    at = data.rindex(b"mfra")
    while (at := data.find(b"tfra", at + 1)) > 0:
        data[at + 16 : at + 20] = bytes(4)
    clip = measure_clip(server.put("t.mp4", bytes(data)), confirm=False)
    assert clip.length == pytest.approx(measure_clip(clips["frag"], confirm=False).length, abs=0.05)


def test_a_fragment_of_a_track_that_there_is_not_adds_nothing(clips, tmp_path):
    data = bytearray(clips["dash"].read_bytes())
    whole = measure_clip(clips["dash"], confirm=False).length
    at = data.rindex(b"tfhd")
    data[at + 8 : at + 12] = (77).to_bytes(4, "big")
    path = tmp_path / "stray.mp4"
    path.write_bytes(data)
    assert 0 < measure_clip(path, confirm=False).length < whole


def test_samples_that_a_fragment_has_no_room_for_are_an_error(clips, tmp_path):
    data = bytearray(clips["dash"].read_bytes())
    at = data.index(b"trun")
    data[at + 8 : at + 12] = (2**31).to_bytes(4, "big")
    path = tmp_path / "claims.mp4"
    path.write_bytes(data)
    with pytest.raises(ClipError):
        measure_clip(path, confirm=False)


def test_an_index_without_a_timescale_or_a_length_is_none(clips, server):
    """Dividing by it would end in an error, and believing it in a clip of no length."""
    data = clips["sidx"].read_bytes()
    at = data.index(b"sidx")
    whole = measure_clip(clips["sidx"], confirm=False).length
    odd = data[: at + 12] + bytes(4) + data[at + 16 :]
    assert measure_clip(server.put("x.mp4", odd), confirm=False).length == pytest.approx(whole, abs=0.05)


def far_apart(data, bulk=700_000, boxes=14):
    """Return a fragmented clip without its table, with so much between fragments that a hop is a request."""
    data = data[: data.rindex(b"mfra") - 4] if b"mfra" in data else data
    at = data.index(b"moof", data.index(b"moof") + 4) - 4
    return data[:at] + (bulk.to_bytes(4, "big") + b"free" + bytes(bulk - 8)) * boxes + data[at:]


def test_fragments_too_far_apart_to_walk_are_read_with_the_rest_of_the_file(clips, server):
    """Six hops are tried; then one request for all that is left costs less than going on."""
    data = far_apart(clips["frag"].read_bytes())
    clip = measure_clip(server.put("far.mp4", data), confirm=False)
    assert clip.length == pytest.approx(measure_clip(clips["frag"], confirm=False).length, abs=0.05)
    assert clip.requests <= 10
    assert clip.fetched < len(data), "and what was passed is not fetched again"


def test_a_rest_that_is_too_large_is_not_read(clips, server, monkeypatch):
    monkeypatch.setattr("motion_widgets.media.probe.fragments._LARGEST_REST", 1_000_000)
    error = code_of(server.put("huge.mp4", far_apart(clips["frag"].read_bytes())))
    assert error.code == "link_no_range"
    assert len(server.seen) <= 10
