"""Identities and labels over time, on people made of boxes."""

import itertools

import numpy as np
import pytest

from emotion.tracking.tracker import HOLD, MEMORY, UNCERTAIN, Sighting, Tracker

LABELS = ("happy", "sad", "neutral")
SIDE = 60


def box(x, y=100, side=SIDE):
    return (float(x), float(y), float(side), float(side))


def seen(x, y=100, *, looks=None, **more):
    vector = None if looks is None else np.full(12, looks, np.float32)
    return Sighting(box(x, y), looks=vector, **more)


def row(happy, sad=0.0):
    return np.array([happy, sad, 1 - happy - sad], np.float32)


class Clip:
    """A tracker fed frame by frame; every face gets the same probabilities unless told."""

    def __init__(self, *, rate=25, **settings):
        self.tracker, self.rate, self.time = Tracker(LABELS, **settings), rate, 0.0

    def frame(self, *sightings, rows=None, cut=False):
        self.tracker.expect(self.time)
        people = self.tracker.place(sightings, cut=cut)
        self.time += 1 / self.rate
        count = sum(one.seen for one in people)
        rows = [row(0.8)] * count if rows is None else rows
        return self.tracker.read(people, np.array(rows, np.float32).reshape(count, len(LABELS)))

    def empty(self, seconds):
        for _ in range(round(seconds * self.rate)):
            faces = self.frame()
        return faces


def identities(faces):
    return [face.identity for face in faces]


def where(faces):
    return {face.identity: face.box[0] for face in faces}


# Identity


def test_people_are_numbered_from_one_in_the_order_given():
    assert identities(Clip().frame(seen(0), seen(300))) == [1, 2]


def test_a_person_who_walks_keeps_the_number():
    clip = Clip()
    numbers = {n for x in range(0, 500, 10) for n in identities(clip.frame(seen(x)))}
    assert numbers == {1}


def test_a_face_that_is_not_found_for_a_moment_is_shown_where_it_is_expected():
    clip = Clip()
    for x in range(0, 200, 10):
        clip.frame(seen(x))
    face = clip.frame()[0]
    assert (face.identity, face.seen) == (1, False)
    assert face.box[0] == pytest.approx(200, abs=8)


def test_a_face_not_found_for_longer_than_the_hold_is_not_shown():
    clip = Clip()
    clip.frame(seen(0))
    assert identities(clip.empty(HOLD - 0.1)) == [1]
    assert clip.empty(0.2) == []


def test_somebody_who_comes_back_within_the_memory_keeps_the_number():
    clip = Clip()
    clip.frame(seen(100))
    clip.empty(MEMORY - 1)
    assert identities(clip.frame(seen(130))) == [1]


def test_somebody_who_comes_back_later_than_the_memory_is_new():
    clip = Clip()
    clip.frame(seen(100))
    clip.empty(MEMORY + 1)
    assert identities(clip.frame(seen(100))) == [2]


def test_a_newcomer_far_from_everybody_gets_the_next_number():
    clip = Clip()
    clip.frame(seen(100))
    assert where(clip.frame(seen(400), seen(100))) == {1: 100, 2: 400}


def test_two_who_cross_keep_their_numbers_by_where_they_were_going():
    clip = Clip()
    for x in range(0, 401, 10):
        here, there = seen(x), seen(400 - x)
        hidden = abs(x - (400 - x)) < SIDE  # the one behind cannot be found
        faces = clip.frame(*([here] if hidden else [here, there]))
    assert where(faces) == {1: pytest.approx(400, abs=9), 2: pytest.approx(0, abs=9)}


def test_two_who_meet_and_turn_back_keep_their_numbers_by_their_looks():
    clip = Clip()
    path = [*range(0, 181, 10), *range(180, -1, -10)]
    for x in path:
        here, there = seen(x, looks=0.2), seen(400 - x, looks=0.7)
        hidden = 400 - 2 * x < SIDE
        faces = clip.frame(*([here] if hidden else [there, here]))
    assert where(faces) == {
        1: pytest.approx(400, abs=9),
        2: pytest.approx(0, abs=9),
    }  # in sighting order


def test_looks_tell_people_apart_when_both_were_lost_at_one_place():
    clip = Clip()
    clip.frame(seen(100, looks=0.2), seen(130, looks=0.7))
    clip.empty(1)
    faces = clip.frame(seen(105, looks=0.7), seen(125, looks=0.2))
    assert where(faces)[1] > where(faces)[2]


def test_a_face_of_another_size_at_the_same_place_is_somebody_else():
    clip = Clip()
    clip.frame(seen(100))
    large = Sighting(box(60, 60, side=SIDE * 3))
    assert 2 in identities(clip.frame(large))


