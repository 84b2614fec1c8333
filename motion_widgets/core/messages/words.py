"""Single words and phrases that other sentences and the widgets use: yes and no, severities, the states of a job."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "the_image": "the character image",
    "the_clip": "the reference clip",
    "a_link_or_path": "a link or a local path",
    "a_link": "a link",
    "a_text": "a string",
    "yes": "yes",
    "no": "no",
    "word_error": "Error:",
    "word_warning": "Warning:",
    "word_hint": "Hint:",
    "reserved": "reserved",
    "estimated": "about {price}",
    "state_planned": "planned",
    "state_submitting": "submitting",
    "state_submitted": "submitted",
    "state_running": "running",
    "state_completed": "completed, downloading",
    "state_collected": "collected",
    "state_rejected": "rejected",
    "state_failed": "failed",
    "state_cancelled": "cancelled",
    "state_vanished": "vanished",
    "state_expired": "expired",
    "state_written_off": "written off",
    "state_unknown": "unknown – no response to the submit",
}
