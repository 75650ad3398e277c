"""What is drawn on a frame, and what is left alone."""

import itertools

import cv2
import numpy as np
import pytest

from emotion.model_file import FER2013
from emotion.output.annotate import annotate, ascii_text, overlay, palette, shown_label
from emotion.tracking.tracker import Face


def face(box, emotion="happy", *, identity=1, probabilities=None):
    values = np.array(probabilities or [0.1, 0, 0, 0.6, 0.1, 0, 0.2], np.float32)
    return Face(identity, box, emotion, float(values.max()), values, values)


def blank(level=0, size=(640, 480)):
    return np.full((size[1], size[0], 3), level, np.uint8)


def changed(frame, drawn):
    """Where the drawing differs from the frame: booleans (H, W)."""
    return (frame != drawn).any(axis=2)


FIVE = [
    face((20 + 124 * n, 60 + 60 * (n % 3), 90, 90), FER2013[n], identity=n + 1) for n in range(5)
]


@pytest.mark.parametrize("mirror", [False, True])
def test_the_given_frame_stays_as_it_is(mirror):
    frame = blank(128)
    annotate(frame, FIVE, FER2013, mirror=mirror, corner="30 fps", status_message="gone")
    assert (frame == 128).all()


def test_a_frame_without_faces_corner_or_message_comes_back_as_a_copy():
    frame = blank(7)
    drawn = annotate(frame, [], FER2013)
    assert np.array_equal(frame, drawn) and drawn is not frame


def test_a_read_only_frame_is_fine():
    frame = blank()
    frame.flags.writeable = False
    assert changed(frame, annotate(frame, FIVE, FER2013)).any()


@pytest.mark.parametrize("level", [0, 128, 255], ids=["black", "grey", "white"])
def test_no_face_is_hidden(level):
    frame = blank(level)
    drawn = annotate(frame, FIVE, FER2013, corner="30 fps")
    for one in FIVE:
        x, y, width, height = one.box
        inside = np.s_[y + 4 : y + height - 4, x + 4 : x + width - 4]
        assert not changed(frame, drawn)[inside].any()


def test_every_side_of_a_box_has_its_emotions_colour():
    drawn = annotate(blank(), [face((200, 200, 100, 100), "sad")], FER2013, bars=False)
    for y, x in ((200, 250), (300, 250), (250, 200), (250, 300)):
        assert tuple(drawn[y, x]) == palette(FER2013)["sad"]


@pytest.mark.parametrize("level", [0, 255], ids=["black", "white"])
@pytest.mark.parametrize("label", [*FER2013, "uncertain"])
def test_a_box_shows_on_black_and_on_white(label, level):
    drawn = annotate(blank(level), [face((200, 200, 100, 100), label)], FER2013, bars=False)
    side = relative_luminance(drawn[250, 195:206].astype(float))
    ground = relative_luminance(np.full(3, float(level)))
    contrasts = (np.maximum(side, ground) + 0.05) / (np.minimum(side, ground) + 0.05)
    assert contrasts.max() >= 4  # WCAG asks for 3 of things that are no text


@pytest.mark.parametrize(
    "box",
    [(-40, -40, 100, 100), (600, 440, 100, 100), (-10, -10, 700, 700), (0, 0, 640, 480)],
    ids=["upper left", "lower right", "larger than the frame", "the frame"],
)
def test_a_face_at_the_edge_keeps_a_whole_outline_and_a_tag(box):
    colour = palette(FER2013)["happy"]
    drawn = annotate(blank(), [face(box)], FER2013, bars=False)
    x, width = box[0], box[2]
    left, right = max(1, x + 1), min(638, x + width - 1)
    across = (drawn == colour).all(axis=2)
    assert across[:, max(0, left - 1) : left + 4].any(axis=1).sum() > 40
    assert across[:, right - 4 : right + 2].any(axis=1).sum() > 40
    assert across.sum(axis=1).max() > 40
    filled = cv2.erode(across.astype(np.uint8), np.ones((5, 5), np.uint8))
    assert filled.any(), "no tag"


