"""The offer to trim: which clips, for which cells, and what is kept of the plan that takes it."""

from __future__ import annotations

import pytest

from motion_widgets import MotionRequest, RequestError, Sweep, measure_clip
from tests.jobs.endpoint import make_clip

LENGTHS = {"short": 9.5, "long": 12, "longer": 14}


@pytest.fixture
def clips(tmp_path, endpoint):
    """Serve a clip that all cells take, and two that those of orientation "image" do not; name -> link."""
    links = {}
    for name, length in LENGTHS.items():
        endpoint.files[f"/media/{name}.mp4"] = make_clip(tmp_path / f"{name}.mp4", length)
        links[name] = f"{endpoint.url}/media/{name}.mp4"
    return links


def test_numbers_are_those_of_the_plan_also_in_a_part_of_it(ws, req, clips):
    """A part keeps its cells' numbers, and the offer names cells by them."""
    whole = Sweep(
        req, video_url=[req.video_url, clips["long"]], character_orientation=["image", "video"]
    ).plan(ws)
    part = whole.edited(whole.frame().iloc[2:])
    assert [cell.number for cell in part.cells] == [3, 4]
    assert part.offer.cells == whole.offer.cells == (3,)
    taken = part.offer.take(measure_clip(clips["short"]))
    assert [(cell.number, cell.status) for cell in taken.cells] == [(3, "new"), (4, "new")]


def test_places_and_repeats_stay(ws, req, clips):
    sweep = Sweep(
        req,
        video_url=[clips["long"], req.video_url],
        character_orientation=["image", "video"],
        repeats=2,
        seed=5,
    )
    plan = sweep.plan(ws)
    taken = plan.offer.take(measure_clip(clips["short"]))
    places = [[(cell.number, cell.repeat, cell.order) for cell in one.cells] for one in (plan, taken)]
    assert places[0] == places[1]
    assert {cell.status for cell in taken.cells} == {"new"}


def test_one_clip_does_not_stand_for_several(ws, req, clips):
    plan = Sweep(
        req, video_url=[clips["long"], clips["longer"]], character_orientation=["image", "video"]
    ).plan(ws)
    short = measure_clip(clips["short"])
    with pytest.raises(RequestError, match="2 clips are too long, so a single trimmed clip"):
        plan.offer.take(short)
    asked = []

    def trim(clip, *, length):
        asked.append((clip.name, length))
        return measure_clip(make_clip_of(clip, clips))

    taken = plan.offer.take(trim)
    assert asked == [("long.mp4", 10), ("longer.mp4", 10)], "each is trimmed once, not once a cell"
    assert [cell.status for cell in taken.cells] == ["new", "new", "double", "double"]


def make_clip_of(clip, clips):
    """Return the link of what a trim makes: the same short clip, whichever was long."""
    return clips["short"]


def test_nothing_is_offered_where_no_cell_takes_the_long_clip(ws, req, clips):
    """Where every cell is invalid by it, orientation is confounded with nothing."""
    rows = [
        {"video_url": clips["long"], "character_orientation": "image", "mode": mode}
        for mode in ("std", "pro")
    ]
    assert Sweep.listed(req, rows).plan(ws).offer is None


def test_the_offer_reads_as_a_sentence(ws, req, clips):
    offer = Sweep(req.replace(video_url=clips["long"])).plan(ws).offer
    assert repr(offer) == f"<Offer: {offer.message}>"
    assert "long.mp4: too long for 2 cells" in offer.message


def test_a_draft_without_a_clip_has_no_offer(ws):
    assert Sweep(MotionRequest(model="kling-v3-motion-control")).plan(ws).offer is None
