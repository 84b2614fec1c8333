"""Run one job on the sandbox and print, as JSON, which modules of ours it passes; a script of its own.

A module counts once a function of it is entered between `Workspace.submit` and the POST's arrival, or until
the job is collected. The sandbox does not count, nor does what runs because a module is imported: all are
imported before. With ``--measured`` the clip and the image are measured beforehand, as the form does it.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import motion_widgets as mw

if TYPE_CHECKING:
    from types import FrameType

PACKAGE = Path(mw.__file__).parent
ROOT = str(PACKAGE.parent)
ARRIVAL = str(Path("starlette") / "applications.py")


class Trace:
    """Notes the modules whose functions are entered, on every thread that starts after it."""

    def __init__(self) -> None:
        self.on = False
        self.until_post: set[str] | None = None
        self.seen: set[str] = set()

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or not self.on:
            return
        name = frame.f_code.co_filename
        if name.startswith(str(PACKAGE)):
            self.seen.add(name)
        elif self.until_post is None and name.endswith(ARRIVAL):
            scope = frame.f_locals.get("scope") or {}
            if scope.get("method") == "POST" and scope.get("path", "").endswith("/generations"):
                self.until_post = set(self.seen)


def main() -> None:
    for one in pkgutil.walk_packages([str(PACKAGE)], "motion_widgets."):
        if not one.name.endswith("__main__"):
            importlib.import_module(one.name)
    trace = Trace()
    threading.setprofile(trace)
    sys.setprofile(trace)
    with tempfile.TemporaryDirectory() as folder, mw.Workspace(folder, "sandbox") as ws:
        samples = ws.samples()
        req = mw.MotionRequest(
            model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s
        )
        if "--measured" in sys.argv:
            clip, image = mw.measure_clip(samples.clip_6s), mw.measure_image(samples.image)
            req = req.replace(video_url=clip, image_url=image)
        trace.on = True
        job = ws.submit(req)
        job.wait(60)
        trace.on = False
        state = str(job.state)
    sys.setprofile(None)
    threading.setprofile(None)
    passed = {"post": _ours(trace.until_post or set()), "collected": _ours(trace.seen), "state": state}
    print(json.dumps(passed))


def _ours(files: set[str]) -> list[str]:
    names = {Path(name).relative_to(PACKAGE).with_suffix("").as_posix() for name in files}
    return sorted(name for name in names if not name.startswith("sandbox"))


if __name__ == "__main__":
    main()
