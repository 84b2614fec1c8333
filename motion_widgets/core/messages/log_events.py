"""What the events of a job's history say."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "event_imported": "imported",
    "event_accepted": "accepted as {task}",
    "event_accepted_again": "the same key was accepted again as {task}",
    "event_replay_sent": "the same key and body are sent once more, at a person's request",
    "event_replayed": "replayed",
    "event_held_back": "held back before anything was sent",
    "event_died_unsent": "its process died before anything was sent",
    "event_died": "its process died",
    "event_too_slow": "{state}, reported too late by a process that no longer owns it: {note}",
    "event_submitted_by": "submitted by {person}",
    "event_written_off": "by a person",
    "event_poll_failed": "the endpoint does not respond; polling continues",
    "event_status_unknown": "unknown status {word}; treated as still running",
    "event_status_changed": "now reported as {word}; the first end is kept",
    "event_task_unknown": "the task is unknown",
    "event_no_link": "completed without a link",
    "event_bill_outside": "billed ${cost:.5f}, outside its estimate of ${low:.5f} to ${high:.5f}",
    "event_refund_seen": "the balance shows that it was refunded",
    "event_refund_open": "it stated no cost, and the balance does not show a refund yet: refund not confirmed",
    "event_cost_requested": "its cost was requested again",
}
