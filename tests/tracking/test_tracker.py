"""Identities over time, on people made of boxes."""

import numpy as np
import pytest

from emotion.tracking.parameters import PARAMETERS
from emotion.tracking.tracker import Detection, Tracker

LABELS = ("happy", "sad", "neutral")
SIDE = 60


def box(x, y=100, side=SIDE):
    return (float(x), float(y), float(side), float(side))


def seen(x, y=100, *, shade=None, **more):
    appearance = None if shade is None else np.full(12, shade, np.float32)
    return Detection(box(x, y), appearance=appearance, **more)


def row(happy, sad=0.0):
    return np.array([happy, sad, 1 - happy - sad], np.float32)


class Clip:
    """A tracker fed frame by frame; every face gets the same probabilities unless told."""

    def __init__(self, *, rate=25, **settings):
        self.tracker, self.rate, self.time = Tracker(LABELS, **settings), rate, 0.0

    def frame(self, *detections, rows=None, cut=False):
        def detect(tracks):
            self.predicted = [one.box for one in tracks]
            return detections

        def classify(tracks):
            given = [row(0.8)] * len(tracks) if rows is None else rows
            return np.array(given, np.float32).reshape(len(tracks), len(LABELS))

        faces = self.tracker.update(self.time, detect, classify, cut=cut)
        self.time += 1 / self.rate
        return faces

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


def test_a_face_not_found_for_longer_than_the_coast_is_not_shown():
    clip = Clip()
    clip.frame(seen(0))
    assert identities(clip.empty(PARAMETERS.max_coast - 0.1)) == [1]
    assert clip.empty(0.2) == []


def test_somebody_who_comes_back_within_the_age_keeps_the_number():
    clip = Clip()
    clip.frame(seen(100))
    clip.empty(PARAMETERS.max_age - 1)
    assert identities(clip.frame(seen(130))) == [1]


def test_somebody_who_comes_back_later_than_the_age_is_new():
    clip = Clip()
    clip.frame(seen(100))
    clip.empty(PARAMETERS.max_age + 1)
    assert identities(clip.frame(seen(100))) == [2]


@pytest.mark.parametrize("seconds", [5, 3600])
def test_between_frames_far_apart_nobody_is_forgotten_for_the_time_that_passed(seconds):
    clip = Clip(rate=1 / seconds)
    clip.frame(seen(100, shade=0.5), seen(300, shade=0.5))
    assert where(clip.frame(seen(130, shade=0.55), seen(300, shade=0.5))) == {
        1: pytest.approx(130, abs=1),
        2: 300,
    }


def test_somebody_missed_in_two_frames_far_apart_keeps_the_number_and_in_three_does_not():
    for missed, expected in ((2, [1]), (3, [2])):
        clip = Clip(rate=1 / 5)
        clip.frame(seen(100, shade=0.5))
        for _ in range(missed):
            assert clip.frame() == []
        assert identities(clip.frame(seen(100, shade=0.5))) == expected


def test_after_a_long_gap_somebody_who_looks_different_is_new():
    clip = Clip(rate=1 / 5)
    clip.frame(seen(100, shade=0.2))
    assert identities(clip.frame(seen(100, shade=0.7))) == [2]


def test_nobody_walks_on_between_frames_far_apart():
    clip = Clip(rate=1 / 5)
    clip.frame(seen(100))
    clip.frame(seen(160))
    clip.frame()
    assert clip.predicted[0][0] == pytest.approx(160, abs=1)


def test_only_so_many_as_are_asked_for_are_shown_the_largest_first():
    clip = Clip(max_faces=2)
    found = [Detection((x, 100.0, side, side)) for x, side in ((0.0, 50), (200.0, 90), (400.0, 70))]
    assert where(clip.frame(*found)) == {1: 200, 2: 400}


def test_the_one_who_is_shown_stays_until_another_is_clearly_larger():
    clip = Clip(max_faces=1)
    near, far = (lambda side: Detection((0.0, 100.0, side, side))), seen(400)
    assert where(clip.frame(near(SIDE - 4.0), far)) == {1: 400}
    for _ in range(10):
        assert where(clip.frame(near(SIDE + 4.0), far)) == {1: 400}
    for _ in range(30):
        faces = clip.frame(near(SIDE * 1.5), far)
    assert identities(faces) == [2]


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


def test_a_face_between_two_people_is_the_one_in_view_rather_than_the_one_lost():
    clip = Clip()
    clip.frame(seen(100), seen(180))
    for _ in range(15):  # six tenths of a second, the cost of which is six tenths of a side
        clip.frame(seen(180))
    found = [face.identity for face in clip.frame(seen(136)) if face.seen]
    assert found == [2]  # though the lost one was last seen nearer


