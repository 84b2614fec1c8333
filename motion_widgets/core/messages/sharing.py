"""Results and inputs on a team's shared path."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "shared_wrong": "“{found}” is not a path that a team can share. Use an fsspec address such as s3://bucket/team or file:///mnt/team.",
    "shared_none": "No shared path is set. Open the workspace with shared=, or set MOTION_WIDGETS_SHARED.",
    "shared_outside": "The log names {name}, which is neither a result nor an input of a workspace. It was left alone; ask whoever wrote that row.",
    "shared_down": "{place} does not accept {name} ({reason}). It is safe in this folder and is copied there as soon as that works.",
    "shared_unread": "{name} cannot be fetched from {place} ({reason}). Check the connection and the credentials, then try again.",
    "shared_other": "{place} has a different file named {name}. Nothing was overwritten: move that one away; the one here is safe and is copied there then.",
    "shared_changed": "{name} does not match the log, so it was not put on the shared path. Restore the original.",
    "shared_missing": "{name} is neither here nor at {place}. Ask for the workspace that made it to be opened again.",
    "shared_broken": "{name} at {place} does not match the log, so it was not used. Move it away there; whoever has the original can restore it with ws.share(everything=True).",
    "shared_not_yet": "{name} is not at {place} yet. It arrives once the workspace of {person}, which has it, is open and can reach that path.",
    "shared_left": "{count} {count:file|files} could not be put on the shared path; {done} {done:was|were}. {first}",
    "shared_done": "{count} {count:file was|files were} copied to {place}.",
    "known_unshared": "The result is not on the shared path yet.",
    "shared_absent": "not here",
    "shared_fetching": "downloading from {place}…",
    "shared_garbled": "what arrived differs from what was sent",
}
