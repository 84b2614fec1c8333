"""Whether a result has its clip's sound; with the sound of a film that no one here made."""

from __future__ import annotations

import numpy as np
import pytest

from motion_widgets.study.fidelity.reading import read
from motion_widgets.study.fidelity.sound import SAMPLES, sound
from tests.study.fidelity.dances import foreign


@pytest.fixture(scope="module")
def wave():
    return read(foreign("bigbuckbunny")).wave


def late_by(wave, seconds):
    return np.concatenate([np.zeros(round(seconds * SAMPLES), np.float32), wave])[: len(wave)]


@pytest.mark.parametrize("gain", [1.0, 0.25, -1.0])
def test_the_same_sound_is_kept_at_any_loudness(wave, gain):
    found = sound(wave, wave * np.float32(gain))
    assert found.wave > 0.99
    assert found.loudness > 0.9
    assert found.lag == 0


@pytest.mark.parametrize("seconds", [0.12, 0.4])
def test_a_late_sound_is_found_to_a_thousandth(wave, seconds):
    found = sound(wave, late_by(wave, seconds))
    assert found.wave > 0.9
    assert found.lag == pytest.approx(seconds, abs=0.001)
    assert sound(late_by(wave, seconds), wave).lag == pytest.approx(-seconds, abs=0.001)


def test_hiss_leaves_it_kept(wave):
    hiss = np.random.default_rng(2).normal(0, 0.3 * wave.std(), len(wave)).astype(np.float32)
    assert sound(wave, wave + hiss).wave > 0.7


def test_another_pitch_has_another_wave_and_like_loudness(wave):
    at = np.arange(0, len(wave) - 1, 1.03)
    found = sound(wave, np.interp(at, np.arange(len(wave)), wave).astype(np.float32))
    assert found.wave < 0.5
    assert found.loudness > 0.7


def test_another_sound_is_not_kept(wave):
    noise = np.random.default_rng(2).normal(0, wave.std(), len(wave)).astype(np.float32)
    assert sound(wave, noise).wave < 0.1
    assert sound(wave, wave[::-1]).wave < 0.2


def test_silence_keeps_nothing_and_has_nothing_to_keep(wave):
    silent = np.zeros_like(wave)
    assert sound(wave, None) == sound(wave, silent) == sound(wave, wave[:100]) == (0, 0, 0)
    assert sound(None, wave) is None
    assert sound(silent, wave) is None
