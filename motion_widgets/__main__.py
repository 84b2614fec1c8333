"""``python -m motion_widgets`` is ``motion-widgets``."""

from __future__ import annotations

import sys

from motion_widgets.cli.main import main

sys.exit(main())
