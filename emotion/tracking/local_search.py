"""A known face around the place where it is expected, in one pose at a time."""

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from emotion import faces
from emotion.faces import Box, Image, Scored
from emotion.tracking.parameters import Parameters, Search
from emotion.tracking.pyramid import Pyramid

FRONT, LEFT, RIGHT = "front", "left", "right"


@dataclass(frozen=True)
class Pose:
    """How a head is turned: `roll` in degrees, clockwise positive, and the side it is seen from."""

    roll: float = 0.0
    view: str = FRONT

    @property
    def upright(self) -> bool:
        return self.view == FRONT and not self.roll


class LocalSearch:
    """Searches a little more than the face's place, at about its size, with one cascade.

    The frontal cascade is the detector's own; the profile one looks to the left, and sees heads
    that look to the right in a mirror. It is loaded when the first head turns aside, which raises
    EmotionError when its file is missing.
    """

    def __init__(self, frontal: cv2.CascadeClassifier, parameters: Parameters) -> None:
        self._frontal, self._parameters = frontal, parameters

    def __call__(self, levels: Pyramid, box: Box, pose: Pose, search: Search) -> Scored | None:
        """The face at about the place and size of `box`, as an upright frontal box, if found."""
        image, scale = levels.best(box, search.side)
        size = round(search.side * (1 + 2 * search.margin))
        small = faces.enlarged(box, scale)
        square = faces.patch(image, small, margin=search.margin, size=size, roll=pose.roll)
        found = self._scan(square, pose.view, search)
        if not found or found[0][0] < search.min_score:
            return None
        score, (x, y, width, _) = found[0]
        across, down = x + width / 2 - size / 2, y + width / 2 - size / 2
        if pose.view != FRONT:
            across, down, width = self._as_frontal(across, down, width, pose.view)
        zoom = box[2] * (1 + 2 * search.margin) / size
        return score, _placed(box, zoom, across, down, width * zoom * search.box_scale, pose.roll)

    @cached_property
    def _profile(self) -> cv2.CascadeClassifier:
        return faces.load_cascade("haarcascade_profileface.xml")  # 40 ms

    def _scan(self, square: Image, view: str, search: Search) -> list[Scored]:
        if view == RIGHT:
            square = np.asarray(cv2.flip(square, 1), np.uint8)
        ratio = self._parameters.size_range
        return faces.scan(
            self._frontal if view == FRONT else self._profile,
            square,
            search.scale_factor,
            min_size=round(search.side / ratio),
            max_size=round(search.side * ratio),
        )

    def _as_frontal(
        self, across: float, down: float, width: float, view: str
    ) -> tuple[float, float, float]:
        """Centre and width that the frontal cascade would give, mirrored back for a right view."""
        across = across - self._parameters.profile_back * width
        down = down + self._parameters.profile_up * width
        return -across if view == RIGHT else across, down, width * self._parameters.profile_scale


def _placed(box: Box, zoom: float, across: float, down: float, side: float, roll: float) -> Box:
    """A box of `side` px whose centre lies off `box`'s by so many pixels of the rolled square."""
    turn = math.radians(roll)
    dx = zoom * (across * math.cos(turn) - down * math.sin(turn))
    dy = zoom * (across * math.sin(turn) + down * math.cos(turn))
    x, y = box[0] + box[2] / 2 + dx, box[1] + box[3] / 2 + dy
    return x - side / 2, y - side / 2, side, side


def neighbours(pose: Pose, parameters: Parameters) -> list[Pose]:
    """Poses that a found face may be changing to."""
    step = parameters.roll_step
    rolls = [pose.roll - step, pose.roll + step]
    poses = [Pose(roll, pose.view) for roll in rolls]
    if pose.view != FRONT:
        poses += [Pose(roll) for roll in (pose.roll, *rolls)]
    return [one for one in poses if abs(one.roll) <= parameters.max_roll]


def alternatives(pose: Pose, parameters: Parameters) -> list[Pose]:
    """Poses to try for a face that is not found in `pose`, the likeliest first."""
    roll, step = pose.roll, parameters.roll_step
    rolls = [roll - step, roll + step]
    poses = [Pose(roll)] if pose.view != FRONT else []
    poses += [Pose(one) for one in rolls]
    poses += [Pose(roll, view) for view in (LEFT, RIGHT) if view != pose.view]
    poses += [Pose(one, view) for one in rolls for view in (LEFT, RIGHT)]
    poses += [Pose(roll - 2 * step), Pose(roll + 2 * step), Pose(0.0)]
    return [one for one in poses if abs(one.roll) <= parameters.max_roll]
