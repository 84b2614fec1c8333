"""No mend makes a file worse: what would is not offered, or thrown away where only the result tells."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import motion_widgets as mw
from motion_widgets.core.errors import ClipError
from motion_widgets.media.probe.image import MOST_DECODED
from motion_widgets.media.repair.judge import findings_of
from motion_widgets.media.repair.operation import Operation
from tests.media.conftest import X264, ffmpeg, picture, tone

FEW = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-tag:v", "hvc1"]
CLIP_CODES = {"clip_long", "clip_long_switch", "clip_short", "clip_borderline", "clip_sides", "wrong_format"}


def measured(how, path):
    try:
        return how(path)
    except ClipError as error:
        return error


def found(clip, image, orientation):
    req = mw.MotionRequest(
        model="kling-v3-motion-control", mode="std", character_orientation=orientation,
        image_url="hero.png" if isinstance(image, ClipError) else image,
        video_url="dance.mp4" if isinstance(clip, ClipError) else clip,
    )  # fmt: skip
    return mw.check(req, clip=clip, image=image)


def mends_all(clip, image, orientation="image", *, path, out, but=()) -> set[str]:
    """Carry out every mend that is suggested and return the codes that were mended."""
    codes = set()
    for finding in found(clip, image, orientation):
        for one in mw.mends_for(finding, clip, image, orientation) if finding.code not in but else []:
            assert one.label != f"mend_{one.name}"
            source = {"clip": clip, "image": image}[one.kind]
            made = mw.mend(path if isinstance(source, ClipError) else source, one, to=out).measure()
            after = found(made, image, orientation) if one.kind == "clip" else found(clip, made, orientation)
            assert finding.code not in {left.code for left in after}, (finding, one, made)
            codes.add(finding.code)
    return codes


@pytest.fixture
def out(tmp_path):
    return tmp_path


@FEW
@given(data=st.data())
def test_every_mend_of_a_clip_mends_its_finding(data, samples, out):
    length = data.draw(st.sampled_from([2.0, 2.9, 3.0, 3.1, 9.9, 10.0, 10.1, 10.2, 12.3]), "length")
    sound = data.draw(st.sampled_from([0.0, -0.2, 0.04, 0.7]), "sound longer by")
    sides = data.draw(st.sampled_from(["64x36", "36x64", "342x340", "100x400"]), "sides")
    rate = data.draw(st.sampled_from([5, 10, 20]), "rate")
    orientation = data.draw(st.sampled_from(["image", "video"]))
    path = out / f"{length}{sound}{sides}{rate}.mp4"
    heard = tone(length + sound) if sound else []
    ffmpeg(*picture(length, rate, sides), *heard, *X264, path)
    clip, image = mw.measure_clip(path), mw.measure_image(samples.image)
    mends_all(clip, image, orientation, path=path, out=out, but=("pair_aspect",))
    for finding in found(clip, image, orientation):
        if finding.code in CLIP_CODES:
            assert mw.mends_for(finding, clip, image, orientation)


@pytest.mark.parametrize(
    ("length", "orientation", "code"),
    [(12.0, "image", "clip_long_switch"), (31.0, "image", "clip_long"), (30.5, "video", "clip_long"),
     (2.5, "image", "clip_short"), (10.03, "image", "clip_borderline")],
)  # fmt: skip
def test_lengths(length, orientation, code, samples, out):
    path = out / "a.mp4"
    ffmpeg(*picture(length, 100 if length == 10.03 else 10, "342x340"), *X264, path)
    clip, image = mw.measure_clip(path), mw.measure_image(samples.image)
    assert code in mends_all(clip, image, orientation, path=path, out=out, but=("pair_aspect",))


def test_sound_that_is_too_long_may_go_instead_of_any_picture(samples, out):
    path = out / "a.mp4"
    ffmpeg(*picture(9.96, 25, "342x460"), *tone(10.6), *X264, path)
    clip, image = mw.measure_clip(path), mw.measure_image(samples.image)
    finding = next(one for one in found(clip, image, "image") if one.code == "clip_long_switch")
    offered = [one.name for one in mw.mends_for(finding, clip, image, "image")]
    assert offered == ["trim_clip", "trim_clip", "mute_clip"]
    assert mends_all(clip, image, path=path, out=out, but=("pair_aspect",)) == {"clip_long_switch"}
    silent = replace(clip, has_audio=False)
    assert "mute_clip" not in [one.name for one in mw.mends_for(finding, silent, image, "image")]


@pytest.mark.parametrize(
    ("cuts", "orientation", "kept"),
    [((2.0,), "image", (2.2, 9.8)), ((6.0,), "video", (0.0, 5.8)), ((3.0, 6.5, 9.6), "image", (3.2, 3.1)),
     ((3.0, 6.0, 9.0), "image", None), ((1.0,), "image", (1.2, 9.9))],
)  # fmt: skip
def test_the_longest_shot_is_offered_without_its_ends(cuts, orientation, kept, samples):
    clip, shots = mw.measure_clip(samples.clip_12s), mw.Shots(cuts=cuts)
    finding = next(
        one for one in mw.check(mw.MotionRequest(), clip=clip, shots=shots) if one.code == "clip_cuts"
    )
    offered = mw.mends_for(finding, clip, None, orientation, shots)
    start, length = kept or (0, 0)
    wanted = [Operation("trim_clip", {"start": start, "length": length})] if kept else []
    assert offered == wanted
    assert mw.mends_for(finding, clip, None, orientation) == []


def test_another_format_is_converted(clips, samples, out):
    image = mw.measure_image(samples.image)
    clip = measured(mw.measure_clip, clips["webm"])
    assert "wrong_format" in mends_all(clip, image, path=clips["webm"], out=out)
    for name in ("mp3", "cut", "m4a"):
        clip = measured(mw.measure_clip, clips[name])
        for finding in found(clip, image, "image"):
            assert mw.mends_for(finding, clip, image, "image") == [], "no machine can help"


def test_too_many_bytes_are_converted(clips, samples, out):
    clip = replace(mw.measure_clip(clips["big"]), size=120_000_000)
    image = mw.measure_image(samples.image)
    assert "clip_bytes" in mends_all(clip, image, path=clips["big"], out=out)


@pytest.mark.parametrize("turn", [0, 90, 180])
@pytest.mark.parametrize("coded", [X264, X265], ids=["H.264", "HEVC"])
@pytest.mark.parametrize("placed", [False, True])
def test_what_a_phone_leaves_in_a_clip_is_mended(coded, turn, placed, samples, out):
    plain, path = out / "plain.mov", out / "phone.mov"
    ffmpeg(*picture(3.2, 10, "342x460"), *coded, plain)
    place = ["-metadata", "location=+35.6586+139.7454/"] if placed else []
    ffmpeg("-display_rotation", -turn, "-i", plain, "-c", "copy", *place, path)
    clip, image = mw.measure_clip(path), mw.measure_image(samples.image)
    codes = {one.code for one in found(clip, image, "image") if one.field == "video_url"}
    wanted = {"clip_codec": coded is X265, "clip_turned": turn, "clip_location": placed}
    assert codes == {code for code, here in wanted.items() if here}
    assert mends_all(clip, image, path=path, out=out, but=("pair_aspect",)) == codes


def test_a_picture_that_cannot_be_copied_is_converted_to_lose_its_place(samples, out):
    path = out / "edited.mov"
    ffmpeg(*picture(3.2, 10, "342x460"), "-c:v", "prores_ks", "-metadata", "location=+35.6+139.7/", path)
    clip, image = mw.measure_clip(path), mw.measure_image(samples.image)
    assert "clip_location" in mends_all(clip, image, path=path, out=out, but=("pair_aspect",))


@pytest.mark.parametrize("turn", [1, 6])
@pytest.mark.parametrize("placed", [False, True])
def test_what_a_phone_leaves_in_an_image_is_mended(turn, placed, samples, out):
    path, exif = out / "photo.jpg", Image.Exif()
    exif[0x0112] = turn
    if placed:
        exif.get_ifd(0x8825)[1] = "N"
    Image.new("RGB", (500, 400), "teal").save(path, exif=exif)
    image, clip = mw.measure_image(path), mw.measure_clip(samples.clip_6s)
    wanted = {"image_turned": turn > 1, "image_location": placed}
    mended = mends_all(clip, image, path=path, out=out, but=("pair_aspect",))
    assert mended == {code for code, here in wanted.items() if here}


def test_proportions_are_fitted_both_ways(clips, samples, out):
    path = out / "wide.mp4"
    ffmpeg(*picture(3.2, 20, "720x400"), *X264, path)
    clip, image = mw.measure_clip(path), mw.measure_image(samples.image)
    assert "pair_aspect" in mends_all(clip, image, path=path, out=out)


@FEW
@given(data=st.data())
def test_every_mend_of_an_image_mends_its_finding(data, samples, out):
    width = data.draw(st.sampled_from([90, 305, 339, 1000, 2000]), "width")
    height = data.draw(st.sampled_from([80, 310, 500, 1000]), "height")
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]), "kind")
    small = data.draw(st.booleans(), "small")
    path = out / f"{width}x{height}.{kind.lower()}"
    Image.effect_noise((width, height), 60).convert("RGB").save(path, kind)
    image, clip = mw.measure_image(path), mw.measure_clip(samples.clip_6s)
    if not small:
        image = replace(image, size=11_000_000)
    codes = {one.code for one in found(clip, image, "image") if one.field == "image_url"} - {"pair_aspect"}
    mended = mends_all(clip, image, path=path, out=out, but=("pair_aspect",))
    assert codes <= mended


def test_a_really_large_image_is_shrunk(samples, out):
    path = out / "large.png"
    Image.effect_noise((2400, 1800), 120).convert("RGB").save(path, compress_level=0)
    image, clip = mw.measure_image(path), mw.measure_clip(samples.clip_6s)
    assert image.size > 10_000_000
    assert "image_bytes" in mends_all(clip, image, path=path, out=out, but=("pair_aspect",))


def test_a_heic_photo_is_converted(samples, out):
    heif = pytest.importorskip("pillow_heif")
    path = out / "photo.heic"
    heif.from_pillow(Image.new("RGB", (400, 500), "teal")).save(path)
    image, clip = measured(mw.measure_image, path), mw.measure_clip(samples.clip_6s)
    assert isinstance(image, ClipError)
    assert "not_image" in mends_all(clip, image, path=path, out=out, but=("pair_aspect",))


SIDES = [
    (400, 400), (310, 900), (90, 80), (80, 1000), (1200, 100), (1, 1), (1, 400), (4, 3000), (3000, 7),
    (5000, 20), (60_000, 40), (50, 70_000),
]  # fmt: skip


@pytest.mark.parametrize("sides", SIDES, ids=str)
@pytest.mark.parametrize(("kind", "turn"), [("png", 1), ("png", 6), ("tiff", 6)])
def test_mends_of_an_image_end_valid_or_with_a_reason(sides, kind, turn, tmp_path):
    path, exif = tmp_path / f"hero.{kind}", Image.Exif()
    exif[0x0112] = turn
    Image.new("L", sides, 120).save(path, exif=exif)
    image = mw.measure_image(path)
    for _ in range(4):
        found = [one for one in mw.check(mw.MotionRequest(), image=image) if one.field == "image_url"]
        offers = [(one.code, mend) for one in found for mend in mw.mends_for(one, image=image)]
        made = [mw.mend(image.source, mend, to=tmp_path).measure() for _, mend in offers]
        errors = findings_of(image, only_errors=True).keys()
        for (code, mend), after in zip(offers, made, strict=True):
            assert ("", code) not in findings_of(after), (code, mend)
            assert findings_of(after, only_errors=True).keys() <= errors, (code, mend)
        if not made:
            break
        image = made[0]
    assert not made, "three steps are enough"
    padded = max(sides) ** 2 / mw.LIMITS.image_aspect[1]
    assert not errors or padded > MOST_DECODED


def test_a_picture_too_large_to_decode_is_offered_nothing(tmp_path):
    path, exif = tmp_path / "phone.png", Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (9000, 8000), "red").save(path, exif=exif, compress_level=1)
    image = mw.measure_image(path)
    found = mw.check(mw.MotionRequest(), image=image)
    assert "image_turned" in {one.code for one in found}
    assert [mend for one in found for mend in mw.mends_for(one, image=image)] == []
    with pytest.raises(ClipError, match=r"phone\.png"):
        mw.turn_image(path)


def test_a_picture_is_not_enlarged_beyond_what_can_be_decoded(tmp_path):
    path = tmp_path / "hero.png"
    Image.new("L", (400, 400), 120).save(path)
    with pytest.raises(ClipError) as caught:
        mw.scale_image(path, least=30_000)
    assert caught.value.code == "image_too_big"


def test_an_allowed_clip_stays_allowed(tmp_path):
    """Its sound makes it long enough, so without sound it would be refused."""
    path = tmp_path / "dance.mp4"
    ffmpeg(*picture(2.9, 10, "342x460"), *tone(3.2), *X264, path)
    for mend in (mw.strip_clip, mw.convert_clip):
        assert findings_of(mend(path, to=tmp_path), only_errors=True) == {}
    kept = sorted(tmp_path.iterdir())
    with pytest.raises(ClipError, match=r"dance\.mp4.*nothing was kept.*2\.90") as caught:
        mw.mute_clip(path, to=tmp_path)
    assert caught.value.code == "mend_worse"
    assert sorted(tmp_path.iterdir()) == kept


def test_what_was_asked_for_is_made(tmp_path):
    path = tmp_path / "dance.mp4"
    ffmpeg(*picture(3.2, 10, "342x460"), *X264, path)
    assert mw.trim_clip(path, 1.0, length=0.5, to=tmp_path).length == pytest.approx(0.5, abs=0.07)
    assert mw.hold_clip(path, 31.0, to=tmp_path).length == pytest.approx(31.0, abs=0.07)
    image = tmp_path / "hero.png"
    Image.new("L", (400, 400), 120).save(image)
    assert mw.pad_image(image, aspect=4.0, to=tmp_path).aspect == 4.0


def test_what_is_offered_for_a_clip_can_be_made():
    facts = {
        "source": "dance.mp4", "name": "dance.mp4", "format": "mp4", "codec": "avc1", "fps": 30.0,
        "video_length": 4.0, "length": 4.0,
    }  # fmt: skip

    def offered(**changed):
        clip = mw.Clip(**{**facts, "width": 640, "height": 480, **changed})
        found = [one for one in mw.check(mw.MotionRequest(), clip=clip) if one.field == "video_url"]
        return {one.code: [mend.name for mend in mw.mends_for(one, clip)] for one in found}

    assert offered(width=9000, height=5000)["clip_sides"] == [], "ffmpeg is not given such frames"
    assert offered(width=4000, height=400)["clip_sides"] == ["scale_clip"]
    assert offered(size=200_000_000)["clip_bytes"] == ["convert_clip"]
    hours = offered(size=9_000_000_000, length=9000.0, video_length=9000.0)
    assert hours["clip_bytes"] == ["trim_clip"], "converted, hours are still over the limit"


def test_a_clip_is_not_fitted_to_an_image_that_must_change_itself():
    clip = mw.Clip(source="a.mp4", name="a.mp4", format="mp4", length=4.0, width=640, height=480)
    for sides, some in (((1000, 1800), True), ((300, 2000), False)):
        image = mw.Image(source="h.png", name="h.png", format="png", width=sides[0], height=sides[1])
        found = {one.code: one for one in mw.check(mw.MotionRequest(), clip=clip, image=image)}
        assert bool(mw.mends_for(found["pair_aspect"], clip, image)) is some
