"""Looking for API keys in files."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "scan_known": "the API key of this machine ({key})",
    "scan_alike": "what looks like an API key ({key})",
    "scan_wrapped": ", written as {how}",
    "scan_line": "line {number}",
    "scan_source": "cell {cell}, source",
    "scan_output": "cell {cell}, output {output}",
    "scan_cell_attachments": "cell {cell}, attachment",
    "scan_cell_metadata": "cell {cell}, metadata",
    "scan_metadata": "notebook metadata",
    "scan_widget": "widget state, {name} {id}",
    "scan_row": "table {table}, column {column}, row {row}",
    "scan_deleted": "raw bytes (a deleted row, for example)",
    "scan_its_name": "its name",
    "scan_unread": "{name} could not be read ({reason}), so it was not checked.",
    "scan_large": "larger than {limit} MiB",
    "scan_unopened": "{name} was not opened ({reason}), so what is in it was not checked.",
    "scan_encrypted": "it is encrypted",
    "scan_unknown_kind": "a file of the kind {kind}; unpack it and scan what comes out",
    "scan_bomb": "it unpacks to more than {limit} MiB, or to more than {ratio} times its size",
    "scan_nested": "more than {limit} archives within each other",
    "scan_broken": "it is damaged: {why}",
    "scan_unsure": "Nothing was found in what could be read, but {unread} {unread:part|parts} could not be.",
    "scan_streams": "cell {cell}, outputs",
    "scan_found": "A key was found in {places} {places:place|places} in {files} {files:file|files}.",
    "scan_advice": "Clear those outputs and texts, save the file again, and revoke the key at the provider: anyone who had the file may have it.",
    "scan_clean": "No key was found in {files} {files:file|files}.",
    "scan_no_key": "No API key is known on this machine, so only text that looks like one was searched for.",
}
