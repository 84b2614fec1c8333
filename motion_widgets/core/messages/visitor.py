"""Visitor mode: what strangers who share a page may not do, and why."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "visitor_head": "Shared demo: only the sandbox, nothing is paid for, and your files are removed when this page ends.",
    "visitor_endpoint": "This page is shared, so only the sandbox is used here. To go live, open the notebook in your own JupyterLab, or say Workspace(visitor=False) where nobody else opens the page.",
    "visitor_elsewhere": "This page is shared, so log= and shared= do not apply: each visitor's log and files stay in a folder of their own. Leave them out, or say Workspace(visitor=False) where nobody else opens the page.",
    "visitor_place": "This page is shared, so nothing is published from here; the sandbox takes local files as they are.",
    "visitor_file": "“{name}” is not one of your files on this shared page. Choose a sample, or a file from your own disk with the button.",
    "visitor_no_room": "This page is shared, and there is no room for a visitor's temporary files ({reason}). Tell whoever runs it.",
    "visitor_full": "“{name}” would make your files on this shared page larger than {limit} MB. Open the page again to begin anew.",
}
