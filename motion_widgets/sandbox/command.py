"""The command ``motion-widgets sandbox``: a sandbox that runs until it is interrupted."""

from __future__ import annotations

import json
import time
from pathlib import Path

from motion_widgets.sandbox.server import Sandbox

__all__ = ["serve"]


def serve(folder: Path, port: int = 0, speed: float | None = None, faults: str | Path | None = None) -> None:
    """Serve `folder` until interrupted, after printing the address, the token and a request to paste.

    Parameters
    ----------
    folder, port, speed
        As for `Sandbox`.
    faults : path, optional
        A fault plan, TOML or JSON.
    """
    with Sandbox(folder, port=port, speed=speed, faults=faults) as sandbox:
        body = {
            "model": "kling-v2-6-motion-control",
            "prompt": "参考画像のキャラクターの向きに合わせて振り向いて手を振る",
            "image_url": f"{sandbox.url}/media/sample/figure.png",
            "video_url": f"{sandbox.url}/media/sample/clip-6s.mp4",
            "character_orientation": "image",
            "mode": "std",
            "keep_original_sound": "yes",
            "watermark_info": {"enabled": False},
        }
        lines = [
            "SANDBOX: nothing here costs money. Ctrl-C stops it.",
            f"  url    {sandbox.url}",
            f"  token  {sandbox.token}",
            f"  folder {sandbox.folder.resolve()}",
            *([f"  faults {Path(faults).resolve()}"] if faults is not None else []),
            "",
            f"curl {sandbox.url}/v1/videos/generations \\",
            f"  -H 'Authorization: Bearer {sandbox.token}' -H 'Content-Type: application/json' \\",
            f"  -d '{json.dumps(body, ensure_ascii=False)}'",
            "",
            f"curl '{sandbox.url}/v1/tasks/TASK_ID?language=en' -H 'Authorization: Bearer {sandbox.token}'",
        ]
        print("\n".join(lines), flush=True)  # noqa: T201 - a command's output
        try:
            while sandbox.running:
                time.sleep(0.5)
        except KeyboardInterrupt:
            print("stopped; the folder keeps everything", flush=True)  # noqa: T201