@pytest.mark.parametrize(
    "size", [(320, 240), (640, 480), (1920, 1080), (3840, 2160), (480, 640)], ids=str
)
def test_the_tag_keeps_its_share_of_frames_of_every_size(size):
    side = min(size) // 4
    box = (size[0] // 4, size[1] // 3, side, side)
    drawn = annotate(blank(size=size), [face(box)], FER2013, bars=False)
    tag = drawn[: box[1] - side // 20]
    rows = (tag == palette(FER2013)["happy"]).all(axis=2).any(axis=1).sum()
    assert 0.025 < rows / min(size) < 0.09
    assert rows >= 12  # pixels; smaller letters cannot be read


@pytest.mark.parametrize("size", [(64, 48), (8, 8), (1, 1), (2000, 10)], ids=str)
def test_frames_too_small_for_text_are_no_error(size):
    frame = blank(size=size)
    drawn = annotate(frame, [face((0, 0, *size))], FER2013, corner="30 fps", status_message="gone")
    assert drawn.shape == frame.shape


def test_bars_come_in_class_order_with_the_length_of_their_probability():
    probabilities = [0.5, 0.25, 0, 0.125, 0, 0, 0.125]
    one = face((100, 150, 150, 150), "happy", probabilities=probabilities)
    bars = annotate(blank(), [one], FER2013)[:, 260:]  # right of the box
    found = {}
    for label, colour in palette(FER2013).items():
        ys, xs = np.nonzero((bars == colour).all(axis=2))
        if len(ys) > 40:
            found[label] = (ys.mean(), np.ptp(xs))
    rows = [found[label][0] for label in ("angry", "disgust", "happy")]
    assert rows == sorted(rows)
    assert found["angry"][1] == pytest.approx(2 * found["disgust"][1], abs=3)
    assert found["disgust"][1] == pytest.approx(2 * found["happy"][1], abs=3)
    assert "fear" not in found


def test_bars_can_be_left_out():
    one = [face((100, 150, 150, 150))]
    with_bars = changed(blank(9), annotate(blank(9), one, FER2013))
    without = changed(blank(9), annotate(blank(9), one, FER2013, bars=False))
    assert with_bars[150:300, 260:].any() and not without[150:300, 260:].any()


def bars_of(faces, size=(640, 480), corner=""):
    """Left, top, right, bottom of what bars add to the drawing; None where they add nothing."""
    frame = blank(90, size)
    without = annotate(frame, faces, FER2013, bars=False, corner=corner)
    ys, xs = np.nonzero(changed(without, annotate(frame, faces, FER2013, corner=corner)))
    return (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) if len(xs) else None


def covered(box, place):
    """Pixels of a face's box under a place; where there are none, how far away it is, negative."""
    x, y, width, height = box
    across = min(x + width, place[2]) - max(x, place[0])
    down = min(y + height, place[3]) - max(y, place[1])
    return across * down if across > 0 and down > 0 else min(across, 0) + min(down, 0)


@pytest.mark.parametrize("size", [(640, 480), (1920, 1080)], ids=str)
@pytest.mark.parametrize("across", [0.02, 0.3, 0.5, 0.75])
@pytest.mark.parametrize("down", [0.02, 0.3, 0.7])
def test_bars_stand_beside_their_face_and_not_over_it(size, across, down):
    side = round(0.25 * size[1])
    box = (round(across * size[0]), round(down * size[1]), side, side)
    place = bars_of([face(box)], size, corner="30 fps")
    assert 0 <= -covered(box, place) <= 0.02 * size[1]
    assert place[1] < box[1] + side and place[3] > box[1]  # level with it


def test_of_several_faces_none_has_bars_over_another_or_far_away():
    """The one in the middle has no room for any, though corners of the frame are free."""
    faces = [face((x, 170, 130, 130), identity=n) for n, x in enumerate((115, 255, 395))]
    faces += [face((255, y, 130, 130), identity=n) for n, y in ((3, 30), (4, 310))]
    without = annotate(blank(90), faces, FER2013, bars=False)
    added = changed(without, annotate(blank(90), faces, FER2013)).astype(np.uint8)
    places = cv2.connectedComponentsWithStats(cv2.dilate(added, np.ones((9, 9))))[2][1:, :4]
    places = [(x + 4, y + 4, x + width - 4, y + height - 4) for x, y, width, height in places]
    assert len(places) == 2
    for place in places:
        nearest = max(covered(one.box, place) for one in faces)
        assert -30 < nearest <= 0  # a tag may stand between


@pytest.mark.parametrize("seed", range(40))
def test_in_no_layout_do_the_bars_of_one_face_cover_another(seed):
    """Faces of all sizes, near each other, at the edges and beyond."""
    random = np.random.default_rng(seed)
    size = [(640, 480), (1280, 720), (320, 240), (480, 640)][seed % 4]
    faces = []
    for number in range(random.integers(2, 9)):
        side = int(random.uniform(0.08, 0.5) * min(size))
        x, y = (int(random.uniform(-0.3 * side, length - 0.7 * side)) for length in size)
        faces.append(face((x, y, side, side), FER2013[number % 7], identity=number + 1))
    frame = blank(90, size)
    tags = annotate(frame, faces, FER2013, bars=False, corner="30 fps")
    both = annotate(frame, faces, FER2013, corner="30 fps")
    bars = changed(tags, both)
    for one in faces:
        x, y, side, _ = one.box
        assert not bars[max(0, y) : max(0, y + side), max(0, x) : max(0, x + side)].any()


def test_the_bars_of_a_face_leave_its_neighbours_forehead_free():
    """Above a large face's tag there is forehead left, and no room for bars beside it."""
    both = [face((40, 20, 120, 120)), face((200, 155, 200, 200), identity=2)]
    tags = annotate(blank(90), both, FER2013, bars=False)
    bars = changed(tags, annotate(blank(90), both, FER2013))
    assert bars.any()
    assert not bars[115:155, 200:400].any()


@pytest.mark.parametrize(("left", "side"), [(60, "right"), (140, "left")])
def test_a_lone_face_without_room_has_its_bars_in_the_corner_that_hides_least_of_it(left, side):
    box = (left, 20, 440, 440)
    place = bars_of([face(box)])
    assert (place[0] == 0) == (side == "left") and (place[2] == 640) == (side == "right")
    assert place[1] == 0 or place[3] == 480
    assert 0 < covered(box, place) < 440 * 440 / 40


def test_a_face_that_fills_the_frame_has_no_bars():
    assert bars_of([face((0, 0, 160, 120))], size=(160, 120)) is None


def test_small_faces_have_bars_only_when_alone():
    """With several, nobody could tell whose bars they are."""
    small = [face((100, 200, 40, 40)), face((500, 200, 40, 40), identity=2)]
    alone = changed(blank(9), annotate(blank(9), small[:1], FER2013))
    both = changed(blank(9), annotate(blank(9), small, FER2013))
    assert alone[200:300, 150:300].any() and not both[200:300, 150:490].any()


@pytest.mark.parametrize("level", [0, 255], ids=["black", "white"])
def test_white_text_on_the_frame_has_a_dark_ground(level):
    drawn = annotate(blank(level), [], FER2013, corner="30 fps")
    corner = drawn[-26:, :60]
    assert corner.max() > 200
    assert np.median(corner) <= 64


def relative_luminance(bgr):
    linear = np.where(bgr <= 10, bgr / 3294.6, ((bgr / 255 + 0.055) / 1.055) ** 2.4)
    return linear @ (0.0722, 0.7152, 0.2126)


@pytest.mark.parametrize("label", [*FER2013, "uncertain"])
def test_the_tags_text_stands_out_from_its_ground(label):
    one = face((200, 200, 150, 150), label)
    drawn = annotate(blank(60), [one], FER2013, bars=False)
    luminance = relative_luminance(drawn[175:194, 204:300].reshape(-1, 3))
    ground = relative_luminance(np.array(palette(FER2013)[label]))
    contrasts = (np.maximum(luminance, ground) + 0.05) / (np.minimum(luminance, ground) + 0.05)
    assert contrasts.max() >= 4.5  # WCAG's limit for text


def test_mirroring_swaps_the_picture_and_the_boxes_but_not_the_text():
    frame = blank()
    frame[:, :320] = 90
    plain = annotate(frame, [face((40, 100, 100, 100))], FER2013, bars=False)
    mirrored = annotate(frame, [face((40, 100, 100, 100))], FER2013, bars=False, mirror=True)
    assert (mirrored[400:, 321:] == 90).all() and (mirrored[400:, :319] == 0).all()
    colour = palette(FER2013)["happy"]
    assert tuple(mirrored[150, 500]) == colour and tuple(plain[150, 40]) == colour
    tags = [np.argwhere((image == colour).all(axis=2)) for image in (plain, mirrored)]
    upper = [points[points[:, 0] < 95] for points in tags]
    assert len(upper[0]) == len(upper[1])  # the same text, read from the left


def test_a_status_message_goes_across_the_middle():
    frame = blank(200)
    drawn = annotate(frame, [], FER2013, status_message="no picture")
    rows = np.flatnonzero(changed(frame, drawn).any(axis=1))
    assert rows.min() > 200 and rows.max() < 280


def test_in_a_crowd_every_face_stays_visible():
    crowd = [
        face((10 + 32 * column, 150 + 34 * row, 28, 28), identity=column + 20 * row)
        for row in range(4)
        for column in range(19)
    ]
    frame = blank(128)
    drawn = annotate(frame, crowd, FER2013)
    for one in crowd:
        x, y, width, height = one.box
        assert not changed(frame, drawn)[y + 4 : y + height - 4, x + 4 : x + width - 4].any()


def test_an_overlay_is_drawn_on_a_copy():
    frame = blank(100)
    drawn = overlay(frame, ["q  quit", "h  help"], corner="REC")
    assert (frame == 100).all()
    assert changed(frame, drawn)[200:280].any()
    assert changed(frame, drawn)[:20, 560:].any()


# Machado, Oliveira and Fernandes 2009: how colours look without one kind of cone (linear RGB).
BLINDNESS = {
    "full colour vision": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_are_told_apart_with_every_kind_of_colour_vision(kind):
    names = [*FER2013, "uncertain"]
    rgb = np.array([palette(FER2013)[name][::-1] for name in names]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = (linear @ np.array(BLINDNESS[kind]).T).clip(0, 1)
    seen = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = cv2.cvtColor(seen[None].astype(np.float32), cv2.COLOR_RGB2LAB)[0]
    for (one, first), (other, second) in itertools.combinations(zip(names, lab, strict=True), 2):
        # 2.3 is a just noticeable difference; these have to be told apart across a frame.
        assert np.linalg.norm(first - second) > 15, f"{one} and {other}"


def test_any_other_classes_have_colours_of_their_own_that_do_not_change():
    labels = tuple(f"class {number}" for number in range(20))
    colours = palette(labels)
    assert len({colours[label] for label in labels}) == 20
    palette.cache_clear()
    assert palette(labels) == colours


def test_other_classes_leave_the_emotions_colours_alone():
    assert palette(("bored", "happy"))["happy"] == palette(FER2013)["happy"]
    assert palette(("bored", "happy"))["bored"] != palette(FER2013)["happy"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("happy", "happy"),
        ("glücklich", "glucklich"),
        ("Überraschung", "Uberraschung"),
        ("groß", "gross"),
        ("a\tb", "a?b"),
    ],
)
def test_letters_the_font_lacks_are_replaced(text, shown):
    assert ascii_text(text) == shown


def test_a_label_without_any_letter_of_the_font_is_shown_by_its_number():
    assert shown_label("快乐", ("忧伤", "快乐")) == "class 1"
