"""Prices, spending bounds and budgets."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "no_price": "There is no price for model {model} in mode {mode}. Choose a model ({models}) and a mode ({modes}), or give your own Prices.",
    "prices_unreadable": "The price table {name} cannot be read ({reason}). Mend the file or remove it.",
    "prices_undated": '{name} has no date. Write date = "2026-10" (when the prices were read) at its top.',
    "prices_shape": "{name} gives {found} outside a model's table. Write [model] on a line of its own and mode = price under it.",
    "prices_wrong": "{name} gives {found} as the price of {cell}; it must be a positive number of USD per second. Mend that line.",
    "budget_used_up": "The next job may cost ${price:.2f}, and ${left:.2f} of the budget of {name} is left (it has ${limit:.2f}). Raise the budget and run again; nothing was sent.",
    "person_budget_used_up": "This may cost ${price:.2f}, and ${left:.2f} of the budget of {name} is left (it has ${limit:.2f}). Agree on more with ws.set_budget({more:.2f}, “{name}”), or use a shorter clip; nothing was sent.",
    "person_wrong": "“{found}” is no name for a person. Give one line of 1 to {most} characters (MOTION_WIDGETS_USER).",
    "since_wrong": "“{found}” is no day from which a budget counts. Give a day up to today, such as 2026-11-01 (UTC).",
    "own_budget": "${left:.2f} of your budget of ${limit:.2f} is left",
    "own_budget_missing": "Your budget lacks ${usd:.2f} for this.",
    "own_budget_open": "no limit for you; ${used:.2f} used",
    "budget_line": "{person}: ${used:.2f} used of {limit} at {endpoint}{since}",
    "budget_since": ", counted since {when}",
    "budget_no_limit": "no limit",
    "budget_none": "Nobody has a budget here. Set one with motion-widgets budget NAME USD.",
    "bound_missing": "This costs {price} of real money. Say that it may: max_cost={high:.2f} (a sweep: budget=).",
    "bound_wrong": "{found} is no amount of USD. Give a number such as 0.50.",
    "bound_small": "This costs {price}, and at most ${bound:.2f} may be spent. Raise the bound to {high:.2f} or use a shorter clip.",
}
