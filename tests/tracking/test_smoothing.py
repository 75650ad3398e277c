"""What one face shows over time: probabilities that are averaged, a label that does not flicker."""

import itertools

import numpy as np
import pytest

from emotion.tracking.smoothing import CONFIDENCE, SMOOTHING, UNCERTAIN, LabelSmoother

LABELS = ("happy", "sad", "neutral")


def row(happy, sad=0.0):
    return np.array([happy, sad, 1 - happy - sad], np.float32)


class Clip:
    """A smoother fed frame by frame."""

    def __init__(self, *, rate=25, smoothing=SMOOTHING, confidence=CONFIDENCE):
        self.smoother = LabelSmoother(LABELS, smoothing=smoothing, confidence=confidence)
        self.rate, self.time = rate, 0.0

    def frame(self, probabilities):
        self.smoother.add(probabilities, self.time)
        self.time += 1 / self.rate
        return self.smoother


@pytest.mark.parametrize("rate", [10, 20, 60, 240])
def test_smoothing_is_in_seconds_at_any_frame_rate(rate):
    clip = Clip(rate=rate, smoothing=0.5)
    for _ in range(5 * rate):
        clip.frame(row(0.9))
    for _ in range(rate // 2):  # one time constant later, 1/e of the old is left
        face = clip.frame(row(0.5))
    assert face.probabilities[0] == pytest.approx(0.5 + 0.4 * np.exp(-1), abs=0.001)


def test_a_gap_between_frames_ages_what_was_seen_before_it():
    clip = Clip(smoothing=0.5)
    for _ in range(100):
        clip.frame(row(1.0))
    clip.time += 0.46  # with the frame's own 0.04 s: one time constant
    face = clip.frame(row(0.0, 1.0))
    assert face.probabilities[0] == pytest.approx(np.exp(-1), abs=0.001)


def test_no_smoothing_shows_every_frame_as_it_is():
    clip = Clip(smoothing=0)
    clip.frame(row(1.0))
    face = clip.frame(row(0.2, 0.7))
    assert face.probabilities == pytest.approx(row(0.2, 0.7))


def changes(emotions):
    return sum(a != b for a, b in itertools.pairwise(emotions))


def test_two_emotions_that_take_turns_do_not_change_the_label():
    clip = Clip()
    rows = [row(0.55, 0.4), row(0.4, 0.55)] * 50
    shown = [clip.frame(one).emotion for one in rows]
    assert changes(shown) == 0


def test_a_true_change_is_shown_within_seven_tenths_of_a_second():
    clip = Clip()
    for _ in range(100):
        clip.frame(row(0.7, 0.1))
    shown = [clip.frame(row(0.1, 0.7)).emotion for _ in range(25)]
    assert shown[0] == "happy"
    assert shown.index("sad") / clip.rate <= 0.7


def test_a_change_from_a_very_sure_emotion_to_a_less_sure_one_shows_as_soon():
    clip = Clip()
    for _ in range(100):
        clip.frame(row(0.98, 0.0))
    shown = [clip.frame(row(0.1, 0.5)).emotion for _ in range(25)]
    assert shown.index("sad") / clip.rate <= 0.7


def test_a_label_comes_out_of_uncertainty_as_soon():
    clip = Clip(confidence=0.5)
    for _ in range(100):
        clip.frame(row(0.34, 0.33))
    shown = [clip.frame(row(0.1, 0.62)).emotion for _ in range(25)]
    assert shown[0] == UNCERTAIN
    assert shown.index("sad") / clip.rate <= 0.7


def test_after_a_change_was_taken_over_smoothing_goes_on_as_slowly_as_before():
    clip = Clip(rate=20, smoothing=0.5)
    for one in [row(0.98)] * 60 + [row(0.1, 0.5)] * 60:
        clip.frame(one)
    for _ in range(5):  # half a time constant
        face = clip.frame(row(0.1, 0.9))
    assert face.probabilities[1] == pytest.approx(0.9 - 0.4 * np.exp(-0.5), abs=0.005)


def test_a_moments_grimace_does_not_change_the_label():
    clip = Clip()
    for _ in range(100):
        clip.frame(row(0.8))
    grimace = [row(0.05, 0.9)] * 5  # a fifth of a second
    shown = [clip.frame(one).emotion for one in [*grimace, *[row(0.8)] * 20]]
    assert set(shown) == {"happy"}


def test_nothing_above_the_confidence_is_uncertain():
    face = Clip(confidence=0.6).frame(row(0.5, 0.3))
    assert face.emotion == UNCERTAIN
    assert face.probabilities.max() == pytest.approx(0.5)


def test_a_label_that_still_leads_is_given_up_when_it_falls_below_the_confidence():
    clip = Clip(confidence=0.5, smoothing=0)
    assert clip.frame(row(0.6)).emotion == "happy"
    assert clip.frame(row(0.36, 0.34)).emotion == UNCERTAIN


def test_confidence_around_its_threshold_does_not_make_the_label_flicker():
    clip = Clip(confidence=0.5, smoothing=0)
    rows = [row(0.53, 0.2), row(0.47, 0.2)] * 20
    shown = [clip.frame(one).emotion for one in rows]
    assert set(shown) == {"happy"}


def test_an_uncertain_face_gets_its_label_back():
    clip = Clip(confidence=0.5, smoothing=0)
    shown = [clip.frame(row(p)).emotion for p in (0.6, 0.2, 0.9)]
    assert shown[0] == shown[2] == "happy"
