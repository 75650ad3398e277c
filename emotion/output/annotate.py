"""A frame and the faces in it to a new frame with boxes, labels, bars and a status line.

Everything scales with the frame and stays inside it. Text stands on its own backdrop, so it is
readable on white and on black.
"""

import colorsys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.tracking.tracker import Face

Colour = tuple[int, int, int]
Rect = tuple[int, int, int, int]  # x, y, width, height

# Okabe and Ito's colours, made to be told apart with any kind of colour vision, as BGR.
_EMOTIONS: dict[str, Colour] = {
    "angry": (0, 94, 213),  # vermilion
    "disgust": (115, 158, 0),  # bluish green
    "fear": (167, 121, 204),  # reddish purple
    "happy": (66, 228, 240),  # yellow
    "sad": (178, 114, 0),  # blue
    "surprise": (233, 180, 86),  # sky blue
    "neutral": (235, 235, 235),
    "uncertain": (90, 90, 90),  # lighter ones look like disgust or fear without red or green cones
}
_OTHERS: tuple[Colour, ...] = (
    (0, 159, 230),  # orange
    (233, 180, 86),
    (115, 158, 0),
    (66, 228, 240),
    (178, 114, 0),
    (0, 94, 213),
    (167, 121, 204),
)
_WHITE, _BLACK, _AMBER = (255, 255, 255), (0, 0, 0), (80, 200, 255)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def annotate(
    frame: NDArray[np.uint8],
    faces: Sequence[Face],
    labels: Sequence[str],
    *,
    bars: bool = True,
    mirror: bool = False,
    status: str = "",
    notice: str = "",
) -> NDArray[np.uint8]:
    """A copy of `frame`, BGR uint8 (H, W, 3), with every face marked; the frame stays as it is.

    Each face has a thin box round it, a tag with identity, label and percentage, and with `bars`
    one bar for each of `labels` in their order, wherever they hide no face. `mirror` swaps left and
    right of the picture, not of the text. `status` goes into a corner, `notice` across the middle.
    """
    canvas = np.empty_like(frame)
    if mirror:
        cv2.flip(frame, 1, dst=canvas)
    else:
        np.copyto(canvas, frame)
    look = _look(canvas.shape[1], canvas.shape[0], tuple(labels))
    boxes = [_shown_box(face.box, canvas.shape[1], mirror) for face in faces]
    status = ascii_text(status)
    taken = [_status_place(look, status)] if status else []
    for face, box in zip(faces, boxes, strict=True):
        _outline(canvas, look, box, _colour(face.emotion, look))
    for face, box in zip(faces, boxes, strict=True):
        tag = _tag(canvas, look, face, box, [*boxes, *taken])
        taken += [tag] if tag else []
    if bars:
        for face, box in zip(faces, boxes, strict=True):
            place = _panel_place(look, box, boxes, taken)
            if place:
                _panel(canvas, look, face, place)
                taken.append(place)
    if status:  # last, so that no box crosses it
        _shade(canvas, taken[0])
        _text(canvas, look, status, taken[0], _WHITE)
    if notice:
        _banner(canvas, look, [ascii_text(notice)], _AMBER)
    return canvas


def overlay(
    picture: NDArray[np.uint8], lines: Sequence[str], *, corner: str = ""
) -> NDArray[np.uint8]:
    """A copy of `picture` with lines of text across its middle, and `corner` in the upper right.

    A tab in a line starts a second column.
    """
    canvas = picture.copy()
    look = _look(canvas.shape[1], canvas.shape[0], ())
    if lines:
        _banner(
            canvas, look, ["\t".join(map(ascii_text, line.split("\t"))) for line in lines], _WHITE
        )
    if corner:
        width = _width(look, corner) + 2 * look.pad
        place = _inside((look.width - width, 0, width, look.line), look)
        _shade(canvas, place)
        _text(canvas, look, corner, place, _AMBER)
    return canvas


