"""The Studio: its head, tabs and balance."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "newer": "Newer",
    "older": "Older",
    "clusters_head": "Failures cluster:",
    "progress_of": "{percent} % done",
    "ipykernel_broken": "ipykernel 7.0.0 and 7.0.1 raise on every widget update from a background thread. Install ipykernel 7.1 or later.",
    "studio_title": "Motion studio",
    "head_sandbox": "SANDBOX – nothing leaves this machine",
    "head_live": "LIVE – real money",
    "balance_live": "Balance ${usd:.2f}",
    "balance_sandbox": "SANDBOX balance ${usd:.2f}",
    "balance_unknown": "Balance unknown",
    "balance_unknown_sandbox": "SANDBOX balance unknown",
    "balance_asking": "Balance: checking…",
    "balance_open": "The endpoint reports no balance for this key.",
    "balance_slow": "The endpoint did not report it within {seconds:g} s.",
    "balance_missing": "${usd:.2f} short of the price above.",
    "head_spent": "Spent ${usd:.2f}",
    "golive_open": "Go live…",
    "golive_back": "Live or sandbox…",
    "sweep_these": "Sweep these settings…",
    "tab_build": "Build",
    "tab_sweep": "Sweep",
    "tab_runs": "Runs",
    "tab_runs_count": "Runs ({count})",
    "tab_compare": "Compare",
    "tab_log": "Log",
}