def test_a_doubtful_face_becomes_a_person_only_when_it_is_seen_again_and_again():
    clip = Clip(rate=2)
    shown = [identities(clip.frame(seen(100, sure=False))) for _ in range(4)]
    assert shown == [[], [], [1], [1]]


def test_a_doubtful_face_seen_twice_is_not_seen_often_enough_however_long_that_takes():
    clip = Clip(rate=0.5)
    shown = [identities(clip.frame(seen(100, sure=False))) for _ in range(3)]
    assert shown == [[], [], [1]]


def test_a_doubtful_face_that_proves_sure_is_a_person_at_once():
    clip = Clip()
    clip.frame(seen(100, sure=False))
    assert identities(clip.frame(seen(100))) == [1]


def test_a_doubtful_face_seen_once_takes_no_number():
    clip = Clip()
    clip.frame(seen(100, sure=False))
    clip.empty(1)
    assert identities(clip.frame(seen(400))) == [1]


def test_a_trembling_box_is_held_steady():
    clip = Clip()
    shift = np.random.default_rng(0).uniform(-2, 2, 100)
    steady = [clip.frame(seen(100 + s))[0].box[0] for s in shift]
    assert np.std(steady[25:]) < 0.6 * np.std(shift)


def test_a_box_that_jumps_is_followed_at_once():
    clip = Clip()
    clip.empty(0.1)
    clip.frame(seen(100))
    assert clip.frame(seen(130))[0].box[0] == pytest.approx(130, abs=1)


# Cuts


def test_after_a_cut_another_face_at_the_same_place_is_somebody_new():
    clip = Clip()
    clip.frame(seen(100, looks=0.2))
    assert identities(clip.frame(seen(100, looks=0.7), cut=True)) == [2]


def test_after_a_cut_the_same_looks_at_the_same_place_are_the_same_person():
    clip = Clip()
    clip.frame(seen(100, looks=0.2))
    assert identities(clip.frame(seen(100, looks=0.25), cut=True)) == [1]


def test_after_a_cut_nobody_is_held_from_the_last_shot():
    clip = Clip()
    clip.frame(seen(100), seen(400))
    assert identities(clip.frame(seen(100), cut=True)) == [1]


def test_a_shot_that_is_cut_back_to_has_new_numbers():
    clip = Clip()
    clip.frame(seen(100, looks=0.2))
    clip.frame(seen(100, looks=0.7), cut=True)
    assert identities(clip.frame(seen(100, looks=0.2), cut=True)) == [3]


def test_after_a_cut_nothing_that_was_watched_before_counts():
    clip = Clip()
    for _ in range(50):
        clip.frame(seen(100), rows=[row(0.9)])
    face = clip.frame(seen(100), rows=[row(0.1, 0.8)], cut=True)[0]
    assert (face.identity, face.emotion) == (1, "sad")
    assert face.probabilities == pytest.approx(row(0.1, 0.8))


# Probabilities


def test_the_first_frame_shows_what_the_network_says():
    face = Clip().frame(seen(0), rows=[row(0.7, 0.2)])[0]
    assert face.emotion == "happy"
    assert face.confidence == pytest.approx(0.7)
    assert face.probabilities == pytest.approx(row(0.7, 0.2))


