"""Who was in view for how long, in words and as a picture."""

import numpy as np
import pytest

from emotion.model_file import FER2013
from emotion.output.annotate import palette
from emotion.output.timeline import Timeline, clock, draw, summary
from emotion.tracking.tracker import Face

NONE = np.zeros(7, np.float32)


def face(identity, emotion="happy"):
    return Face(identity, (0, 0, 9, 9), emotion, 0.9, NONE, NONE)


def timeline(*frames):
    """A timeline of frames given as (time, (identity, emotion), ...)."""
    made = Timeline()
    for time, *faces in frames:
        made.add(time, [face(*one) for one in faces])
    made.finish()
    return made


def spans(person):
    return [(span.start, pytest.approx(span.end), span.emotion) for span in person.spans]


def test_frames_with_one_emotion_are_one_span_that_lasts_to_the_end_of_the_last():
    (person,) = timeline(*[(n / 10, (1, "happy")) for n in range(5)]).people
    assert spans(person) == [(0, 0.5, "happy")]
    assert person.seconds == pytest.approx(0.5)


def test_a_change_of_emotion_starts_a_span():
    (person,) = timeline((0, (1, "happy")), (1, (1, "sad")), (2, (1, "sad"))).people
    assert spans(person) == [(0, 1, "happy"), (1, 3, "sad")]
    assert person.shares() == {"sad": pytest.approx(2 / 3), "happy": pytest.approx(1 / 3)}


def test_time_out_of_view_does_not_count():
    (person,) = timeline((0, (4,)), (0.5,), (1.0,), (1.5, (4,)), (2.0,)).people
    assert spans(person) == [(0, 0.5, "happy"), (1.5, 2.0, "happy")]


@pytest.mark.parametrize("gap", [1.5, 20, 60])
def test_a_gap_in_the_source_counts_for_a_second_at_most(gap):
    (person,) = timeline((0, (1,)), (gap, (1,)), (gap + 0.5,)).people
    assert spans(person) == [(0, 1, "happy"), (gap, gap + 0.5, "happy")]


def test_people_are_kept_apart():
    people = timeline((0, (2, "sad"), (1, "happy")), (1, (2, "sad"))).people
    assert [(one.identity, one.seconds) for one in people] == [(1, 1), (2, 2)]


def test_memory_grows_with_changes_and_not_with_frames():
    (person,) = timeline(*[(n / 30, (1, "happy")) for n in range(10_000)]).people
    assert len(person.spans) == 1


def test_a_timeline_without_a_frame_says_so():
    assert Timeline().finish() is False
    one = Timeline()
    one.add(0, [])
    assert one.finish() is True


def test_the_summary_has_a_line_for_each_person():
    made = timeline((0, (1, "happy"), (2, "sad")), (1, (1, "sad")), (2, (1, "happy")), (3,))
    assert summary(made.people) == [
        "person 1: 3.0 s in view, happy 67%, sad 33%",
        "person 2: 1.0 s in view, sad 100%",
    ]


def test_the_summary_of_nobody():
    assert summary(timeline((0,), (1,)).people) == ["nobody was seen"]


def test_a_summary_of_a_crowd_names_those_longest_in_view():
    frames = [(n, *((one, "happy") for one in range(1, 26) if one >= n)) for n in range(26)]
    lines = summary(timeline(*frames).people)
    assert len(lines) == 21
    assert lines[0].startswith("person 6:") and lines[-2].startswith("person 25:")
    assert lines[-1] == "and 5 more, in view for a shorter time"


def band(picture, colour):
    """The columns and rows of the picture, below its legend, that have this colour."""
    ys, xs = np.nonzero((picture[60:] == colour).all(axis=2))
    return xs.min(), xs.max(), ys.min() + 60, ys.max() + 60


def test_a_band_covers_its_part_of_the_time():
    made = timeline((0, (1, "happy")), (2, (1, "sad")), (3, (1, "sad")), (4,))
    made = timeline(*[(n / 2, (1, "happy" if n < 4 else "sad")) for n in range(8)])
    picture = draw(made, FER2013)
    left, middle, *_ = band(picture, palette(FER2013)["happy"])
    begin, right, *_ = band(picture, palette(FER2013)["sad"])
    assert begin == middle + 1
    assert middle - left == pytest.approx(right - begin, abs=2)
    assert right > 1200


def test_each_person_has_a_row_of_their_own():
    made = timeline(*[(n / 10, (1, "happy"), (2, "sad")) for n in range(9)])
    picture = draw(made, FER2013)
    *_, upper = band(picture, palette(FER2013)["happy"])
    *_, lower, _ = band(picture, palette(FER2013)["sad"])
    assert upper < lower
    assert picture.shape[0] > draw(timeline((0, (1,))), FER2013).shape[0]


def test_a_moment_too_short_for_a_pixel_is_drawn_all_the_same():
    frames = [(n, (1, "happy")) for n in range(3600)]
    frames[1800:1801] = [(1800, (1, "fear")), (1800.01, (1, "happy"))]
    picture = draw(timeline(*frames), FER2013)
    assert (picture[60:] == palette(FER2013)["fear"]).all(axis=2).any()


@pytest.mark.parametrize("frames", [[], [(0,)], [(0, (1,))], [(0,), (7200, (1,))]], ids=str)
def test_odd_timelines_are_drawn(frames):
    picture = draw(timeline(*frames), FER2013)
    assert picture.dtype == np.uint8 and picture.shape[1:] == (1280, 3)


@pytest.mark.parametrize(
    ("seconds", "step", "text"),
    [
        (0.25, 0.05, "0.25 s"),
        (0.5, 0.1, "0.5 s"),
        (12, 2, "12 s"),
        (185, 60, "3:05"),
        (3725, 600, "1:02:05"),
    ],
)
def test_times_read_as_people_write_them(seconds, step, text):
    assert clock(seconds, step) == text
