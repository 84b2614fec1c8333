"""Studies: which setting people prefer, how sure that is, and what it costs.

Jobs of a log and ratings of pairs of their results come in; every answer goes out with its interval and n.
Nothing is measured on pixels and nothing is spent here. Read `pairs` first, then `preference` and `verdict`.
"""

from __future__ import annotations

from motion_widgets.study.answer import Answer
from motion_widgets.study.clips import montage
from motion_widgets.study.study import Study

__all__ = ["Answer", "Study", "montage"]