@pytest.mark.parametrize("rate", [10, 20, 60, 240])
def test_smoothing_is_in_seconds_at_any_frame_rate(rate):
    clip = Clip(rate=rate, smoothing=0.5)
    for _ in range(5 * rate):
        clip.frame(seen(0), rows=[row(0.9)])
    for _ in range(rate // 2):  # one time constant later, 1/e of the old is left
        face = clip.frame(seen(0), rows=[row(0.5)])[0]
    assert face.probabilities[0] == pytest.approx(0.5 + 0.4 * np.exp(-1), abs=0.001)


def test_a_gap_between_frames_ages_what_was_seen_before_it():
    clip = Clip(smoothing=0.5)
    for _ in range(100):
        clip.frame(seen(0), rows=[row(1.0)])
    clip.time += 0.46  # with the frame's own 0.04 s: one time constant
    face = clip.frame(seen(0), rows=[row(0.0, 1.0)])[0]
    assert face.probabilities[0] == pytest.approx(np.exp(-1), abs=0.001)


def test_no_smoothing_shows_every_frame_as_it_is():
    clip = Clip(smoothing=0)
    clip.frame(seen(0), rows=[row(1.0)])
    face = clip.frame(seen(0), rows=[row(0.2, 0.7)])[0]
    assert face.probabilities == pytest.approx(row(0.2, 0.7))


def test_raw_probabilities_are_this_frames_alone():
    clip = Clip()
    clip.frame(seen(0), rows=[row(1.0)])
    assert clip.frame(seen(0), rows=[row(0.2, 0.7)])[0].raw == pytest.approx(row(0.2, 0.7))


def test_each_person_has_their_own_probabilities():
    clip = Clip()
    for _ in range(10):
        faces = clip.frame(seen(0), seen(300), rows=[row(0.9), row(0.0, 0.9)])
    assert [face.emotion for face in faces] == ["happy", "sad"]


def test_a_face_that_is_held_keeps_its_last_probabilities():
    clip = Clip()
    before = clip.frame(seen(0), rows=[row(0.9)])[0]
    held = clip.frame()[0]
    assert held.probabilities == pytest.approx(before.probabilities)
    assert held.emotion == before.emotion


# Labels


def changes(emotions):
    return sum(a != b for a, b in itertools.pairwise(emotions))


def test_two_emotions_that_take_turns_do_not_change_the_label():
    clip = Clip()
    rows = [row(0.55, 0.4), row(0.4, 0.55)] * 50
    shown = [clip.frame(seen(0), rows=[one])[0].emotion for one in rows]
    assert changes(shown) == 0


def test_a_true_change_is_shown_within_seven_tenths_of_a_second():
    clip = Clip()
    for _ in range(100):
        clip.frame(seen(0), rows=[row(0.7, 0.1)])
    shown = [clip.frame(seen(0), rows=[row(0.1, 0.7)])[0].emotion for _ in range(25)]
    assert shown[0] == "happy"
    assert shown.index("sad") / clip.rate <= 0.7


def test_a_change_from_a_very_sure_emotion_to_a_less_sure_one_shows_as_soon():
    clip = Clip()
    for _ in range(100):
        clip.frame(seen(0), rows=[row(0.98, 0.0)])
    shown = [clip.frame(seen(0), rows=[row(0.1, 0.5)])[0].emotion for _ in range(25)]
    assert shown.index("sad") / clip.rate <= 0.7


def test_a_label_comes_out_of_uncertainty_as_soon():
    clip = Clip(confidence=0.5)
    for _ in range(100):
        clip.frame(seen(0), rows=[row(0.34, 0.33)])
    shown = [clip.frame(seen(0), rows=[row(0.1, 0.62)])[0].emotion for _ in range(25)]
    assert shown[0] == UNCERTAIN
    assert shown.index("sad") / clip.rate <= 0.7


def test_after_a_change_was_taken_over_smoothing_goes_on_as_slowly_as_before():
    clip = Clip(rate=20, smoothing=0.5)
    for one in [row(0.98)] * 60 + [row(0.1, 0.5)] * 60:
        clip.frame(seen(0), rows=[one])
    for _ in range(5):  # half a time constant
        face = clip.frame(seen(0), rows=[row(0.1, 0.9)])[0]
    assert face.probabilities[1] == pytest.approx(0.9 - 0.4 * np.exp(-0.5), abs=0.005)


def test_a_moments_grimace_does_not_change_the_label():
    clip = Clip()
    for _ in range(100):
        clip.frame(seen(0), rows=[row(0.8)])
    grimace = [row(0.05, 0.9)] * 5  # a fifth of a second
    shown = [clip.frame(seen(0), rows=[one])[0].emotion for one in [*grimace, *[row(0.8)] * 20]]
    assert set(shown) == {"happy"}


def test_nothing_above_the_confidence_is_uncertain():
    face = Clip(confidence=0.6).frame(seen(0), rows=[row(0.5, 0.3)])[0]
    assert face.emotion == UNCERTAIN
    assert face.confidence == pytest.approx(0.5)


def test_confidence_around_its_threshold_does_not_make_the_label_flicker():
    clip = Clip(confidence=0.5, smoothing=0)
    rows = [row(0.53, 0.2), row(0.47, 0.2)] * 20
    shown = [clip.frame(seen(0), rows=[one])[0].emotion for one in rows]
    assert set(shown) == {"happy"}


def test_an_uncertain_face_gets_its_label_back():
    clip = Clip(confidence=0.5, smoothing=0)
    shown = [clip.frame(seen(0), rows=[row(p)])[0].emotion for p in (0.6, 0.2, 0.9)]
    assert shown[0] == shown[2] == "happy"


def test_a_person_is_forgotten_after_a_while_so_memory_stays_flat():
    clip = Clip()
    for x in range(0, 20_000, 200):
        clip.frame(seen(x))
        clip.empty(0.2)
    clip.empty(MEMORY + 1)
    assert clip.tracker.expect(clip.time) == []