def test_a_lost_face_walks_on_while_it_is_shown_and_then_stops():
    clip = Clip()
    for x in range(0, 200, 10):
        clip.frame(seen(x))
    clip.empty(PARAMETERS.max_coast + 0.1)
    stopped = clip.predicted
    assert stopped[0][0] > 190 + 0.8 * 250 * PARAMETERS.max_coast
    clip.empty(2)
    assert clip.predicted == stopped


def test_nobody_is_predicted_to_move_faster_than_four_faces_a_second():
    clip = Clip()
    clip.frame(seen(100))
    clip.frame(seen(145))  # 1,125 px a second, of which three tenths would go into the velocity
    clip.frame()
    assert clip.predicted[0][0] == pytest.approx(145 + 4 * SIDE / clip.rate, abs=0.01)


def test_two_who_meet_and_turn_back_keep_their_numbers_by_their_appearance():
    clip = Clip()
    path = [*range(0, 181, 10), *range(180, -1, -10)]
    for x in path:
        here, there = seen(x, shade=0.2), seen(400 - x, shade=0.7)
        hidden = 400 - 2 * x < SIDE
        faces = clip.frame(*([here] if hidden else [there, here]))
    assert where(faces) == {
        1: pytest.approx(400, abs=9),
        2: pytest.approx(0, abs=9),
    }  # in detection order


def test_appearance_tells_people_apart_when_both_were_lost_at_one_place():
    clip = Clip()
    clip.frame(seen(100, shade=0.2), seen(130, shade=0.7))
    clip.empty(1)
    faces = clip.frame(seen(105, shade=0.7), seen(125, shade=0.2))
    assert where(faces)[1] > where(faces)[2]


def test_a_face_of_another_size_at_the_same_place_is_somebody_else():
    clip = Clip()
    clip.frame(seen(100))
    large = Detection(box(60, 60, side=SIDE * 3))
    assert 2 in identities(clip.frame(large))


def test_a_doubtful_face_becomes_a_person_only_when_it_is_seen_again_and_again():
    clip = Clip(rate=2)
    shown = [identities(clip.frame(seen(100, confirmed=False))) for _ in range(4)]
    assert shown == [[], [], [1], [1]]


def test_a_doubtful_face_seen_twice_is_not_seen_often_enough_however_long_that_takes():
    clip = Clip(rate=0.5)
    shown = [identities(clip.frame(seen(100, confirmed=False))) for _ in range(3)]
    assert shown == [[], [], [1]]


def test_a_doubtful_face_that_is_confirmed_is_a_person_at_once():
    clip = Clip()
    clip.frame(seen(100, confirmed=False))
    assert identities(clip.frame(seen(100))) == [1]


def test_a_doubtful_face_seen_once_takes_no_number():
    clip = Clip()
    clip.frame(seen(100, confirmed=False))
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
    clip.frame(seen(100, shade=0.2))
    assert identities(clip.frame(seen(100, shade=0.7), cut=True)) == [2]


def test_after_a_cut_the_same_appearance_at_the_same_place_is_the_same_person():
    clip = Clip()
    clip.frame(seen(100, shade=0.2))
    assert identities(clip.frame(seen(100, shade=0.25), cut=True)) == [1]


def test_after_a_cut_nobody_is_held_from_the_last_shot():
    clip = Clip()
    clip.frame(seen(100), seen(400))
    assert identities(clip.frame(seen(100), cut=True)) == [1]


def test_a_shot_that_is_cut_back_to_has_new_numbers():
    clip = Clip()
    clip.frame(seen(100, shade=0.2))
    clip.frame(seen(100, shade=0.7), cut=True)
    assert identities(clip.frame(seen(100, shade=0.2), cut=True)) == [3]


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


def test_raw_probabilities_are_this_frames_alone():
    clip = Clip()
    clip.frame(seen(0), rows=[row(1.0)])
    assert clip.frame(seen(0), rows=[row(0.2, 0.7)])[0].raw == pytest.approx(row(0.2, 0.7))


def test_each_person_has_their_own_probabilities():
    clip = Clip()
    for _ in range(10):
        faces = clip.frame(seen(0), seen(300), rows=[row(0.9), row(0.0, 0.9)])
    assert [face.emotion for face in faces] == ["happy", "sad"]


def test_a_face_that_is_not_found_keeps_its_last_probabilities():
    clip = Clip()
    before = clip.frame(seen(0), rows=[row(0.9)])[0]
    unseen = clip.frame()[0]
    assert unseen.probabilities == pytest.approx(before.probabilities)
    assert unseen.emotion == before.emotion


def test_a_person_is_forgotten_after_a_while_so_memory_stays_flat():
    clip = Clip()
    for x in range(0, 20_000, 200):
        clip.frame(seen(x))
        clip.empty(0.2)
    clip.empty(PARAMETERS.max_age + 1)
    assert clip.predicted == []
