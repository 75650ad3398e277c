"""A frame and the faces in it to a new frame with boxes, labels, bars and a line in the corner.

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
    "uncertain": (90, 90, 90),  # lighter ones style like disgust or fear without red or green cones
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
_EARS, _FOREHEAD, _CHIN = 0.1, 0.2, 0.1  # what a face has around its box, in parts of the box


def annotate(
    frame: NDArray[np.uint8],
    faces: Sequence[Face],
    labels: Sequence[str],
    *,
    bars: bool = True,
    mirror: bool = False,
    corner: str = "",
    status_message: str = "",
) -> NDArray[np.uint8]:
    """A copy of `frame`, BGR uint8 (H, W, 3), with every face marked; the frame stays as it is.

    Each face has a thin box round it, a tag with identity, label and percentage, and with `bars`
    one bar for each of `labels` in their order, wherever they hide no face. `mirror` swaps left and
    right of the picture, not of the text. `corner` is a line for the lower left one,
    `status_message` goes across the middle.
    """
    canvas = np.empty_like(frame)
    if mirror:
        cv2.flip(frame, 1, dst=canvas)
    else:
        np.copyto(canvas, frame)
    style = _style(canvas.shape[1], canvas.shape[0], tuple(labels))
    boxes = [_shown_box(face.box, canvas.shape[1], mirror) for face in faces]
    corner = ascii_text(corner)
    taken = [_corner_place(style, corner)] if corner else []
    for face, box in zip(faces, boxes, strict=True):
        _outline(canvas, style, box, _colour(face.emotion, style))
    for face, box in zip(faces, boxes, strict=True):
        tag = _tag(canvas, style, face, box, [*boxes, *taken])
        taken += [tag] if tag else []
    if bars:
        whole = [_whole_face(box) for box in boxes]
        for number, (face, box) in enumerate(zip(faces, boxes, strict=True)):
            others = whole[:number] + whole[number + 1 :]
            place = _panel_place(style, box, others, taken)
            if place:
                _panel(canvas, style, face, place)
                taken.append(place)
    if corner:  # last, so that no box crosses it
        _shade(canvas, taken[0])
        _text(canvas, style, corner, taken[0], _WHITE)
    if status_message:
        _banner(canvas, style, [ascii_text(status_message)], _AMBER)
    return canvas


def overlay(
    picture: NDArray[np.uint8], lines: Sequence[str], *, corner: str = ""
) -> NDArray[np.uint8]:
    """A copy of `picture` with lines of text across its middle, and `corner` in the upper right.

    A tab in a line starts a second column.
    """
    canvas = picture.copy()
    style = _style(canvas.shape[1], canvas.shape[0], ())
    if lines:
        _banner(
            canvas, style, ["\t".join(map(ascii_text, line.split("\t"))) for line in lines], _WHITE
        )
    if corner:
        width = _width(style, corner) + 2 * style.pad
        place = _inside((style.width - width, 0, width, style.line), style)
        _shade(canvas, place)
        _text(canvas, style, corner, place, _AMBER)
    return canvas


@lru_cache
def palette(labels: tuple[str, ...]) -> dict[str, Colour]:
    """A BGR colour for every label, and for "uncertain"; the same labels give the same colours.

    The emotions of FER-2013 have their own. Other labels get the colours that are left, then hues
    a golden angle apart, alternating light and dark.
    """
    known = {label: _EMOTIONS[label] for label in (*labels, "uncertain") if label in _EMOTIONS}
    free = [colour for colour in _OTHERS if colour not in known.values()]
    others = [label for label in labels if label not in known]
    return known | {
        label: free[place] if place < len(free) else _hue(place - len(free))
        for place, label in enumerate(others)
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
class _Style:
    """The sizes that follow from a frame's size, in pixels, and the bars' column of labels."""

    width: int
    height: int
    scale: float  # of the font
    weight: int  # of the font's strokes
    fine: int  # the same for smaller letters
    stroke: int  # of a box
    pad: int
    line: int  # height of a line of text with its padding
    labels: tuple[str, ...]
    column: int  # width of the bars' labels
    panel: tuple[int, int]  # width, height of a face's bars


@lru_cache(maxsize=64)
def _style(width: int, height: int, labels: tuple[str, ...]) -> _Style:
    unit = min(width / 640, height / 480)
    scale = max(0.38, 0.5 * unit)  # letters below 0.38 run together
    # Strokes of two pixels take ten times as long to draw as those of one.
    weight, fine = max(1, round(0.9 * unit)), max(1, round(0.7 * unit))
    pad = max(2, round(4 * unit))
    letter = cv2.getTextSize("Ag", _FONT, scale, weight)[0][1]
    shown = [shown_label(label, labels) for label in labels]
    widths = [cv2.getTextSize(label, _FONT, scale * 0.8, fine)[0][0] for label in shown]
    column = max(widths, default=0) + 2 * pad
    row = max(9, round(letter * 1.45))
    return _Style(
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


def _is_small(box: Rect, style: _Style) -> bool:
    return box[2] < 0.15 * min(style.width, style.height)


@lru_cache(maxsize=64)
def _smaller(style: _Style) -> _Style:
    """The same with smaller letters, for small faces, which often stand close together."""
    scale = max(0.36, 0.7 * style.scale)
    ratio = scale / style.scale
    return replace(
        style,
        weight=style.fine,
        scale=scale,
        pad=max(2, round(style.pad * ratio)),
        line=round(style.line * ratio),
    )


def _shown_box(box: Sequence[int], width: int, mirror: bool) -> Rect:
    x, y, wide, high = (int(number) for number in box)
    return (width - x - wide if mirror else x, y, wide, high)


def _colour(emotion: str, style: _Style) -> Colour:
    return palette(style.labels).get(emotion, _EMOTIONS["uncertain"])


def _outline(canvas: NDArray[np.uint8], style: _Style, box: Rect, colour: Colour) -> None:
    """A thin box, rimmed to show on any ground; a side outside is drawn along the frame's edge."""
    x, y, wide, high = box
    edge = style.stroke
    corner = max(edge, x), max(edge, y)
    opposite = min(style.width - 1 - edge, x + wide), min(style.height - 1 - edge, y + high)
    cv2.rectangle(canvas, corner, opposite, ink(colour), style.stroke + 2)
    cv2.rectangle(canvas, corner, opposite, colour, style.stroke)


