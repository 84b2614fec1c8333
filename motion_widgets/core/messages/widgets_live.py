"""Switching between the sandbox and the live endpoint."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "live_about": "Live mode sends requests to {host} and spends real money. Nothing is sent there until you press a button here or one that names a price.",
    "live_hosting": "The endpoint fetches media from public links. A local image is uploaded for you (the link lasts 72 h), but a local clip is not: first choose where clips are published, or host it at a public https link, such as object storage with a presigned link.",
    "live_money": "This toolkit has never been tried against the live service. Start with one short std job, and compare the bill with the estimate.",
    "live_key": "API key",
    "live_key_hint": "Paste the key; it is removed from this field at once",
    "live_keep": "Keep the key in this machine's keyring (otherwise only in this kernel)",
    "live_no_key": "No key yet. Paste one, or set {variable} before starting the kernel.",
    "live_key_typed": "A key was entered; it is held in this kernel and never shown.",
    "live_key_environment": "A key was found in {variable}. It is used only once you switch to live.",
    "live_key_keyring": "A key was found in this machine's keyring. It is used only once you switch to live.",
    "live_balance": "Check the balance (free)",
    "live_balance_is": "The account has {usd}.",
    "live_balance_open": "The endpoint reports no limit for this key.",
    "live_forget": "Forget the kept key",
    "live_forget_later": "This kernel goes on using it until you go back to the sandbox.",
    "live_go": "Switch to LIVE",
    "live_back": "Back to the SANDBOX",
    "live_now": "This workspace is now live. Every paid button says LIVE and its price.",
    "live_now_unkept": "This workspace is now live. The keyring did not accept the key; it is held in this kernel only.",
    "sandbox_now": "This workspace is on the sandbox again. Nothing leaves this machine.",
}
