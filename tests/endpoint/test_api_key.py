"""The key: held where nothing shows it, found in a fixed order, and refused when it is none."""

from __future__ import annotations

import builtins
import copy
import getpass
import json
import pickle
import re
import sys
import traceback
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.core.errors import RequestError
from motion_widgets.endpoint.api_key import (
    ENVIRONMENT_KEY,
    Secret,
    find_key,
    fingerprint,
    forget_key,
    origin_of,
    salted_fingerprint,
    store_key,
)

KEY = "sk-VerySecretKey0123456789abcdef"
URL = "https://api.example.com/v1"


@pytest.mark.parametrize(
    "show", [repr, str, "{}".format, "%s".__mod__, lambda one: f"{one!r:>20}", lambda one: [one]]
)
def test_no_way_of_showing_it_shows_it(show) -> None:
    assert KEY not in str(show(Secret(KEY)))
    assert "<secret>" in str(show(Secret(KEY)))


def test_it_has_no_vars_and_is_not_copied_out() -> None:
    secret = Secret(KEY)
    with pytest.raises(TypeError):
        vars(secret)
    for take in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as caught:
            take(secret)
        assert KEY not in str(caught.value)
    assert KEY not in str([getattr(secret, name, None) for name in dir(secret)])


@pytest.mark.parametrize(
    "bad",
    ["", "  ", "two words", "a\nb", "k\u00e9y", "a\x00b", "a\x7fb", "\u202ekey", "a\tb", None, 7, b"key"],
)
def test_malformed_keys_are_refused_without_being_shown(bad) -> None:
    with pytest.raises(RequestError) as caught:
        Secret(bad)
    assert caught.value.code == "key_malformed"
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (KEY * 1_000, "key_long"),
        (f'"{KEY}"', "key_quoted"), (f"'{KEY}'", "key_quoted"), (f"`{KEY}", "key_quoted"),
        (f"APIMART_API_KEY={KEY}", "key_assigned"), (f"api_key={KEY}==", "key_assigned"),
        (f'key="{KEY}"', "key_quoted"), ("YOUR_API_KEY", "key_placeholder"),
        ("your-key-here", "key_placeholder"), ("sk-your-api-key", "key_placeholder"),
        ("<key>", "key_placeholder"), ("${APIMART_API_KEY}", "key_placeholder"),
        ("$APIMART_API_KEY", "key_placeholder"), ("%APIMART_API_KEY%", "key_placeholder"),
        ("sk-xxxxxxxxxxxx", "key_placeholder"), ("********", "key_placeholder"),
        ("sk-....", "key_placeholder"), ("YOURAPIKEY", "key_placeholder"),
    ],
)  # fmt: skip
def test_what_stands_for_a_key_or_around_it_is_refused_in_a_sentence_without_it(
    bad: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT_KEY, bad)
    for make in (lambda: Secret(bad), lambda: find_key(URL), lambda: find_key(URL, key=bad)):
        with pytest.raises(RequestError) as caught:
            make()
        assert caught.value.code == code
        assert KEY not in str(caught.value)
        assert bad not in str(caught.value)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = [
        frame for frame in shown.stack if "motion_widgets" in frame.filename and "test_" not in frame.name
    ]
    assert frames
    assert not [one for frame in frames for one in (frame.locals or {}).values() if bad in one]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.from_regex(r"(sk-)?[A-Za-z0-9._~+/|:-]{1,60}={0,2}", fullmatch=True).filter(
        lambda key: len(set(key[3:])) > 1 and "your" not in key.lower()
    )
)
def test_every_visible_key_is_held_as_it_is(key: str) -> None:
    assert Secret(f" {key}\n").reveal() == key


def test_conceal_takes_it_out_of_texts_but_leaves_words() -> None:
    assert Secret(KEY).conceal(f"wrong key {KEY}!") == "wrong key <secret>!"
    assert Secret("data").conceal('{"data": 1}') == '{"data": 1}'


def test_a_malformed_key_is_in_no_frame_of_this_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """`%xmode Verbose` prints the locals of every frame, and a key with a blank is nearly a key."""
    monkeypatch.setenv(ENVIRONMENT_KEY, "sk-nearly a-key")
    with pytest.raises(RequestError) as caught:
        find_key(URL)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "sk-nearly" not in "".join(shown.format())


