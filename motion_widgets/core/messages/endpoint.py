"""The API key, the connection, and errors that the endpoint reports."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "key_malformed": "That is not an API key: it is empty, or contains spaces or characters outside ASCII. Copy it again.",
    "key_missing": "No API key for {host} was found. Set {variable}, pass key=, or use “Go live…” in the Studio.",
    "key_wrong_origin": "The key does not belong to {host}, so nothing was sent there.",
    "endpoint_not_https": "{url} is not https; a key is sent over plain http only on this machine. Use an https address.",
    "endpoint_wrong": "“{found}” is not an endpoint. Use “sandbox”, “apimart”, or an https address with key=.",
    "refused": "The endpoint rejected the request: {message}",
    "auth_wrong": "The endpoint does not accept this key: {message}",
    "auth_forbidden": "This key is not allowed to do that: {message}",
    "payment_required": "The balance does not cover this request: {message}",
    "payment_missing": "{message} The next request may cost ${price:.2f}, but ${balance:.2f} is left: ${missing:.2f} is missing. Add it to the account.",
    "payment_ahead": "{message} The next request may cost ${price:.2f} and ${balance:.2f} is left, which covers it; but the endpoint may charge for the longest clip in advance (10 or 30 s). Add money to the account.",
    "payment_balance_unknown": "{message} The next request may cost ${price:.2f}; how much is missing is not known, because the balance is not. Add money to the account.",
    "rate_limited": "The endpoint asks to slow down: {message}",
    "idempotency_wait": "The endpoint is still processing the first attempt: {message}",
    "redirected": "{host} responded with a redirect (HTTP {status}) to {message}, which is not followed with a key. Check the base address.",
    "key_reused": "The endpoint has seen this idempotency key with a different body. This is a bug in motion-widgets; please report it. Nothing is sent again.",
    "outcome_unknown": "The request was sent, but its outcome is unknown ({message}). Money may have been spent; nothing is sent again automatically.",
    "no_task_id": "The endpoint responded without a task id. Money may have been spent; nothing is sent again automatically.",
    "not_found": "The endpoint does not know this: {message}",
    "server_error": "The endpoint failed (HTTP {status}): {message}",
    "answer_unreadable": "The endpoint's response cannot be read. It begins: {excerpt}",
    "answer_large": "The endpoint's response is larger than {limit} MiB and was not read.",
    "answer_slow": "{host} did not send a complete response within {seconds:g} s.",
    "answer_broken": "The connection to {host} broke ({why}).",
    "held_back": "held back before anything was sent",
    "not_reached": "{host} cannot be reached ({why}); nothing was sent. Check the connection and the address.",
    "tls_broken": "A secure connection to {host} could not be established ({why}); nothing was sent. Check the address and any proxy.",
    "tls_failed": "The certificate of {host} does not prove its identity; nothing was sent. Check the address, the clock and any proxy.",
}
