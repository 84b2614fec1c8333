"""Prices, spending bounds and budgets."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "no_price": "There is no price for model {model} in mode {mode}. Choose a model ({models}) and a mode ({modes}), or supply your own Prices.",
    "prices_unreadable": "The price table {name} cannot be read ({reason}). Fix the file or remove it.",
    "prices_undated": '{name} has no date. Add date = "2026-10" (when the prices were read) at the top.',
    "prices_shape": "{name} has {found} outside a model's table. Write [model] on a line of its own and mode = price below it.",
    "prices_wrong": "{name} gives {found} as the price of {cell}; it must be a positive number of USD per second. Fix that line.",
    "budget_used_up": "The next job may cost {price}, but the budget of {name} has only {left} of {limit} left. Raise the budget and run again; nothing was sent.",
    "person_budget_used_up": 'This may cost {price}, but the budget of {name} has only {left} of {limit} left. Raise it with ws.set_budget({more}, "{name}"), or use a shorter clip; nothing was sent.',
    "person_wrong": "“{found}” cannot be a person's name. Use one line of 1 to {most} characters (MOTION_WIDGETS_USER).",
    "since_wrong": "“{found}” is not a valid start date. Use a day up to today, such as 2026-11-01.",
    "own_budget": "{left} of your {limit} budget is left",
    "own_budget_missing": "Your budget is {usd} short for this.",
    "own_budget_open": "no limit for you; {used} used",
    "budget_line": "{person}: {used} used of {limit} at {endpoint}{since}",
    "budget_since": ", counted since {when}",
    "budget_no_limit": "no limit",
    "budget_none": "Nobody has a budget here. Set one with motion-widgets budget NAME USD.",
    "bound_missing": "This costs {price} of real money. Approve it with max_cost={high} (for a sweep: budget=).",
    "bound_huge": "A number of thousands of digits",
    "bound_wrong": "{found} is not an amount in USD. Use a number such as 0.50.",
    "bound_small": "This costs {price}, but at most {bound} may be spent. Raise the limit to {high} or use a shorter clip.",
}
