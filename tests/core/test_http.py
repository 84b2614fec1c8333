"""The one HTTP layer: connections to judged addresses only, proxies, and the last moment before sending."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from motion_widgets.core import http as room
from motion_widgets.core.errors import ClipError
from motion_widgets.core.http import (
    PrivateHostError,
    SettingsError,
    get,
    open_transport,
    proxy_for,
    public_addresses,
    send,
)
from motion_widgets.endpoint.api_key import Secret
from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.endpoint.errors import NotSentError
from motion_widgets.media.probe.http_source import LinkSource
from tests.endpoint.wire import BODY, KEY, Asked, Wire, answer, run, says

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PUBLIC, OTHER = "93.184.216.34", "93.184.216.35"


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def names(monkeypatch: pytest.MonkeyPatch, *found: Iterable[str]) -> None:
    """Let every name lead to these addresses; none: it is not known."""

    def look(*_: object, **__: object) -> list[object]:
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", look)


class TestAddresses:
    def test_all_that_a_name_leads_to_once_each_and_four_at_most(self, no_proxy: pytest.MonkeyPatch) -> None:
        names(no_proxy, PUBLIC, PUBLIC, *(f"93.184.216.{one}" for one in range(40, 50)))
        got = run(public_addresses(httpx.URL("https://h.example/a")))
        assert got == [PUBLIC, "93.184.216.40", "93.184.216.41", "93.184.216.42"]

    @pytest.mark.parametrize("inside", ["10.0.0.1", "127.0.0.1", "::1", "fe80::1%3"])
    @pytest.mark.parametrize("proxy", [False, True])
    def test_one_that_is_private_is_enough_to_refuse(
        self, no_proxy: pytest.MonkeyPatch, inside: str, proxy: bool
    ) -> None:
        names(no_proxy, PUBLIC, inside)
        if proxy:
            no_proxy.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        with pytest.raises(PrivateHostError):
            run(public_addresses(httpx.URL("https://h.example/a")))

    @pytest.mark.parametrize("link", ["https://10.0.0.8/", "https://nas.internal/", "https://intranet/"])
    def test_a_proxy_is_not_asked_for_what_is_plainly_inside(
        self, no_proxy: pytest.MonkeyPatch, link: str
    ) -> None:
        names(no_proxy)
        no_proxy.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        with pytest.raises(PrivateHostError):
            run(public_addresses(httpx.URL(link)))

    @pytest.mark.usefixtures("no_proxy")
    def test_a_label_that_no_name_server_takes_is_a_name_that_nobody_knows(self) -> None:
        with pytest.raises(OSError, match="label"):
            run(public_addresses(httpx.URL(f"https://{'a' * 64}.example/")))

    def test_a_name_that_nobody_knows_is_left_to_the_proxy_if_there_is_one(
        self, no_proxy: pytest.MonkeyPatch
    ) -> None:
        names(no_proxy)
        with pytest.raises(OSError, match="not known"):
            run(public_addresses(httpx.URL("https://h.example/a")))
        no_proxy.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        assert run(public_addresses(httpx.URL("https://h.example/a"))) == []


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://h.example/", "http://p.example:3128"), ("http://h.example/", "socks5://p.example"),
        ("https://inside.example/", None), ("https://127.0.0.1/", None), ("http://localhost:8/", None),
        ("http://a.localhost/", None), ("http://[::1]/", None),
    ],
)  # fmt: skip
def test_the_environments_proxy_is_for_the_internet(
    no_proxy: pytest.MonkeyPatch, url: str, proxy: str | None
) -> None:
    no_proxy.setenv("https_proxy", "p.example:3128")
    no_proxy.setenv("all_proxy", "socks5://p.example")
    no_proxy.setenv("no_proxy", "inside.example")
    assert proxy_for(httpx.URL(url)) == proxy


@pytest.mark.usefixtures("no_proxy")
class TestRequests:
    def test_the_next_address_is_tried_and_the_name_stays(self) -> None:
        async def go() -> Asked:
            async with Wire(says(200, {})) as wire:
                url = httpx.URL(f"http://h.example:{wire.port}/a?b=%2F")
                with socket.socket() as deaf:
                    deaf.bind(("127.0.0.2", wire.port))  # bound, never listening
                    response = await get(open_transport(url), url, {}, addresses=["127.0.0.2", "127.0.0.1"])
                await response.aclose()
                return wire.asked[0]

        asked = run(go())
        assert asked.path == "/a?b=%2F"
        assert asked.headers["host"].startswith("h.example:")

    def test_no_other_address_is_tried(self) -> None:
        async def go() -> list[Asked]:
            async with Wire(says(200, {})) as wire:
                url = httpx.URL(f"http://localhost:{wire.port}/")
                with socket.socket() as deaf:
                    deaf.bind(("127.0.0.2", wire.port))
                    with pytest.raises(httpx.ConnectError):
                        await get(open_transport(url), url, {}, addresses=["127.0.0.2"])
                return wire.asked

        assert run(go()) == []

    def test_redirects_are_not_followed(self) -> None:
        async def go() -> int:
            async with Wire(says(302, b"", headers={"Location": "/there"})) as wire:
                url = httpx.URL(wire.url)
                response = await get(open_transport(url), url, {})
                await response.aclose()
                assert len(wire.asked) == 1
                return response.status_code

        assert run(go()) == 302

    @pytest.mark.parametrize(("keep", "connections"), [(0, 3), (8, 1)])
    def test_a_connection_of_its_own_or_one_that_is_kept(self, keep: int, connections: int) -> None:
        async def play(_: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(answer(200, {}, close=False))

        async def go() -> int:
            async with Wire(play, keep=True) as wire:
                url = httpx.URL(wire.url)
                http = open_transport(url, keep=keep)
                for _ in range(3):
                    response = await get(http, url, {})
                    await response.aread()
                    await response.aclose()
                await http.aclose()
                return wire.connections

        assert run(go()) == connections

    def test_what_is_called_off_right_before_it_is_sent_is_not_written(self) -> None:
        class CalledOffError(Exception):
            pass

        read: list[bytes] = []

        async def go() -> None:
            gone = asyncio.Event()

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                read.append(await reader.read())
                writer.close()
                gone.set()

            async def before() -> None:
                raise CalledOffError

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            url = httpx.URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            with pytest.raises(CalledOffError):
                await send(open_transport(url), httpx.Request("POST", url, content=b"x"), before=before)
            await gone.wait()
            server.close()

        run(go())
        assert read == [b""]


PASSWORD = "hunter2-of-the-proxy"
CALL = httpx.URL("https://api.example/v1")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HTTPS_PROXY", f"sock5://me:{PASSWORD}@p.example:1080", "kind sock5"),
        ("https_proxy", f"ftp://me:{PASSWORD}@p.example", "kind ftp"),
        ("ALL_PROXY", f"socks4://me:{PASSWORD}@p.example:1", "kind socks4"),
        ("ALL_PROXY", f"{PASSWORD}-{PASSWORD}://p.example", "kind ?"),
        ("HTTPS_PROXY", f"http://me:{PASSWORD}@:3128", "names no host"),
        ("HTTPS_PROXY", f"http://me:{PASSWORD}@p.example:99999", "names no host"),
        ("HTTPS_PROXY", f"http://me:{PASSWORD}@[::1", "names no host"),
        ("HTTPS_PROXY", f"http://me:{PASSWORD}@p .example", "names no host"),
        ("HTTPS_PROXY", f"http//me:{PASSWORD}@p.example:1", "names no host"),
        ("HTTPS_PROXY", "http://", "names no host"),
    ],
)
class TestABrokenProxySetting:
    def test_is_named_in_a_sentence_without_its_value(
        self, no_proxy: pytest.MonkeyPatch, variable: str, value: str, words: str
    ) -> None:
        no_proxy.setenv(variable, value)
        with pytest.raises(SettingsError, match=variable) as caught:
            open_transport(CALL)
        said = str(caught.value)
        assert words in said
        assert PASSWORD not in said
        assert said.endswith(".")
        assert caught.value.__context__ is None

    def test_leaves_all_unsent(
        self, no_proxy: pytest.MonkeyPatch, variable: str, value: str, words: str
    ) -> None:
        no_proxy.setenv(variable, value)
        assert words
        names(no_proxy, PUBLIC)

        async def go() -> None:
            async with EndpointClient("https://api.example", Secret(KEY)) as client:
                for call in (lambda: client.submit(BODY, "job-1"), lambda: client.task("t"), client.balance):
                    with pytest.raises(NotSentError, match=variable) as caught:
                        await call()
                    assert caught.value.lasting
                    assert PASSWORD not in str(caught.value)
            with pytest.raises(ClipError, match=variable):
                await LinkSource("https://api.example/a.mp4", deadline=5).head(10)

        run(go())


def test_socks_without_its_package_says_what_to_install(no_proxy: pytest.MonkeyPatch) -> None:
    no_proxy.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    no_proxy.setattr(room, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"ALL_PROXY.*pip install"):
        open_transport(CALL)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, "does not exist"),
        (lambda path: path.touch(), "empty"),
        (lambda path: path.mkdir(), "empty"),
        (lambda path: path.write_bytes(b"\x30\x82\x01\x0a" * 9), "DER"),
        (lambda path: path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n"), "PEM"),
    ],
)
def test_certificates_that_are_none(
    no_proxy: pytest.MonkeyPatch, tmp_path: Path, make: object, words: str
) -> None:
    make(tmp_path / "secret-name.pem")  # type: ignore[operator]
    no_proxy.setenv("SSL_CERT_FILE", str(tmp_path / "secret-name.pem"))

    async def go() -> str:
        async with EndpointClient("https://127.0.0.1:9", Secret(KEY)) as client:
            with pytest.raises(NotSentError, match="SSL_CERT_FILE") as caught:
                await client.submit(BODY, "job-1")
            return str(caught.value)

    said = run(go())
    assert words in said
    assert "secret-name" not in said
    open_transport(httpx.URL("http://127.0.0.1:9"))  # needs no certificates


def test_a_folder_of_certificates_that_is_missing(no_proxy: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_proxy.delenv("SSL_CERT_FILE", raising=False)
    no_proxy.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match="SSL_CERT_DIR"):
        open_transport(CALL)


@pytest.mark.parametrize("status", [407, 502])
def test_a_proxy_that_wants_a_password_is_asked_once(no_proxy: pytest.MonkeyPatch, status: int) -> None:
    async def go() -> tuple[NotSentError, list[Asked]]:
        async with Wire(says(status, b"")) as proxy:
            no_proxy.setenv("HTTPS_PROXY", f"http://me:{PASSWORD}@127.0.0.1:{proxy.port}")
            async with EndpointClient("https://api.example", Secret(KEY)) as client:
                with pytest.raises(NotSentError) as caught:
                    await client.submit(BODY, "job-1")
            return caught.value, proxy.asked

    error, asked = run(go())
    assert [one.method for one in asked] == ["CONNECT"]
    assert error.lasting == (status == 407), "a gateway that is down may be back"
    assert ("HTTPS_PROXY" in str(error)) == (status == 407)
    assert PASSWORD not in str(error)


@pytest.mark.parametrize(
    ("url", "except_for"),
    [
        ("https://[2001:db8::1]/", "[2001:db8::1]"), ("https://[2001:db8::1]/", "2001:db8::/32"),
        ("https://[2001:db8::1]:8/", "a.example, [2001:db8::1]:8"), ("https://10.1.2.3/", "10.0.0.0/8"),
        ("https://10.1.2.3/", "10.1.2.3"), ("https://10.1.2.3:8443/", "10.1.2.3:8443"),
        ("https://h.example:8443/", "h.example:8443"), ("https://h.example/", "h.example:443"),
        ("https://sub.h.example/", ".h.example"), ("https://h.example/", "*"),
    ],
)  # fmt: skip
def test_exceptions_from_the_proxy(no_proxy: pytest.MonkeyPatch, url: str, except_for: str) -> None:
    no_proxy.setenv("HTTPS_PROXY", "http://p.example:3128")
    no_proxy.setenv("ALL_PROXY", "socks5://other.example")
    assert proxy_for(httpx.URL(url)) == "http://p.example:3128"
    no_proxy.setenv("NO_PROXY", "[::1],192.168.0.0/16,else.example,")
    assert proxy_for(httpx.URL(url)) == "http://p.example:3128"
    open_transport(httpx.URL(url))
    no_proxy.setenv("NO_PROXY", except_for)
    assert proxy_for(httpx.URL(url)) is None


@contextlib.contextmanager
def black_hole(address: str, port: int) -> Iterator[None]:
    """Listen so that nobody gets a connection, nor an answer that there is none: the queue is full."""
    with contextlib.ExitStack() as stack:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listening = stack.enter_context(socket.socket(family))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket(family))
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect((address, port))
        yield


class TestDeadAddresses:
    def test_one_before_a_good_one_is_left_soon_and_tried_last_from_then_on(
        self, no_proxy: pytest.MonkeyPatch
    ) -> None:
        tried: list[str] = []
        real = socket.socket.connect

        async def go() -> list[list[str]]:
            async with Wire(says(200, {})) as wire:
                url, seen = httpx.URL(f"http://dead-first.example:{wire.port}/"), []
                with black_hole("127.0.0.2", wire.port):

                    def connect(this: socket.socket, to: tuple[str, int]) -> None:
                        tried.append(to[0])
                        real(this, to)

                    no_proxy.setattr(socket.socket, "connect", connect)
                    for _ in range(2):
                        tried.clear()
                        addresses = ["127.0.0.2", "127.0.0.1"]
                        response = await get(open_transport(url), url, {}, addresses=addresses)
                        await response.aclose()
                        seen.append([*tried])
                return seen

        assert run(go()) == [["127.0.0.2", "127.0.0.1"], ["127.0.0.1"]]

    @pytest.mark.parametrize("call", ["get", "submit", "task"])
    @pytest.mark.parametrize("route", ["refuses", "is silent"])
    def test_a_broken_ipv6_route_costs_a_moment_once(
        self, no_proxy: pytest.MonkeyPatch, route: str, call: str
    ) -> None:
        """The name leads to `::1`, which does not answer, before it leads to where the server is."""
        if route == "is silent" and not Path("/proc/net/if_inet6").exists():
            pytest.skip("this machine has no IPv6 to be silent on")
        no_proxy.setattr(room, "_good", {})
        tried: list[str] = []
        real = socket.socket.connect

        def connect(this: socket.socket, to: tuple[str, int]) -> None:
            tried.append(to[0])
            real(this, to)

        async def ask(port: int) -> None:
            url = f"http://localhost:{port}"
            if call == "get":
                await (await get(open_transport(httpx.URL(url)), httpx.URL(url), {})).aclose()
                return
            async with EndpointClient(url, Secret(KEY)) as client:  # a new connection each time
                task = await (client.task("t") if call == "task" else client.submit(BODY, "job-1"))
                assert getattr(task, "task_id", "t") == "t"

        async def go() -> None:
            async with Wire(says(200, {"data": {"status": "queued", "task_id": "t"}})) as wire:
                kinds = [(one, socket.SOCK_STREAM, 6, "") for one in (socket.AF_INET6, socket.AF_INET)]
                led = [(*kinds[0], ("::1", wire.port, 0, 0)), (*kinds[1], ("127.0.0.1", wire.port))]
                no_proxy.setattr(socket, "getaddrinfo", lambda *_, **__: led)
                with black_hole("::1", wire.port) if route == "is silent" else contextlib.nullcontext():
                    no_proxy.setattr(socket.socket, "connect", connect)
                    for expected in (["::1", "127.0.0.1"], ["127.0.0.1"]):
                        tried.clear()
                        await ask(wire.port)
                        assert tried == expected
                led[1:] = []
                tried.clear()
                with pytest.raises((httpx.ConnectError, NotSentError)):
                    await ask(wire.port)
                assert tried == ["::1"], "the name leads to the good one no more"

        run(go())

    @pytest.mark.usefixtures("no_proxy")
    def test_all_dead_ends_with_the_deadline_of_the_caller(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(room, "PATIENCE", (0.05, 0.1, None))

        async def go() -> None:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            url = httpx.URL(f"http://dead.example:{port}/")
            with black_hole("127.0.0.2", port), black_hole("127.0.0.3", port):
                dead = ["127.0.0.2", "127.0.0.3"]
                waits = httpx.Timeout(5, connect=0.3)
                with pytest.raises(httpx.ConnectTimeout):
                    await get(open_transport(url), url, {}, addresses=dead, waits=waits)
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await get(open_transport(url), url, {}, addresses=dead)

        run(go())

    def test_the_endpoints_own_name_may_lead_to_dead_ones_first(self, no_proxy: pytest.MonkeyPatch) -> None:
        async def go() -> list[Asked]:
            async with Wire(says(200, {"data": {"status": "queued", "task_id": "t"}})) as wire:
                kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
                led = [(*kind, (one, wire.port)) for one in ("127.0.0.2", "127.0.0.3", "127.0.0.1")]
                no_proxy.setattr(socket, "getaddrinfo", lambda *_, **__: led)
                url = f"http://localhost:{wire.port}"
                with black_hole("127.0.0.2", wire.port), black_hole("127.0.0.3", wire.port):
                    async with EndpointClient(url, Secret(KEY), submit_seconds=10) as client:
                        assert (await client.submit(BODY, "job-1")).task_id == "t"
                return wire.asked

        assert len(run(go())) == 1
