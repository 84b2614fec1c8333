"""Where the page's files begin, in the forms in which servers tell it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from motion_widgets.widgets import server_root


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A kernel that no server started; a test says what one would have told it."""
    for name in ("JPY_SESSION_NAME", "VOILA_REQUEST_URL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("JPY_PARENT_PID", "4711")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    server_root._of_server.cache_clear()
    return monkeypatch


def root_from(told: pytest.MonkeyPatch, start: str) -> Path:
    told.setattr(server_root, "_START", Path(start))
    return server_root.server_root()


@pytest.mark.parametrize(
    ("session", "voila", "start", "root"),
    [
        ("notebooks/studio.ipynb", "", "/srv/home/notebooks", "/srv/home"),
        ("studio.ipynb", "", "/srv/home", "/srv/home"),
        ("", "http://h/voila/render/a%20b/c/studio.ipynb?theme=dark", "/srv/a b/c", "/srv"),
        ("elsewhere/studio.ipynb", "", "/srv/home", "/srv/home"),
        ("", "", "/srv/home", "/srv/home"),
        # Absolute, it says nothing of the root; what it is not: "/", below which all files would lie.
        ("/srv/home/notebooks/studio.ipynb", "", "/srv/home/notebooks", "/srv/home/notebooks"),
    ],
)
def test_without_a_servers_file_the_root_lies_above_the_notebook(
    told: pytest.MonkeyPatch, session: str, voila: str, start: str, root: str
) -> None:
    told.setenv("JPY_SESSION_NAME", session)
    told.setenv("VOILA_REQUEST_URL", voila)
    assert root_from(told, start) == Path(root)


@pytest.mark.parametrize(
    "session",
    [  # as jupyter_server joins them: the kernel's folder, and a name that is the notebook's, or its path
        "/srv/home/a/b/studio.ipynb",
        "/srv/home/a/b/a/b/studio.ipynb",
        "a/b/studio.ipynb",
        "/srv/home/a/b/3f2504e0-4f89-11d3-9a0c-0305e82c3301",  # a console of Notebook 7
        "",
    ],
)
def test_a_servers_own_file_says_its_root_whatever_the_session_is_called(
    told: pytest.MonkeyPatch, tmp_path: Path, session: str
) -> None:
    told.setenv("JPY_SESSION_NAME", session)
    info = {"root_dir": "/srv/home", "token": "not to be kept", "pid": 4711}
    (tmp_path / "jpserver-4711.json").write_text(json.dumps(info))
    assert root_from(told, "/srv/home/a/b") == Path("/srv/home")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"root_dir": 7}', '{"root_dir": "/other"}'])
def test_a_file_that_does_not_fit_is_left_alone(
    told: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    told.setenv("JPY_SESSION_NAME", "a/studio.ipynb")
    (tmp_path / "jpserver-4711.json").write_text(content)
    assert root_from(told, "/srv/home/a") == Path("/srv/home")
