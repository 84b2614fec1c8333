"""The one HTTP layer: connections to judged addresses only, proxies, and the last moment before sending."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from motion_widgets.core.http import PrivateHostError, get, open_transport, proxy_for, public_addresses, send
from tests.endpoint.wire import Asked, Wire, answer, run, says

if TYPE_CHECKING:
    from collections.abc import Iterable

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

            def before() -> None:
                raise CalledOffError

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            url = httpx.URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            with pytest.raises(CalledOffError):
                await send(open_transport(url), httpx.Request("POST", url, content=b"x"), before=before)
            await gone.wait()
            server.close()

        run(go())
        assert read == [b""]
