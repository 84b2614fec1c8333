"""Switching between the sandbox and the live endpoint."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "live_about": "Live sends requests to {host} and spends real money. Nothing is sent there before you press a button here or one that names a price.",
    "live_hosting": "The endpoint fetches media from public links. A local image is uploaded for you (the link lives 72 h); a local clip is not: choose first where clips are published, or put it on a public https link, such as object storage with a presigned link.",
    "live_money": "This toolkit was never tried against the live service. Begin with one short std job, and compare the bill with the estimate.",
    "live_key": "API key",
    "live_key_hint": "Paste the key; it is taken out of this field at once",
    "live_keep": "Keep the key in this machine's keyring (otherwise: for this kernel only)",
    "live_no_key": "No key yet. Paste one, or set {variable} before starting the kernel.",
    "live_key_typed": "A key was given; it is held in this kernel and shown nowhere.",
    "live_key_environment": "A key was found in {variable}. It is used only once you switch to live.",
    "live_key_keyring": "A key was found in this machine's keyring. It is used only once you switch to live.",
    "live_balance": "Ask for the balance (free)",
    "live_balance_is": "The account has ${usd:.2f}.",
    "live_balance_open": "The endpoint states no limit for this key.",
    "live_go": "Switch to LIVE",
    "live_back": "Back to the SANDBOX",
    "live_now": "This workspace is live now. Every paid button says LIVE and its price.",
    "live_now_unkept": "This workspace is live now. The keyring did not take the key; it is held in this kernel only.",
    "sandbox_now": "This workspace is on the sandbox again. Nothing leaves this machine.",
}
