"""A workspace's folder, its inputs, and packing it into one file."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "bundle_folder": "{name} is not empty. Unpack into a new folder, or merge with motion-widgets log merge.",
    "bundle_wrong": "{name} is not a packed workspace, or was changed after packing ({what}). Pack or copy it again; nothing was unpacked.",
    "bundle_newer": "{name} has format {found}; this version of motion-widgets knows formats up to {known}. Upgrade motion-widgets; nothing was unpacked.",
    "bundle_large": "{name} unpacks to {mb:,.0f} MB, more than this disk has free. Free some space or choose another place.",
    "bundle_packed": "Packed: {path} ({mb:,.1f} MB). It contains the log, results and inputs, but no key.",
    "bundle_lacks": "{count} file(s) that jobs name are missing here, so they are not packed either. motion-widgets log check lists them.",
    "bundle_unpacked": 'Unpacked into {path}: {jobs} job(s). Open it with Workspace("{path}").',
    "folder_unwritable": "{name} is not writable ({reason}). Choose another folder; nothing was sent.",
    "workspace_closed": "The workspace {name} was closed. Open it again with Workspace(...).",
    "input_unreadable": "{name} cannot be read ({reason}). Choose the file again; nothing was sent.",
    "input_changed": "{name} has changed since it was measured. Measure or plan again; nothing was sent.",
}
