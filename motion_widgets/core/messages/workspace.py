"""A workspace's folder, its inputs, and packing it into one file."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "account_silent": "The account does not say what it was billed, which does not mean nothing. {reason}",
    "account_not_charged": "The account was billed nothing that the log does not explain, so this job was most likely not charged. Send it again if you want the result, or write it off.",
    "account_fresh": "The account shows no charge for it yet; its bill may be {minutes} {minutes:minute|minutes} late. Ask again then.",
    "account_charged": "The account was billed {more} more than the log explains, which fits this job ({price}): it was charged. Follow its task if the provider's console shows one, or write it off.",
    "account_unclear": "The account was billed {more} more than the log explains. This job ({price}) may be part of it, but {others} other {others:job|jobs} of unknown cost or another program may be as well.",
    "balance_slow": "The endpoint did not report its balance within {seconds:g} s. Ask again in a moment.",
    "bundle_folder": "{name} is not empty. Unpack into a new folder, or merge with motion-widgets log merge.",
    "bundle_wrong": "{name} is not a packed workspace, or was changed after packing ({what}). Pack or copy it again; nothing was unpacked.",
    "bundle_newer": "{name} has format {found}; this version of motion-widgets knows formats up to {known}. Upgrade motion-widgets; nothing was unpacked.",
    "bundle_large": "{name} unpacks to {mb:,.0f} MB, more than this disk has free. Free some space or choose another place.",
    "bundle_bomb": "{name} unpacks to more than {ratio} times its size, or more than {most} TB, which no packed workspace does. Ask whoever sent it; nothing was unpacked.",
    "bundle_left_out": "{file} is not what its name says (a clip, an image or a sidecar). It was left out.",
    "bundle_packed": "Packed: {path} ({mb:,.1f} MB). It contains the log, results and inputs, but no key.",
    "bundle_lacks": "{count} {count:file that a job names is|files that jobs name are} missing here, so {count:it is|they are} not packed either. motion-widgets log check lists them.",
    "bundle_unpacked": 'Unpacked into {path}: {jobs} {jobs:job|jobs}. Open it with Workspace("{path}").',
    "folder_unwritable": "{name} is not writable ({reason}). Choose another folder; nothing was sent.",
    "view_foreign": "What was open here last is not restored: {name} is damaged, or you did not write it here. The next change replaces it.",
    "choices_foreign": "{name} was not written by you on this machine, or its folder was moved, so its choices (live endpoint, places to publish, consents, prices) do not count: the folder opens as new, on the sandbox. Choose again in the Studio, or with ws.switch(...), ws.publish_to and ws.consent(); the old file is then kept as {kept}.",
    "prices_foreign": "{name} does not count, because you have not accepted it as it is now: the prices of {date} that come with motion-widgets hold. Look at it, then run motion-widgets prices --accept, or ws.accept_prices().",
    "folder_link": '{name} is a link that leads out of the folder, to {target}. Somebody may have sent this folder, and files of yours could be read or overwritten there, so it was not opened. Remove the link. If it is your own, open the folder without it, choose there with ws.switch("sandbox"), and make the link again.',
    "workspace_closed": "The workspace {name} was closed. Open it again with Workspace(...).",
    "workspace_forked": "The workspace {name} was opened before this process was forked, and its parent goes on with it. Open it here as well, with Workspace(...), to submit or follow jobs; nothing was sent.",
    "input_kind": "{name} looks like {found}, not a clip or an image, so no copy of it is kept. Choose another file; nothing was sent.",
    "input_missing": "The copy of {name} that this job was planned with is not here, or has changed. Choose the file again in a new request; nothing was sent.",
    "library_unreadable": "The library {name} cannot be read ({reason}). Make it a folder that you may read.",
    "input_unreadable": "{name} cannot be read ({reason}). Choose the file again; nothing was sent.",
    "input_changed": "{name} has changed since it was measured. Measure or plan again; nothing was sent.",
}