@lru_cache
def palette(labels: tuple[str, ...]) -> dict[str, Colour]:
    """A BGR colour for every label, and for "uncertain"; the same labels give the same colours.

    The emotions of FER-2013 have their own. Other labels get the colours that are left, then hues
    a golden angle apart, alternating light and dark.
    """
    known = {name: _EMOTIONS[name] for name in (*labels, "uncertain") if name in _EMOTIONS}
    free = [colour for colour in _OTHERS if colour not in known.values()]
    others = [name for name in labels if name not in known]
    return known | {
        name: free[place] if place < len(free) else _hue(place - len(free))
        for place, name in enumerate(others)
    }


def ascii_text(text: str) -> str:
    """`text` as far as OpenCV's font has it: accents dropped, other letters as question marks."""
    text = text.replace("ß", "ss").replace("ø", "o").replace("æ", "ae").replace("ł", "l")
    plain = unicodedata.normalize("NFKD", text)
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" else "?" for letter in kept)


def shown_label(label: str, labels: Sequence[str]) -> str:
    """The label in ASCII; `class 3` where the font has none of its letters."""
    text = ascii_text(label)
    if set(text) - set("? "):
        return text
    return f"class {list(labels).index(label)}" if label in labels else text


@dataclass(frozen=True)
class _Look:
    """The sizes that follow from a frame's size, in pixels, and the bars' column of names."""

    width: int
    height: int
    scale: float  # of the font
    weight: int  # of the font's strokes
    fine: int  # the same for smaller letters
    stroke: int  # of a box
    pad: int
    line: int  # height of a line of text with its padding
    labels: tuple[str, ...]
    column: int  # width of the bars' names
    panel: tuple[int, int]  # width, height of a face's bars


@lru_cache(maxsize=64)
def _look(width: int, height: int, labels: tuple[str, ...]) -> _Look:
    unit = min(width / 640, height / 480)
    scale = max(0.38, 0.5 * unit)  # letters below 0.38 run together
    # Strokes of two pixels take ten times as long to draw as those of one.
    weight, fine = max(1, round(0.9 * unit)), max(1, round(0.7 * unit))
    pad = max(2, round(4 * unit))
    letter = cv2.getTextSize("Ag", _FONT, scale, weight)[0][1]
    names = tuple(shown_label(label, labels) for label in labels)
    widths = [cv2.getTextSize(name, _FONT, scale * 0.8, fine)[0][0] for name in names]
    column = max(widths, default=0) + 2 * pad
    row = max(9, round(letter * 1.45))
    return _Look(
        width=width,
        height=height,
        scale=scale,
        weight=weight,
        fine=fine,
        stroke=max(1, round(2 * unit)),
        pad=pad,
        line=round(letter * 1.5) + 2 * pad,
        labels=labels,
        column=column,
        panel=(column + round(6 * row), row * len(labels) + pad),
    )


def _is_small(box: Rect, look: _Look) -> bool:
    return box[2] < 0.15 * min(look.width, look.height)


@lru_cache(maxsize=64)
def _smaller(look: _Look) -> _Look:
    """The same with smaller letters, for small faces, which often stand close together."""
    scale = max(0.36, 0.7 * look.scale)
    ratio = scale / look.scale
    return replace(
        look,
        weight=look.fine,
        scale=scale,
        pad=max(2, round(look.pad * ratio)),
        line=round(look.line * ratio),
    )


def _shown_box(box: Sequence[int], width: int, mirror: bool) -> Rect:
    x, y, wide, high = (int(number) for number in box)
    return (width - x - wide if mirror else x, y, wide, high)


def _colour(emotion: str, look: _Look) -> Colour:
    return palette(look.labels).get(emotion, _EMOTIONS["uncertain"])


def _outline(canvas: NDArray[np.uint8], look: _Look, box: Rect, colour: Colour) -> None:
    """A thin box, rimmed to show on any ground; a side outside is drawn along the frame's edge."""
    x, y, wide, high = box
    edge = look.stroke
    corner = max(edge, x), max(edge, y)
    opposite = min(look.width - 1 - edge, x + wide), min(look.height - 1 - edge, y + high)
    cv2.rectangle(canvas, corner, opposite, ink(colour), look.stroke + 2)
    cv2.rectangle(canvas, corner, opposite, colour, look.stroke)


