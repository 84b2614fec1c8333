"""The small server: exactly one file, unguessable, in parts, for its time."""

from __future__ import annotations

import socket
import threading
import time

import httpx
import pytest

from motion_widgets import RequestError
from motion_widgets.publishing import file_server
from tests.jobs.endpoint import until
from tests.loopback import free_port


def get(url, method="GET", **headers):
    return httpx.request(method, url, headers=headers, trust_env=False, timeout=60)


@pytest.fixture
def shown(give, clip):
    return give(clip, "serve")


def test_file_in_whole_in_parts_and_by_head(shown, clip):
    content = clip.read_bytes()
    assert get(shown.url).content == content
    part = get(shown.url, Range="bytes=5-14")
    assert (part.status_code, part.content) == (206, content[5:15])
    assert part.headers["content-range"] == f"bytes 5-14/{len(content)}"
    head = get(shown.url, "HEAD")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(content)), b"")
    assert head.headers["content-type"] == "video/mp4"
    assert get(shown.url, Range=f"bytes={len(content)}-").status_code == 416


def test_nothing_else_is_there(shown, clip):
    base, _, token = shown.url.rpartition("/")
    others = [
        "", "index.html", token[:-5] + "x.mp4", token + "/", f"{token}/../{clip.name}",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/" + clip.name, token.upper(), token.removesuffix(".mp4"), "openapi.json",
    ]  # fmt: skip
    assert {one: get(f"{base}/{one}").status_code for one in others} == dict.fromkeys(others, 404)
    assert get(shown.url, "POST").status_code == 405
    assert get(shown.url, "DELETE").status_code == 405
    assert len(token) > 43  # 256 bits
    assert clip.name not in shown.url


def test_raw_path_cannot_leave(shown):
    host, port = "127.0.0.1", int(shown.url.split(":")[2].split("/")[0])
    with socket.create_connection((host, port), 60) as wire:
        wire.sendall(b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while chunk := wire.recv(4096):
            answer += chunk
    assert b" 404 " in answer.split(b"\r\n")[0]
    assert b"root:" not in answer


def test_same_file_keeps_its_link_and_another_gets_its_own(shown, give, clip, image):
    assert give(clip, "serve").url == shown.url
    other = give(image, "serve")
    assert get(other.url).content == image.read_bytes()
    assert get(shown.url).content == clip.read_bytes()


def test_a_file_of_many_jobs_has_one_thread_that_ends_it(shown, give, clip):
    """Each job of a sweep began another, which slept for a day: thousands were more than a system takes."""

    def timers():
        return {one for one in threading.enumerate() if isinstance(one, threading.Timer)}

    before = timers()
    assert {give(clip, "serve").url for _ in range(5)} == {shown.url}
    assert timers() <= before


def refused(url):
    try:
        get(url)
    except httpx.TransportError:
        return True
    return False


def test_closed_file_is_gone_and_the_port_with_the_last(shown, give, image):
    other = give(image, "serve")
    shown.close()
    assert get(shown.url).status_code == 404
    assert get(other.url).status_code == 200
    other.close()
    until(lambda: refused(other.url))


def test_its_time_ends_by_itself(tmp_path, clip):

    url = file_server.show("", clip, "x.mp4", time.time() + 0.3)
    until(lambda: refused(url))
    assert not file_server._servers


def test_its_time_ends_by_itself_also_where_it_was_put_off(tmp_path, clip):
    ends = time.time() + 2
    link = file_server.show("", clip, "a.mp4", ends)
    assert file_server.show("", clip, "a.mp4", ends + 0.2) == link
    until(lambda: refused(link))
    assert time.time() > ends + 0.2


def test_link_is_dead_the_moment_its_time_is_over(tmp_path, clip, image, give):
    give(image, "serve")  # keeps the server up

    url = file_server.show("", clip, "x.mp4", time.time() - 1)
    assert get(url).status_code == 404


def test_tunnel_address_leads_to_a_port_of_loopback(give, clip):
    port = free_port()
    found = give(clip, f"serve:https://my.tunnel.example#{port}")
    assert found.url.startswith("https://my.tunnel.example/")
    assert get(f"http://127.0.0.1:{port}/{found.url.rpartition('/')[2]}").content == clip.read_bytes()


def test_a_port_is_taken_again_the_moment_its_last_file_is_gone(give, clip, image):
    to = f"serve:https://my.tunnel.example#{free_port()}"
    for path in (clip, image, clip):
        found = give(path, to)
        local = f"http://127.0.0.1:{to.rpartition('#')[2]}/{found.url.rpartition('/')[2]}"
        assert get(local).content == path.read_bytes()
        found.close()


def test_port_that_is_taken(give, clip):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RequestError, match=f"Port {taken.getsockname()[1]} of this machine"):
            give(clip, f"serve:https://my.tunnel.example#{taken.getsockname()[1]}")
    with pytest.raises(RequestError, match="not a place"):
        give(clip, "serve:https://my.tunnel.example#x")


def test_nothing_of_it_is_remembered_beyond_the_process(shown, tmp_path):
    assert not (tmp_path / "published.json").exists()