def _tag(
    canvas: NDArray[np.uint8], style: _Style, face: Face, box: Rect, avoid: Sequence[Rect]
) -> Rect | None:
    """Identity, label and percentage, as much of it as fits where it hides nothing.

    Above the box or below it; along its edge inside where the frame leaves no other room. In a
    crowd the number alone, or nothing: the box has the emotion's colour.
    """
    label = shown_label(face.emotion, style.labels)
    texts = (f"{face.identity} {label} {face.confidence:.0%}", f"{face.identity} {label}")
    if _is_small(box, style):
        style = _smaller(style)
    found = _tag_place(style, (*texts, str(face.identity)), box, avoid)
    if found:
        text, place = found
        colour = _colour(face.emotion, style)
        cv2.rectangle(canvas, place[:2], _last(place), colour, cv2.FILLED)
        _text(canvas, style, text, place, ink(colour))
        return place
    return None


def _tag_place(
    style: _Style, texts: Sequence[str], box: Rect, avoid: Sequence[Rect]
) -> tuple[str, Rect] | None:
    """The first of `texts` that has a place, with that place."""
    x, y, width, high = box
    above, below = y - style.line - style.stroke, y + high + style.stroke + 1
    for tops, allowed in ((above, below), 0), ((y, y + high - style.line), width * high // 4):
        for text in texts:
            wide = _width(style, text) + 2 * style.pad
            for top in tops:
                for left in (x - style.stroke, x + width + style.stroke - wide):
                    place = _inside((left, top, wide, style.line), style)
                    own = _covered(place, [box])
                    others = _covered(place, avoid) - own  # the box itself is among those
                    if own <= allowed and not others:
                        return text, place
    if len(avoid) > 1:
        return None
    return texts[0], _inside((x, y, _width(style, texts[0]) + 2 * style.pad, style.line), style)


def _whole_face(box: Rect) -> Rect:
    """The face from hair to chin and ear to ear, of which `box` holds the middle."""
    x, y, wide, high = box
    side, over, under = round(_EARS * wide), round(_FOREHEAD * high), round(_CHIN * high)
    return x - side, y - over, wide + 2 * side, high + over + under


def _panel_place(
    style: _Style, box: Rect, others: Sequence[Rect], taken: Sequence[Rect]
) -> Rect | None:
    """Where the bars of the face in `box` hide nothing: beside it, below, above, else nowhere.

    They never lie on the faces of `others`, nor on what is `taken`. A lone face that leaves no room
    around it has them in the corner where they hide least of it.
    """
    wide, high = style.panel
    crowd = others and _is_small(box, style)  # whose bars are they?
    if crowd or wide > style.width or high > style.height:
        return None
    x, y, width, height = box
    gap = style.stroke + 2
    middle = y + height // 2
    tops = (y, y + height - high, middle - high, middle)
    beside = [(left, top) for top in tops for left in (x + width, x - wide)]
    beside = [(left + (gap if left > x else -gap), top) for left, top in beside]
    under = [
        (x, y + height + gap),
        (x, y + height + style.line + gap),
        (x, y - style.line - high - gap),
    ]
    for left, top in beside + under:
        place = _inside((left, top, wide, high), style)
        if not _covered(place, [box, *others, *taken]):
            return place
    if others:  # bars far from their face are taken for another's
        return None
    right, bottom = style.width - wide, style.height - high
    corners = [(left, top, wide, high) for top in (bottom, 0) for left in (right, 0)]
    place = min(corners, key=lambda place: _covered(place, [box, *taken]))
    return place if _covered(place, [box]) < width * height / 4 else None


def _panel(canvas: NDArray[np.uint8], style: _Style, face: Face, place: Rect) -> None:
    """A bar for each label in their order, full width being certainty."""
    x, y, wide, high = place
    _shade(canvas, place)
    column = canvas[y : y + high, x : x + style.column]
    np.maximum(column, _label_column(style), out=column)
    row = (high - style.pad) // max(1, len(style.labels))
    room = wide - style.column - style.pad
    for number, (label, value) in enumerate(zip(style.labels, face.probabilities, strict=True)):
        top = y + style.pad // 2 + number * row + row // 5
        left, length = x + style.column, round(room * min(1.0, max(0.0, float(value))))
        if length:
            opposite = (left + length, top + row - 2 * (row // 5))
            cv2.rectangle(canvas, (left, top), opposite, _colour(label, style), cv2.FILLED)


@lru_cache(maxsize=64)
def _label_column(style: _Style) -> NDArray[np.uint8]:
    """The bars' column of labels, white on black: written once, as text is what drawing costs."""
    height = style.panel[1]
    column = np.zeros((height, style.column, 3), np.uint8)
    row = (height - style.pad) // max(1, len(style.labels))
    for number, label in enumerate(style.labels):
        at = (style.pad, style.pad // 2 + number * row + round(row * 0.78))
        text = shown_label(label, style.labels)
        cv2.putText(column, text, at, _FONT, style.scale * 0.8, _WHITE, style.fine, cv2.LINE_AA)
    return column


def _corner_place(style: _Style, text: str) -> Rect:
    return _inside((0, style.height, _width(style, text) + 2 * style.pad, style.line), style)


def _banner(canvas: NDArray[np.uint8], style: _Style, lines: Sequence[str], colour: Colour) -> None:
    """Lines of text on a dark ground in the middle of the frame; a tab starts a second column."""
    halves = [line.partition("\t") for line in lines]
    column = max(_width(style, left) + 4 * style.pad if tab else 0 for left, tab, _ in halves)
    width = 4 * style.pad + max(
        column + _width(style, right) if tab else _width(style, left) for left, tab, right in halves
    )
    height = style.line * len(lines) + 2 * style.pad
    corner = (style.width - width) // 2, (style.height - height) // 2
    x, y, wide, high = _inside((*corner, width, height), style)
    _shade(canvas, (x, y, wide, high))
    _shade(canvas, (x, y, wide, high))  # twice: there may be other text underneath
    for number, (left, tab, right) in enumerate(halves):
        top = y + style.pad + number * style.line
        _text(canvas, style, left, (x + style.pad, top, wide, style.line), colour)
        if tab:
            _text(canvas, style, right, (x + style.pad + column, top, wide, style.line), colour)


def _text(canvas: NDArray[np.uint8], style: _Style, text: str, place: Rect, colour: Colour) -> None:
    """One line of text in `place`, smaller where it would be too wide."""
    x, y, wide, high = place
    fits = min(1.0, (wide - 2 * style.pad) / max(1, _width(style, text)))
    at = (x + style.pad, y + high - round(style.pad * 1.6))
    cv2.putText(canvas, text, at, _FONT, style.scale * fits, colour, style.weight, cv2.LINE_AA)


def _shade(canvas: NDArray[np.uint8], place: Rect) -> None:
    """Darken what lies under a text to a quarter, so that white on it always stands out."""
    x, y, wide, high = place
    under = canvas[max(0, y) : y + high, max(0, x) : x + wide]
    np.right_shift(under, 2, out=under)


@lru_cache(maxsize=512)
def _width(style: _Style, text: str) -> int:
    return cv2.getTextSize(text, _FONT, style.scale, style.weight)[0][0]


def _inside(place: Rect, style: _Style) -> Rect:
    """`place` moved, and cut where it is larger than the frame, so that it lies inside."""
    x, y, wide, high = place
    wide, high = min(wide, style.width), min(high, style.height)
    return (min(max(0, x), style.width - wide), min(max(0, y), style.height - high), wide, high)


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
