"""What the events of a job's history say."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "event_imported": "imported",
    "event_accepted": "accepted as {task}",
    "event_accepted_again": "the same key was accepted again as {task}",
    "event_replay_sent": "the same key and body are sent once more, at a person's request",
    "event_replay_refused": "refused: {why} (HTTP {status})",
    "event_replay_same_marked": "the same task, with the header",
    "event_replay_same": "the same task, without the header",
    "event_replay_other_marked": "ANOTHER TASK, with the header",
    "event_replay_other": "ANOTHER TASK, without the header",
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
    "event_asked_again": "asked for again, because a person said so",
    "event_account_changed": "followed with another key of the same account, because a person said so",
    "event_adopted": "a person named its task: {task}",
    "event_no_link": "completed without a link",
    "event_bill_outside": "billed {cost}, outside its estimate of {low} to {high}",
    "event_refund_seen": "the balance shows that it was refunded",
    "event_refund_open": "it stated no cost, and the balance does not show a refund yet: refund not confirmed",
    "event_cost_requested": "its cost was requested again",
}
