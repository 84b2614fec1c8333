"""Going live and back, against a real endpoint on this machine that `APIMART_BASE_URL` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from motion_widgets.sandbox import Sandbox
from motion_widgets.widgets import GoLive
from motion_widgets.widgets import controls as ui
from tests.widgets.conftest import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import motion_widgets as mw


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Stand in for the provider: the same wire, another account than the workspace's sandbox."""
    with Sandbox(tmp_path / "provider", speed=200) as made:
        monkeypatch.setenv("APIMART_BASE_URL", made.url)
        monkeypatch.delenv("APIMART_API_KEY", raising=False)
        yield made


@pytest.fixture
def panel(ws: mw.Workspace, endpoint: Sandbox) -> Iterator[GoLive]:
    made = GoLive(ws)
    yield made
    made.close()


def test_the_balance_is_asked_for_with_the_typed_key_before_anything_is_live(
    ws: mw.Workspace, endpoint: Sandbox, panel: GoLive
) -> None:
    endpoint.set_balance(12.5)
    panel.key.value = endpoint.token
    panel.check_balance.click()
    until(lambda: "$12.50" in panel.notice.value)
    assert not ws.live


def test_a_key_that_the_endpoint_does_not_know_is_said(endpoint: Sandbox, panel: GoLive) -> None:
    panel.key.value = "sk-somebody-else-s"
    panel.check_balance.click()
    until(lambda: "key" in panel.notice.value)
    assert "sk-somebody" not in panel.notice.value


def test_an_endpoint_that_does_not_answer_in_time_is_said(
    endpoint: Sandbox, panel: GoLive, monkeypatch: pytest.MonkeyPatch
) -> None:
    from motion_widgets.widgets import go_live

    monkeypatch.setattr(go_live, "PATIENCE", 0.2)
    endpoint.faults = {"fault": [{"on": "balance", "kind": "hang", "times": 0}]}
    panel.key.value = endpoint.token
    panel.check_balance.click()
    until(lambda: "did not report its balance within 0.2 s" in panel.notice.value)


def test_live_and_back_tell_whoever_wants_to_know(ws: mw.Workspace, endpoint: Sandbox) -> None:
    switched: list[bool] = []
    panel = GoLive(ws, on_switch=lambda: switched.append(ws.live))
    assert (ui.is_shown(panel.go), ui.is_shown(panel.back)) == (True, False)
    panel.go.disabled = False
    panel.go.click()  # a page that is behind: there is no key
    panel.check_balance.click()
    panel.key.value = ""
    panel.key.value = endpoint.token
    panel.go.click()
    until(lambda: switched == [True])
    assert (ui.is_shown(panel.go), ui.is_shown(panel.back)) == (False, True)
    assert ws.balance() is not None
    panel.back.click()
    until(lambda: switched == [True, False])
    assert "sandbox" in panel.notice.value.lower()
    assert ws.endpoint == "sandbox"
    panel.close()


def test_a_key_of_the_environment_is_named_by_its_variable(
    endpoint: Sandbox, ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APIMART_API_KEY", endpoint.token)
    panel = GoLive(ws)
    assert "APIMART_API_KEY" in panel._state.value
    assert endpoint.token not in panel._state.value
    assert not panel.go.disabled
    panel.close()
