"""The judge of addresses: what is private however it is written, and what is no complete link."""

from __future__ import annotations

import pytest

from motion_widgets.core.hosts import host_of, is_link, is_loopback, is_private


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST", "localhost.", "a.localhost", "nas.local", "x.internal", "router.lan",
        "intranet", "",
        "127.0.0.1", "127.1", "0x7f000001", "2130706433", "0.0.0.0", "10.0.0.8", "172.16.0.1", "192.168.1.4",
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "[::1]",
        "fe80::1%eth0", "fd00::1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "::",
        "127.0.0.1.", "10.0.0.8..", "017700000001", "0177.0.0.1", "0x7f.1", "127.0.1",
        "\uff11\uff12\uff17.0.0.1",
        "169\u3002254\u3002169\u3002254", "a.localhost.", "::127.0.0.1", "::ffff:0:127.0.0.1",
        "64:ff9b:1::127.0.0.1", "64:ff9b::10.0.0.1", "fec0::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2002:c0a8:101::1", "[::ffff:7f00:1]", "100::1", "198.18.0.1", "240.0.0.1",
    ],
)  # fmt: skip
def test_private_however_it_is_written(host: str) -> None:
    assert is_private(host)


@pytest.mark.parametrize(
    "host",
    [
        "example.com", "localhost.evil.com", "127.evil.com", "10.0.0.1.example.com", "93.184.216.34",
        "2606:2800:220:1::1", "[2606:2800:220:1::1]", "::ffff:93.184.216.34", "64:ff9b::5db8:d822",
        "local.example", "93.184.216.34.", "0x5db8d822", "2002:5db8:d822::1", "b\u00fccher.example",
    ],
)  # fmt: skip
def test_public(host: str) -> None:
    assert not is_private(host)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:1/x", True), ("http://127.9.9.9", True), ("https://localhost/x", True),
        ("http://[::1]:8", True), ("http://a.localhost", False), ("http://127.0.0.1.example.com", False),
        ("http://10.0.0.1", False), ("http://[broken", False), ("", False), ("https://example.com", False),
    ],
)  # fmt: skip
def test_loopback_is_this_machine_and_nothing_else(url: str, here: bool) -> None:
    assert is_loopback(url) is here


@pytest.mark.parametrize(
    ("source", "link"),
    [
        ("http://h/a.mp4", True), (" https://h", True), ("ftp://h", True), ("concat+x://y", True),
        ("C:/a.mp4", False),
        ("a.mp4", False), ("//h/a", False), (b"http://h", False), (None, False),
    ],
)  # fmt: skip
def test_link_of_any_scheme(source: object, link: bool) -> None:
    assert is_link(source) is link


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("https://h.example/a?b=c", ("h.example", None, False)), ("http://h:81", ("h", 81, False)),
        ("https://u:p@h/", ("h", None, True)), ("https:///a", None), ("https://./", None), ("ftp://h", None),
        ("https://h/a b", None), ("https://h\ud800/", None), ("https://h:99999/", None),
        ("https://[::1", None),
    ],
)  # fmt: skip
def test_host_of_a_complete_link(link: str, found: tuple[str, int | None, bool] | None) -> None:
    assert host_of(link) == found
