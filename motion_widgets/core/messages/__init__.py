"""Every sentence that a person reads, by code: one file for each room, joined into one table here.

A sentence names the value, the limit and the next step. Values from outside are put in as plain text;
whoever shows a sentence as HTML escapes the whole of it (`motion_widgets.core.html`).
Read the file of the room that you change; a code belongs to one file only.

What is said is one table for the whole process: a kernel has one reader, and the threads that speak to them
are many. `at_terminal` lays sentences about commands over it, and `speak` those of another language, a folder
here with files of the same names. What the log holds stays as it was said.
"""

from __future__ import annotations

import contextlib
from collections import ChainMap
from importlib import import_module
from pkgutil import iter_modules
from string import Formatter
from typing import TYPE_CHECKING, Any

from motion_widgets.core.messages.cli import AT_TERMINAL
from motion_widgets.core.paths import readable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LANGUAGES",
    "MESSAGES",
    "ROOMS",
    "at_terminal",
    "language",
    "say",
    "speak",
    "template",
    "translation",
]

LANGUAGES = ("en", "ja")
"""What can be spoken; a translation is a folder here."""


def _rooms(place: str) -> tuple[Any, ...]:
    """Return the files of a folder of sentences, each with a table of its own."""
    files = iter_modules(import_module(place).__path__)
    return tuple(import_module(f"{place}.{file.name}") for file in files if not file.ispkg)


ROOMS = _rooms(__name__)

MESSAGES: dict[str, str] = {code: text for room in ROOMS for code, text in room.MESSAGES.items()}
"""Templates by code, as `str.format` takes them; ``{count:job|jobs}`` is a word that goes with the count."""

_translated: dict[str, str] = {}
"""The sentences of the language that is spoken, by code; empty: English."""
_spoken: ChainMap[str, str] = ChainMap(_translated, MESSAGES)
"""What is said: tables, of which the first that has a code counts."""
_language = [LANGUAGES[0]]


def language() -> str:
    """Return the language that is spoken, one of `LANGUAGES`."""
    return _language[0]


def speak(name: str) -> None:
    """Speak a language of `LANGUAGES` from now on, in this process.

    What it lacks, or says with other values than the English sentence, is said in English.
    """
    table = {code: text for code, text in translation(name).items() if _fits(code, text)}
    _translated.update(table)
    for code in _translated.keys() - table.keys():
        del _translated[code]
    _language[0] = name


def _fits(code: str, text: str) -> bool:
    """Return whether a sentence takes the values of the English one of its code."""
    parse = Formatter().parse
    return code in MESSAGES and {one[1] for one in parse(text)} | {None} == {
        one[1] for one in parse(MESSAGES[code])
    } | {None}


def translation(name: str) -> dict[str, str]:
    """Return the sentences of a language by code; empty: they are in English."""
    rooms = () if name == LANGUAGES[0] else _rooms(f"{__name__}.{name}")
    return {code: text for room in rooms for code, text in room.MESSAGES.items()}


class _Sentences(Formatter):
    """Puts values into sentences; of ``{count:job|jobs}`` the first words where the count is 1."""

    def format_field(self, value: Any, format_spec: str) -> str:
        one, bar, many = format_spec.partition("|")
        if bar:
            return one if str(value) == "1" else many
        return format(value, format_spec)


_SENTENCES = _Sentences()


def say(code: str, /, **params: Any) -> str:
    """Return the sentence for `code` with its values put in; KeyError: there is no such sentence."""
    return readable(_SENTENCES.vformat(_spoken[code], (), params))


def template(code: str) -> str:
    """Return the sentence for `code` with its fields in braces, for a page that puts the values in."""
    return _spoken[code]


@contextlib.contextmanager
def at_terminal(options: str = "") -> Iterator[None]:
    """Speak of the terminal's commands, where sentences speak of calls in Python.

    Parameters
    ----------
    options
        What each command has to be given to work in the same place: ``" --folder dance"``.
    """
    quoted = options.replace("{", "{{").replace("}", "}}")
    table = {code: text.replace("[options]", quoted) for code, text in AT_TERMINAL.items()}
    _spoken.maps.insert(0, table)
    try:
        yield
    finally:
        _spoken.maps[:] = [one for one in _spoken.maps if one is not table]
