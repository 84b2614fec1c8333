"""What needs an extra that is not installed: one sentence for each extra of ``pyproject.toml``.

The command has double quotes: those of one line work in sh, PowerShell and Windows' cmd alike.
"""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "awake_missing": 'Keep it awake until they are collected: pip install "motion-widgets[awake]" takes care of that.',
    "excel_missing": 'Writing Excel files needs openpyxl, which is not installed: run pip install "motion-widgets[excel]", or use to_csv(path, excel=True).',
    "flow_missing": 'The direction of motion needs OpenCV, which is not installed: run pip install "motion-widgets[flow]"; all other measures work without it.',
    "heic_missing": '“{name}” is HEIC, which needs a package that is not installed: run %pip install "motion-widgets[heic]" in a cell and choose it again, or save it as JPEG.',
    "keyring_missing": 'The keyring needs a package that is not installed, so no key was kept there or removed: run pip install "motion-widgets[keyring]", then try again.',
    "postgres_missing": 'The log {name} is on PostgreSQL, whose driver is not installed ({reason}): run pip install "motion-widgets[postgres]", then open it again.',
    "s3_missing": '{place} needs a package that is not installed ({reason}): for S3, run pip install "motion-widgets[s3]".',
    "voila_missing": 'Voilà is not installed here: run pip install "motion-widgets[voila]", then start again.',
}
