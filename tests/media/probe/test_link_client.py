"""Where links lead: every hop is judged by the addresses it resolves to, and connected to one of those."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from motion_widgets.core import http
from motion_widgets.core.errors import ClipError
from motion_widgets.core.hosts import is_private
from motion_widgets.media.probe.cache import Cache
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip

OUTSIDE, INSIDE = "127.0.0.1", "127.0.0.2"
"""Two addresses of this machine, the first of which these tests take for a public one."""


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        host, port = self.server.server_address
        self.server.asked[host] += 1
        target = self.server.targets.get(self.path)
        self.send_response(200 if target is None else 302)
        if target is not None:
            self.send_header("Location", target.format(port=port))
        self.send_header("Content-Length", "0")
        self.end_headers()


class Net:
    """Two servers on one port, one outside and one inside, and a name server that says what it is told."""

    def __init__(self, monkeypatch):
        self.asked, self.targets, self.inside = Counter(), {}, {}
        self.names, self.lookups = {}, Counter()
        self._real = socket.getaddrinfo
        self.servers = [ThreadingHTTPServer((OUTSIDE, 0), _Handler)]
        self.port = self.servers[0].server_port
        self.servers.append(ThreadingHTTPServer((INSIDE, self.port), _Handler))
        for server, targets in zip(self.servers, (self.targets, self.inside), strict=True):
            server.asked, server.targets = self.asked, targets
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)
        monkeypatch.setattr(http, "is_private", lambda host: host != OUTSIDE and is_private(host))
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)

    def _look_up(self, host, *args, **options):
        self.lookups[host] += 1
        known = self.names.get(host)
        if known is None:
            return self._real(host, *args, **options)
        found = known.pop(0) if len(known) > 1 else known[0]
        return self._real(found, *args, **options)

    def stop(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def net(monkeypatch):
    made = Net(monkeypatch)
    made.names |= {"outside.example": [OUTSIDE], "inside.example": [INSIDE]}
    yield made
    made.stop()


@pytest.fixture(params=[measure_clip, measure_image])
def measure(request):
    def code(link, **options):
        with pytest.raises(ClipError) as caught:
            request.param(link, cache=None, deadline=60, **options)
        return caught.value

    return code


NOTATIONS = [
    INSIDE, "127.2", "0x7f.2", "0x7f000002", "2130706434", "inside.example",
    "[::ffff:127.0.0.2]", "inside.localhost",
]  # fmt: skip


@pytest.mark.parametrize("host", NOTATIONS)
def test_live_nothing_that_leads_inside_is_asked(net, measure, host):
    """In any notation, typed or at the end of a redirect."""
    error = measure(f"http://{host}:{net.port}/x", public=True)
    assert (error.code, error.reached) == ("link_inside", True)
    assert net.asked == {}
    net.targets["/hop"] = f"http://{host}:{{port}}/x"
    assert measure(f"http://outside.example:{net.port}/hop", public=True).code == "link_inside"
    assert net.asked == {OUTSIDE: 1}


@pytest.mark.parametrize("host", ["0177.0.0.2", "127.0.0.2.", "0x7f.0.0.0x2"])
def test_a_notation_that_no_client_reads_is_not_asked_either(net, measure, host):
    net.targets["/hop"] = f"http://{host}:{{port}}/x"
    for link in (f"http://{host}:{net.port}/x", f"http://outside.example:{net.port}/hop"):
        assert measure(link, public=True).code in ("link_inside", "link_unreachable")
    assert net.asked == {OUTSIDE: 1}


@pytest.mark.parametrize("host", [*NOTATIONS, "169.254.169.254", "localhost", "[::1]", "10.0.0.8"])
def test_a_redirect_from_outside_never_leads_inside(net, measure, host):
    net.targets["/hop"] = f"http://{host}:{{port}}/x"
    assert measure(f"http://outside.example:{net.port}/hop").code == "link_redirect"
    assert net.asked == {OUTSIDE: 1}


def test_the_sandbox_may_ask_this_machine_and_be_led_about_it(net, measure):
    assert measure(f"http://inside.example:{net.port}/x").code == "empty_file"
    assert net.asked == {INSIDE: 1}


def test_a_link_inside_leads_to_no_other_place_inside(net, measure):
    net.inside["/hop"] = "http://10.255.255.1:{port}/x"
    assert measure(f"http://inside.example:{net.port}/hop").code == "link_redirect"
    net.inside["/hop"] = "http://localhost:{port}/x"
    assert measure(f"http://inside.example:{net.port}/hop").code == "empty_file"


def test_a_name_that_leads_elsewhere_at_the_second_look(net, measure):
    """Who connects does not look the name up again (DNS rebinding)."""
    net.names["turning.example"] = [OUTSIDE, INSIDE]
    measure(f"http://turning.example:{net.port}/x", public=True)
    assert net.lookups["turning.example"] == 1
    assert net.asked == {OUTSIDE: 1}
    net.names["turning.example"] = [OUTSIDE, INSIDE]
    measure(f"http://turning.example:{net.port}/x")
    assert net.asked == {OUTSIDE: 2}


def test_what_the_sandbox_measured_is_not_taken_for_live(clips, server):
    """The cache trusts a link for some seconds; switching to live meanwhile must not."""
    cache, link = Cache(), server.put("a.mp4", clips["front"].read_bytes())
    assert measure_clip(link, cache=cache, confirm=False).length
    with pytest.raises(ClipError, match="private network"):
        measure_clip(link, cache=cache, confirm=False, public=True)


def test_by_a_proxy_what_leads_inside_from_here_is_not_asked_for(net, measure, monkeypatch):
    """The proxy looks names up itself, so it gets those only that are public from here, or unknown."""
    monkeypatch.setenv("HTTP_PROXY", f"http://{INSIDE}:{net.port}")
    assert measure("http://inside.example/x", public=True).code == "link_inside"
    assert measure("http://nas.internal/x", public=True).code == "link_inside"
    assert net.asked == {}
    with suppress(ClipError):
        measure("http://outside.example/x", public=True)
    assert net.asked == {INSIDE: 1}
