"""Which files of a folder a name from elsewhere may mean."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.jobs.stored_file import free_place, stored_file, stored_input
from motion_widgets.log.names import FOLDERS, is_safe_path
from motion_widgets.media.probe.sniff import FILE_TYPES, ending_of, looks_like
from tests.jobs.endpoint import make_png


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "ws"
    for name in ("results", "inputs/deep"):
        (folder / name).mkdir(parents=True)
    (folder / "inputs/a.png").write_bytes(make_png())
    (folder / "inputs/deep/b.png").write_bytes(make_png())
    return folder


def test_what_lies_in_the_folders_and_is_what_it_says(root):
    assert stored_file(root, "inputs/a.png") == root / "inputs/a.png"
    assert stored_file(root, "inputs/deep/b.png") == root / "inputs/deep/b.png"


@pytest.mark.parametrize(
    "name",
    [
        "../private.png", "/etc/passwd", "inputs/../../private.png", "inputs", "inputs/", "inputs//a.png",
        "log.sqlite", "prices.toml", "sandbox/token", "inputs/.hidden.png", "inputs/con.png",
        "inputs/a.png:x", "C:/a.png", "inputs\\a.png", "inputs/a.png ", "inputs/a\0.png", "", 7, None,
        b"inputs/a.png", "inputs/\u202egnp.png", "inputs/" + "x" * 300 + ".png",
    ],
)  # fmt: skip
def test_no_other_name_means_a_file(root, name):
    assert stored_file(root, name) is None


def test_links_lead_nowhere(root, tmp_path):
    private = tmp_path / "private.png"
    private.write_bytes(make_png())
    (root / "inputs/link.png").symlink_to(private)
    (root / "inputs/out").symlink_to(tmp_path)
    for name in ("inputs/link.png", "inputs/out/private.png"):
        assert stored_file(root, name) is None
        assert free_place(root, name) is None
    assert free_place(root, "inputs/out/new.png") is None


@pytest.mark.parametrize("content", [b"", b"import os", b"<svg/>", b'{"cells": []}', b"\0\0\0\x18ftypisom"])
def test_a_picture_that_is_none_is_not_taken_for_one(root, content):
    (root / "inputs/a.png").write_bytes(content)
    assert stored_file(root, "inputs/a.png") is None


def test_an_input_is_known_by_its_content(root):
    sha = hashlib.sha256(make_png()).hexdigest()
    assert stored_input(root, "inputs/a.png", sha) == root / "inputs/a.png"
    (root / "results/a.png").write_bytes(make_png())
    assert stored_input(root, "results/a.png", sha) is None
    for other in (None, "", sha[:-1], 5):
        assert stored_input(root, "inputs/a.png", other) is None


@given(st.text(st.sampled_from("ab.\\/: \0\x7f\u202e\u00e9") | st.characters(), max_size=30))
def test_any_safe_path_stays_below_its_folder_on_every_system(tail):
    for name in (tail, f"inputs/{tail}"):
        if is_safe_path(name):
            assert name.split("/")[0] in FOLDERS
            for path in (PurePosixPath(name), PureWindowsPath(name)):
                assert not path.is_absolute()
                assert ".." not in path.parts
                assert len(path.parts) == name.count("/") + 1


@given(st.binary(max_size=64) | st.sampled_from([b"<svg", b"#!/bin/sh", b"{", b"\x89PNG"]))
def test_an_ending_fits_the_content_that_it_was_made_of(head):
    ending = ending_of(head)
    assert ending == "" or ending in looks_like(head).endings
    assert (ending == "") == (not looks_like(head).endings)


def test_no_ending_is_one_that_a_browser_or_kernel_runs():
    endings = {one for kind in FILE_TYPES.values() for one in kind.endings}
    assert not endings & {
        ".svg",
        ".html",
        ".htm",
        ".xml",
        ".js",
        ".py",
        ".ipynb",
        ".sh",
        ".exe",
        ".pdf",
        ".ts",
    }
