"""Publishing by a command of the user's own: real processes."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets import RequestError
from motion_widgets.core.background import spawn
from motion_widgets.publishing import shell_command
from motion_widgets.publishing.destination import Destination
from tests.jobs.endpoint import until


def test_last_line_is_the_link_and_what_is_put_in_is_quoted(give, clip, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    found = give(
        clip, f"echo noise; cp {{path}} {shlex.quote(str(there))}/{{name}} && echo https://h.example/{{name}}"
    )
    assert found.url == f"https://h.example/{found.name}"
    assert (there / found.name).read_bytes() == clip.read_bytes()
    assert not list(tmp_path.rglob("evil"))
    assert found.expires is None


def test_same_bytes_run_it_once(give, clip, tmp_path):
    to = f"echo x >> {shlex.quote(str(tmp_path / 'runs'))}; echo https://h.example/{{name}} # {{path}}"
    assert give(clip, to) == give(clip, to)
    assert (tmp_path / "runs").read_text() == "x\n"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_any_path_stays_one_word(path):
    line = shell_command.filled(Destination.read("up {path} --as {name}"), path, "{path}")
    assert shlex.split(line) == ["up", path, "--as", "{path}"]


@pytest.mark.parametrize("to", ['up "{path}"', "up '{path}'", 'up "a {name}" {path}'])
def test_holes_inside_quotes_are_refused(give, clip, to):
    with pytest.raises(RequestError, match="Remove the quotes"):
        give(clip, to)


@pytest.mark.parametrize(
    "prints",
    [
        "", "done", "http://plain.example/x", "https://", "https://u:pw@h.example/x", "ftp://h/x",
        "https://h/a b",
        "'https://h.example/x\u202e'", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_what_is_no_link_is_refused(give, clip, prints, tmp_path):
    with pytest.raises(RequestError, match="no usable link"):
        give(clip, f"echo {prints} # {{path}}")
    assert not (tmp_path / "published.json").exists()


def test_failure_says_its_last_words_without_secrets(give, clip):
    to = "echo 'bad token https://h.example/x?sig=geheim Bearer abcdefgh12345' >&2; exit 3 # {path}"
    with pytest.raises(RequestError, match="bad token") as caught:
        give(clip, to)
    assert "geheim" not in str(caught.value)
    assert "abcdefgh12345" not in str(caught.value)


def test_command_that_hangs_is_stopped_with_all_that_it_started(clip, tmp_path):
    pid = tmp_path / "pid"
    place = Destination.read(f"sleep 600 & echo $! > {shlex.quote(str(pid))}; wait # {{path}}")
    seconds, child = 0.5, ""
    while not child:  # a busy machine may not have begun it by then
        done = spawn(shell_command.run(place, clip, "n.mp4", deadline=seconds))
        with pytest.raises(RequestError, match=rf"not finish within {seconds:g} s"):
            done.result(seconds + 60)
        child, seconds = pid.read_text() if pid.exists() else "", 4 * seconds
    until(lambda: gone(int(child)))


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_noise_without_end_of_line_is_bounded(give, clip):
    noisy = f"{shlex.quote(sys.executable)} -c 'import sys; sys.stdout.write(\"x\" * 30_000_000)'"
    found = give(clip, f"{noisy}; echo; echo https://h.example/{{name}} # {{path}}")
    assert found.url.startswith("https://h.example/")
    with pytest.raises(RequestError, match="no usable link"):
        give(clip, f"{noisy} # {{path}}")


def test_command_sees_no_key(give, clip, monkeypatch):
    monkeypatch.setenv("APIMART_API_KEY", "sk-environment")
    found = give(clip, "echo https://h.example/x${APIMART_API_KEY}y # {path}")
    assert found.url == "https://h.example/xy"
    assert os.environ["APIMART_API_KEY"] == "sk-environment"


def test_label_shows_no_password(give, clip):
    to = "curl -u me:geheim -T {path} ftp://h/x && echo https://h.example/x"
    assert "geheim" not in f"{Destination.read(to)!r} {Destination.read(to).label}"


def test_two_files_at_once_do_not_wait_for_each_other(publisher, clip, image, tmp_path):
    """Each waits until the other has begun."""
    meet = shlex.quote(str(tmp_path / "meet"))
    to = f"echo x >> {meet}; while [ $(wc -l < {meet}) -lt 2 ]; do sleep 0.02; done; echo https://h.example/{{name}} # {{path}}"  # noqa: E501
    waiting = [spawn(publisher.publish(one, Destination.read(to), client=None)) for one in (clip, image)]
    assert len({one.result(30).url for one in waiting}) == 2
