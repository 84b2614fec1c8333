"""Results and inputs on a team's shared path."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "shared_wrong": "“{found}” is no path that a team can share. Give an fsspec address such as s3://bucket/team or file:///mnt/team.",
    "shared_none": "There is no shared path. Open the workspace with shared=, or set MOTION_WIDGETS_SHARED.",
    "shared_outside": "The log names {name}, which is no result and no input of a workspace. It was left alone; ask who wrote that row.",
    "shared_down": "{place} does not take {name} ({reason}). It is safe in this folder and is put there as soon as that works.",
    "shared_unread": "{name} cannot be fetched from {place} ({reason}). Check the connection and the credentials, then try again.",
    "shared_other": "{place} holds another file as {name}. Nothing was overwritten: move that one away; the one here is safe and is put there then.",
    "shared_changed": "{name} is not what the log says, so it was not put on the shared path. Bring the original back.",
    "shared_missing": "{name} is neither here nor at {place}. Ask for the workspace that made it to be opened once more.",
    "shared_broken": "{name} at {place} is not the file that the log speaks of, so it was not taken. Move it away there; whoever has the original puts it back with ws.share(everything=True).",
    "shared_not_yet": "{name} is not at {place} yet. It comes once the workspace of {person}, which has it, is open and reaches the path.",
    "shared_left": "{count} file(s) could not be put on the shared path, {done} were. {first}",
    "shared_done": "{count} file(s) were put at {place}.",
    "known_unshared": "The result is not on the shared path yet.",
    "shared_absent": "not here",
    "shared_fetching": "being fetched from {place}…",
}