def _tag(
    canvas: NDArray[np.uint8], look: _Look, face: Face, box: Rect, avoid: Sequence[Rect]
) -> Rect | None:
    """Identity, label and percentage, as much of it as fits where it hides nothing.

    Above the box or below it; along its edge inside where the frame leaves no other room. In a
    crowd the number alone, or nothing: the box has the emotion's colour.
    """
    label = shown_label(face.emotion, look.labels)
    texts = (f"{face.identity} {label} {face.confidence:.0%}", f"{face.identity} {label}")
    if _is_small(box, look):
        look = _smaller(look)
    found = _tag_place(look, (*texts, str(face.identity)), box, avoid)
    if found:
        text, place = found
        colour = _colour(face.emotion, look)
        cv2.rectangle(canvas, place[:2], _last(place), colour, cv2.FILLED)
        _text(canvas, look, text, place, ink(colour))
        return place
    return None


def _tag_place(
    look: _Look, texts: Sequence[str], box: Rect, avoid: Sequence[Rect]
) -> tuple[str, Rect] | None:
    """The first of `texts` that has a place, with that place."""
    x, y, width, high = box
    above, below = y - look.line - look.stroke, y + high + look.stroke + 1
    for tops, allowed in ((above, below), 0), ((y, y + high - look.line), width * high // 4):
        for text in texts:
            wide = _width(look, text) + 2 * look.pad
            for top in tops:
                for left in (x - look.stroke, x + width + look.stroke - wide):
                    place = _inside((left, top, wide, look.line), look)
                    own = _covered(place, [box])
                    others = _covered(place, avoid) - own  # the box itself is among those
                    if own <= allowed and not others:
                        return text, place
    if len(avoid) > 1:
        return None
    return texts[0], _inside((x, y, _width(look, texts[0]) + 2 * look.pad, look.line), look)


def _panel_place(
    look: _Look, box: Rect, boxes: Sequence[Rect], taken: Sequence[Rect]
) -> Rect | None:
    """Where the bars of the face in `box` hide nothing: beside it, below, above, else nowhere.

    A lone face that leaves no room around it has them in the corner where they hide least of it.
    """
    wide, high = look.panel
    crowd = len(boxes) > 1 and _is_small(box, look)  # whose bars are they?
    if crowd or wide > look.width or high > look.height:
        return None
    x, y, width, height = box
    gap = look.stroke + 2
    beside = [(left, top) for top in (y, y + height - high) for left in (x + width, x - wide)]
    beside = [(left + (gap if left > x else -gap), top) for left, top in beside]
    under = [
        (x, y + height + gap),
        (x, y + height + look.line + gap),
        (x, y - look.line - high - gap),
    ]
    for left, top in beside + under:
        place = _inside((left, top, wide, high), look)
        if not _covered(place, [*boxes, *taken]):
            return place
    if len(boxes) > 1:  # bars far from their face are taken for another's
        return None
    right, bottom = look.width - wide, look.height - high
    corners = [(left, top, wide, high) for top in (bottom, 0) for left in (right, 0)]
    place = min(corners, key=lambda place: _covered(place, [box, *taken]))
    return place if _covered(place, [box]) < width * height / 4 else None


def _panel(canvas: NDArray[np.uint8], look: _Look, face: Face, place: Rect) -> None:
    """A bar for each label in their order, full width being certainty."""
    x, y, wide, high = place
    _shade(canvas, place)
    names = canvas[y : y + high, x : x + look.column]
    np.maximum(names, _names(look), out=names)
    row = (high - look.pad) // max(1, len(look.labels))
    room = wide - look.column - look.pad
    for number, (label, value) in enumerate(zip(look.labels, face.probabilities, strict=True)):
        top = y + look.pad // 2 + number * row + row // 5
        left, length = x + look.column, round(room * min(1.0, max(0.0, float(value))))
        if length:
            opposite = (left + length, top + row - 2 * (row // 5))
            cv2.rectangle(canvas, (left, top), opposite, _colour(label, look), cv2.FILLED)


@lru_cache(maxsize=64)
def _names(look: _Look) -> NDArray[np.uint8]:
    """The bars' column of names, white on black: written once, as text is what drawing costs."""
    height = look.panel[1]
    column = np.zeros((height, look.column, 3), np.uint8)
    row = (height - look.pad) // max(1, len(look.labels))
    for number, label in enumerate(look.labels):
        at = (look.pad, look.pad // 2 + number * row + round(row * 0.78))
        name = shown_label(label, look.labels)
        cv2.putText(column, name, at, _FONT, look.scale * 0.8, _WHITE, look.fine, cv2.LINE_AA)
    return column


def _status_place(look: _Look, text: str) -> Rect:
    return _inside((0, look.height, _width(look, text) + 2 * look.pad, look.line), look)


def _banner(canvas: NDArray[np.uint8], look: _Look, lines: Sequence[str], colour: Colour) -> None:
    """Lines of text on a dark ground in the middle of the frame; a tab starts a second column."""
    halves = [line.partition("\t") for line in lines]
    column = max(_width(look, left) + 4 * look.pad if tab else 0 for left, tab, _ in halves)
    width = 4 * look.pad + max(
        column + _width(look, right) if tab else _width(look, left) for left, tab, right in halves
    )
    height = look.line * len(lines) + 2 * look.pad
    corner = (look.width - width) // 2, (look.height - height) // 2
    x, y, wide, high = _inside((*corner, width, height), look)
    _shade(canvas, (x, y, wide, high))
    _shade(canvas, (x, y, wide, high))  # twice: there may be other text underneath
    for number, (left, tab, right) in enumerate(halves):
        top = y + look.pad + number * look.line
        _text(canvas, look, left, (x + look.pad, top, wide, look.line), colour)
        if tab:
            _text(canvas, look, right, (x + look.pad + column, top, wide, look.line), colour)


def _text(canvas: NDArray[np.uint8], look: _Look, text: str, place: Rect, colour: Colour) -> None:
    """One line of text in `place`, smaller where it would be too wide."""
    x, y, wide, high = place
    fits = min(1.0, (wide - 2 * look.pad) / max(1, _width(look, text)))
    at = (x + look.pad, y + high - round(look.pad * 1.6))
    cv2.putText(canvas, text, at, _FONT, look.scale * fits, colour, look.weight, cv2.LINE_AA)


def _shade(canvas: NDArray[np.uint8], place: Rect) -> None:
    """Darken what lies under a text to a quarter, so that white on it always stands out."""
    x, y, wide, high = place
    part = canvas[max(0, y) : y + high, max(0, x) : x + wide]
    np.right_shift(part, 2, out=part)


@lru_cache(maxsize=512)
def _width(look: _Look, text: str) -> int:
    return cv2.getTextSize(text, _FONT, look.scale, look.weight)[0][0]


def _inside(place: Rect, look: _Look) -> Rect:
    """`place` moved, and cut where it is larger than the frame, so that it lies inside."""
    x, y, wide, high = place
    wide, high = min(wide, look.width), min(high, look.height)
    return (min(max(0, x), look.width - wide), min(max(0, y), look.height - high), wide, high)


def _last(place: Rect) -> tuple[int, int]:
    return place[0] + place[2] - 1, place[1] + place[3] - 1


def _covered(place: Rect, others: Sequence[Rect]) -> int:
    """How many pixels of `place` lie under `others`, added up."""
    x, y, wide, high = place
    total = 0
    for left, top, width, height in others:
        across = min(x + wide, left + width) - max(x, left)
        down = min(y + high, top + height) - max(y, top)
        if across > 0 and down > 0:
            total += across * down
    return total


@lru_cache
def ink(colour: Colour) -> Colour:
    """Black or white, whichever stands out more from `colour` by WCAG's measure."""
    linear = [(part / 255 + 0.055) ** 2.4 / 1.055**2.4 for part in colour]
    luminance = 0.0722 * linear[0] + 0.7152 * linear[1] + 0.2126 * linear[2]
    return _BLACK if luminance > 0.179 else _WHITE


def _hue(place: int) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(place * 0.381966 % 1, 0.75, (0.95, 0.6)[place % 2])
    return round(blue * 255), round(green * 255), round(red * 255)
