"""A workspace's folder, its inputs, and packing it into one file."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "bundle_folder": "{name} is not empty. Unpack into a new folder, or merge with motion-widgets log merge.",
    "bundle_wrong": "{name} is no packed workspace, or not as it was packed ({what}). Pack or copy it again; nothing was unpacked.",
    "bundle_newer": "{name} has format {found}; this version knows formats up to {known}. Upgrade motion-widgets; nothing was unpacked.",
    "bundle_large": "{name} unpacks to {mb:,.0f} MB, more than this disk has room for. Make room or choose another place.",
    "bundle_packed": "Packed: {path} ({mb:,.1f} MB). It holds the log, results and inputs; no key is in it.",
    "bundle_lacks": "{count} file(s) that jobs name are not here, so they are not in it either. motion-widgets log check names them.",
    "bundle_unpacked": "Unpacked into {path}: {jobs} job(s). Open it with Workspace(“{path}”).",
    "folder_unwritable": "{name} takes no files ({reason}). Choose another folder; nothing was sent.",
    "workspace_closed": "The workspace {name} was closed. Open it again with Workspace(...).",
    "input_unreadable": "{name} cannot be read ({reason}). Choose the file again; nothing was sent.",
    "input_changed": "{name} is no longer the file that was measured. Measure or plan again; nothing was sent.",
}
