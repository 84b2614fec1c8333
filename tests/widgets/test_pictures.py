"""Small pictures that a page asks for: each once, and only those on show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motion_widgets.widgets.pictures import PictureFeed

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_page_that_goes_on_to_other_rows_while_a_picture_is_made_gets_theirs() -> None:
    todo: list[Callable[[], None]] = []
    sent: list[str] = []
    known = {"before"}

    def make(name: str) -> bytes:
        if name == "before":  # the page asks on while this one is made
            feed.want(["gone"])
            known.add("after")
            feed.want(["after"])
        return name.encode()

    def send(message: dict[str, Any], _: bytes | None) -> None:
        sent.append(message["name"])

    feed = PictureFeed(todo.append, send, make=make, known=lambda: known)
    feed.want(["before"])
    while todo:
        todo.pop(0)()
    assert sent == ["before", "after"]
