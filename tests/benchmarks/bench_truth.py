"""Whether what the sandbox plants is found from the log alone, and nothing where nothing is planted.

A seed is a study of four blocks, each of a clip and an image of its own. Its results are drawn as the sandbox
draws them, put into a workspace's log, measured by `Study.fidelity` and compared by `Study.answer`.
"""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

import numpy as np
from PIL import Image
from sqlalchemy import insert

import motion_widgets as mw
from motion_widgets.core.hashing import sha256_of
from motion_widgets.log.schema import jobs
from motion_widgets.media import samples
from motion_widgets.media.samples import draw_backdrop, draw_figure
from motion_widgets.sandbox import TRUTH, Plant
from motion_widgets.sandbox.rendering import draw as drawing
from motion_widgets.sandbox.rendering.kept import KeptResults
from motion_widgets.study import Study
from tests.study.conftest import columns_of
from tests.study.fidelity.dances import Shown, encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from motion_widgets.study.fidelity.difference import Difference

SEEDS, BLOCKS, SECONDS, FPS = 20, 4, 3.0, 24
MODES, WAYS = ("std", "pro"), ("image", "video")
MODE, WAY = ("mode", *MODES), ("character_orientation", *WAYS)
PLANTED = {
    "lag_ms": (WAY, "higher"), "direction": (WAY, "lower"),
    "amount": (MODE, "lower"), "blur": (MODE, "higher"),
}  # fmt: skip
"""By measure on which axis it is planted, and how the first value is to read beside the second."""
SHORT_SIDE = {mode: side // 2 for mode, side in drawing.SHORT_SIDE.items()}
"""px; what is planted goes by the picture's size, so small results have it as well."""


class Block(NamedTuple):
    """What all settings of a block share."""

    name: str
    image: Path
    clip: Path


class Kind(NamedTuple):
    """What is drawn of a block, and what is planted in it."""

    settings: list[tuple[str, str]]
    truth: Mapping[str, Plant]


KINDS = {
    "planted": Kind(list(itertools.product(MODES, WAYS)), TRUTH),
    # Both turn off their way, each by chance: the null. Of nothing planted both would be the same file.
    "alike": Kind([("std", way) for way in WAYS], dict.fromkeys(WAYS, Plant(turned=0.8))),
}


def blocks(folder: Path, seed: int) -> list[Block]:
    """Draw the media of a seed: the samples' motions from any moment at any speed, figures in any pose."""
    rng, made = np.random.default_rng(seed), []
    backdrop = draw_backdrop(192, 288)
    for block in range(BLOCKS):
        name = f"{seed}-{block}"
        move = samples._wave if block == 0 else samples._dance
        start, speed, posed = rng.uniform(0, 12), rng.uniform(0.8, 1.25), rng.uniform(0, 12)
        frames = []
        for place in range(round(SECONDS * FPS)):
            frame = backdrop.copy()
            draw_figure(frame, move(float(start + place / FPS * speed)))
            frames.append(np.asarray(frame.convert("L").resize((96, 144), Image.Resampling.BOX)))
        clip = encode(Shown(np.stack(frames), FPS), folder / f"inputs/clip{name}.mp4")
        picture = draw_backdrop(640, 960)
        draw_figure(picture, samples._dance(float(posed)))
        hue, *others = picture.convert("HSV").split()
        turned = hue.point([(value + int(posed * 21)) % 256 for value in range(256)])
        image = folder / f"inputs/image{name}.png"
        Image.merge("HSV", [turned, *others]).convert("RGB").save(image)
        made.append(Block(name, image, clip))
    return made


def study(ws: mw.Workspace, name: str, among: list[Block], kind: Kind) -> Study:
    """Draw the results of blocks, write them to the log as collected, and return their study."""
    (ws.folder / "results").mkdir(exist_ok=True)

    def row(cell: tuple[Block, tuple[str, str]]) -> dict[str, object]:
        block, (mode, way) = cell
        path = ws.folder / "results" / f"{name}-{block.name}-{mode}-{way}.mp4"
        options = {"sound": False, "watermark": False, "truth": kind.truth}
        drawing.draw(block.image, block.clip, path, orientation=way, mode=mode, **options)
        return columns_of(
            mode, block.name, character_orientation=way, video_url=None, clip_length=SECONDS,
            clip_path=block.clip.relative_to(ws.folder).as_posix(), clip_sha=sha256_of(block.clip),
            result_path=path.relative_to(ws.folder).as_posix(), result_sha=sha256_of(path),
        )  # fmt: skip

    with ThreadPoolExecutor(2) as work:
        made = list(work.map(row, itertools.product(among, kind.settings)))
    with ws.log_store.database.write() as connection:
        connection.execute(insert(jobs), made)
    return Study(ws, [str(one["id"]) for one in made])


def found(seed: int) -> Iterator[tuple[str, str, Difference]]:
    """Yield what a seed tells: the kind, the measure, and its difference."""
    with tempfile.TemporaryDirectory(prefix="motion-widgets-bench-") as place:
        folder = Path(place) / "ws"
        with mw.Workspace(folder, endpoint="sandbox") as ws:
            among = blocks(folder, seed)
            for name, kind in KINDS.items():
                made = study(ws, name, among, kind)
                made.fidelity(progress=False, direction=True)
                for by, (axis, _) in PLANTED.items():
                    yield name, by, made.answer(*(axis if name == "planted" else WAY), by=by)


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield the figures: what, measured, beside, target."""
    claimed: Counter[tuple[str, str]] = Counter()
    ordered: Counter[str] = Counter()
    kept = mock.patch.object(drawing, "_KEPT", KeptResults(folder / "kept"))  # not the user's
    with kept, mock.patch.dict(drawing.SHORT_SIDE, SHORT_SIDE):
        for kind, by, told in itertools.chain.from_iterable(map(found, range(SEEDS))):
            order = PLANTED[by][1]
            claimed[kind, by] += told.kind == order if kind == "planted" else told.kind in ("higher", "lower")
            apart = told.of_a - told.of_b  # of too few blocks NaN, which is in no order
            ordered[by] += kind == "planted" and (apart > 0 if order == "higher" else apart < 0)
    for by, (axis, order) in PLANTED.items():
        count = ordered[by]
        yield (
            f"planted {by}: {axis[1]} {order} than {axis[2]}, seeds in order", f"{count} of {SEEDS}",
            f"interval says so in {claimed['planted', by]}",
            f"20 of 20: {'reached' if count == SEEDS else 'not reached'}",
        )  # fmt: skip
    each = ", ".join(f"{by} {claimed['alike', by]}" for by in PLANTED)
    false, all_ = sum(claimed["alike", by] for by in PLANTED), SEEDS * len(PLANTED)
    # Of 80 at 5 % up to 8 come by chance in 98 % of all runs.
    yield (
        "both err alike: a difference claimed all the same", f"{false} of {all_}", each,
        f"5 %, by chance <= 8: {'reached' if false <= 8 else 'not reached'}",
    )  # fmt: skip