class Keyring(ModuleType):
    """A keyring backend in memory."""

    def __init__(self) -> None:
        super().__init__("keyring")
        self.kept: dict[tuple[str, str], str] = {}
        self.broken = False

    def _check(self) -> None:
        if self.broken:
            raise RuntimeError(f"no backend ({KEY})")

    def get_password(self, service: str, name: str) -> str | None:
        self._check()
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        self._check()
        self.kept[service, name] = value

    def delete_password(self, service: str, name: str) -> None:
        self._check()
        del self.kept[service, name]


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    import keyring.errors  # noqa: F401 - a module in memory has no room for it; whoever asks finds it loaded

    ring = Keyring()
    monkeypatch.setitem(sys.modules, "keyring", ring)
    monkeypatch.delenv(ENVIRONMENT_KEY, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda *_: pytest.fail("asked"))
    return ring


@pytest.mark.usefixtures("keyring")
class TestFindKey:
    def test_order(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def found(**options) -> str | None:
            secret = find_key(URL, **options)
            return secret.reveal() if secret else None

        assert found() is None
        asked: list[str] = []
        monkeypatch.setattr(getpass, "getpass", lambda prompt: (asked.append(prompt), " typed ")[1])
        assert found(ask=True) == "typed"
        assert asked == ["API key for api.example.com: "]
        assert store_key(URL, Secret("ringed"))
        assert found(ask=True) == "ringed"
        monkeypatch.setenv(ENVIRONMENT_KEY, "env")
        assert found(ask=True) == "env"
        assert found(environment=False) == "ringed"
        assert found(key=" given ") == "given"
        held = Secret("held")
        assert find_key(URL, key=held) is held
        assert len(asked) == 1

    def test_a_blank_variable_hides_no_keyring(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(ENVIRONMENT_KEY, "  ")
        store_key(URL, Secret("ringed"))
        secret = find_key(URL)
        assert secret is not None
        assert secret.reveal() == "ringed"

    def test_nothing_typed_is_no_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(getpass, "getpass", lambda _: "  ")
        assert find_key(URL, ask=True) is None

    def test_given_nothing_is_malformed_and_does_not_fall_through(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(ENVIRONMENT_KEY, "env")
        with pytest.raises(RequestError):
            find_key(URL, key="")

    def test_a_keyring_holds_a_key_per_origin(self) -> None:
        store_key(URL, Secret("ringed"))
        assert find_key("https://API.example.com:443/other") is not None
        for other in ("https://api.example.com:8443", "https://example.com", "http://api.example.com"):
            assert find_key(other) is None
        assert forget_key(URL)
        assert not forget_key(URL)
        assert find_key(URL) is None

    def test_a_broken_keyring_is_none(self, keyring: Keyring) -> None:
        keyring.broken = True
        assert find_key(URL) is None
        assert not store_key(URL, Secret(KEY))
        assert not forget_key(URL)

    def test_no_keyring_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(sys.modules, "keyring")
        real = builtins.__import__

        def without(name: str, *args, **options):
            if name == "keyring":
                raise ImportError(name)
            return real(name, *args, **options)

        monkeypatch.setattr(builtins, "__import__", without)
        assert find_key(URL) is None
        assert not store_key(URL, Secret(KEY))


def test_origin_fills_in_the_default_port() -> None:
    assert origin_of("HTTPS://Example.com/x?y#z") == origin_of("https://example.com:443")
    assert origin_of("http://example.com") != origin_of("https://example.com")
    assert origin_of("http://[::1]:8080/") == "http://::1:8080"


@pytest.mark.parametrize(
    "url", ["", "https://", "nothing", "https://h:port", "https://h:99999", "https://[::1"]
)
def test_no_origin(url: str) -> None:
    with pytest.raises(RequestError):
        origin_of(url)


def test_a_fingerprint_is_the_same_everywhere_and_tells_accounts_apart() -> None:
    one = fingerprint(Secret(KEY), URL)
    assert one == fingerprint(Secret(KEY), f"{URL}/v1?x=1")
    assert re.fullmatch("acct-[0-9a-f]{16}", one)
    others = fingerprint(Secret(KEY + "x"), URL), fingerprint(Secret(KEY), "https://other.example")
    assert len({one, *others}) == 3
    assert fingerprint(Secret("sk-0123456789"), "https://api.example.com") == "acct-4299dfc04c90f707"


def test_the_name_of_before_is_known_by_its_salt() -> None:
    assert salted_fingerprint(Secret("sk-0123456789"), "salt") == "acct-25b47db3a59e"
