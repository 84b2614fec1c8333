"""What scripts of `static/` do by themselves, on a page without a server or a kernel behind them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from motion_widgets.media import ffmpeg
from motion_widgets.widgets.pair_player import PairPlayer
from motion_widgets.widgets.player_wall import PlayerWall
from motion_widgets.widgets.row_grid import RowGrid
from motion_widgets.widgets.tab_bar import TabBar

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from motion_widgets.widgets.page_widget import PageWidget

SHOW = """async ([script, state, clip]) => {
    const handlers = {};
    const fire = (event, ...told) => [...(handlers[event] ?? [])].forEach((handler) => handler(...told));
    const bytes = Uint8Array.from(atob(clip), (one) => one.charCodeAt(0));
    window.model = {
        get: (name) => state[name],
        set: (name, value) => { state[name] = value; fire(`change:${name}`); fire("change"); },
        save_changes: () => {},
        on: (event, handler) => (handlers[event] ??= new Set()).add(handler),
        off: (event, handler) => handlers[event]?.delete(handler),
        send: ({ type, id }) => {
            if (type === "bytes") setTimeout(() => fire("msg:custom", { type, id, ok: true }, [bytes]));
        },
    };
    const file = new Blob([script], { type: "text/javascript" });
    const made = (await import(URL.createObjectURL(file))).default;
    const el = document.body.appendChild(document.createElement("div"));
    el.className = "motion-widgets";
    made.render({ model: window.model, el });
}"""
ROW = {
    "id": "job-1", "group": "run-1", "state": "collected", "past": False, "why": "", "pictures": [],
    "cells": {}, "titles": {}, "whole": [], "stars": 0, "mean": "", "usable": None, "note": "", "tags": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small clip, as base64."""
    path: Path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    source = ["-f", "lavfi", "-t", "2", "-i", "testsrc=s=64x96:r=10", "-pix_fmt", "yuv420p"]
    ffmpeg.run([*source, str(path)], name="test", deadline=60.0)
    return base64.b64encode(path.read_bytes()).decode()


def show(page: Page, widget: PageWidget, video: str = "", **state: Any) -> None:
    """Draw a widget as a page does that got its state."""
    has = {name: value for name, value in widget.get_state().items() if not name.startswith("_view")}
    told = {name: value for name, value in has.items() if isinstance(value, str | int | float | list | dict)}
    page.evaluate(SHOW, [widget.script, {**told, "_dom_classes": [], **state}, video])


def change(page: Page, name: str, value: object) -> None:
    """Change a trait, as the kernel does."""
    page.evaluate("([name, value]) => window.model.set(name, value)", [name, value])


def test_a_run_is_renamed_in_one_field_however_the_table_is_drawn_meanwhile(page: Page) -> None:
    group = {"title": "Sweep A", "name": "A", "facts": "2 of 2 cells", "here": True}
    view = {"columns": [], "offered": [], "rows": [ROW], "groups": {"run-1": group}, "filters": []}
    view |= {"views": [], "exports": True, "deleted": False, "said": "", "same": "", "first": 0, "size": 25}
    grid = RowGrid(on_message=print)
    show(page, grid, view={**view, "total": 1}, actions={"board": False, "load": True})
    head, rename = page.locator(".mw-grid-group"), page.get_by_role("button", name="Rename")
    rename.click()
    rename.click()
    expect(head.get_by_role("textbox")).to_have_count(1)
    facts = {"run-1": {**group, "facts": "1 of 2 cells"}}
    change(page, "view", {**view, "total": 1, "groups": facts})
    page.keyboard.press("Escape")
    expect(head.get_by_role("textbox")).to_have_count(0)
    expect(head.locator("b")).to_have_text("Sweep A")
    expect(head.locator(".mw-grid-facts")).to_have_text("1 of 2 cells")


def test_a_note_that_another_result_closes_is_said_to_be_closed(page: Page) -> None:
    show(page, PlayerWall(view="stage"), result={"id": "job-1", "name": "a.mp4"})
    note = page.get_by_role("button", name="Note…")
    note.click()
    expect(note).to_have_attribute("aria-expanded", "true")
    change(page, "result", {"id": "job-2", "name": "b.mp4"})
    expect(page.get_by_label("Note", exact=True)).to_be_hidden()
    expect(note).to_have_attribute("aria-expanded", "false")


def test_clips_of_pairs_before_are_not_kept_in_memory(page: Page, clip: str) -> None:
    player = PairPlayer(on_answer=print, on_undo=print, read=lambda _: None)
    show(page, player, clip, pair={"serial": 1, "left": "a.mp4", "right": "b.mp4"})
    video = page.locator("video[data-source=bytes]")
    expect(video).to_have_count(2)
    before = video.first.get_attribute("src")
    change(page, "pair", {"serial": 1, "left": "a.mp4", "right": "b.mp4", "motion": "c.mp4"})
    expect(video).to_have_count(3)
    assert video.first.get_attribute("src") == before, "the same pair is not asked for again"
    change(page, "pair", {"serial": 2, "left": "d.mp4", "right": "e.mp4"})
    expect(video).to_have_count(2)
    expect(video.first).not_to_have_attribute("src", str(before))
    assert page.evaluate("(address) => fetch(address).then(() => 'kept', () => 'gone')", before) == "gone"


def test_keys_of_the_browser_stay_the_browsers_on_tabs(page: Page) -> None:
    show(page, TabBar(titles=["Create", "Sweep"], badges=["", ""], label="Studio"))
    page.get_by_role("tab", name="Create").focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(page.get_by_role("tab", name="Create")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Sweep")).to_be_focused()
