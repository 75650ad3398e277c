"""Faces from frame to frame of a video: known ones around their places, new ones elsewhere.

A whole frame costs a cascade 30 to 60 ms; the place where a face was a moment ago, at the size it
had, a third of one. So known faces are searched for around their places in every frame, and the
rest of it in pieces, about one a frame. Frames that are further apart are searched as pictures.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from weakref import WeakKeyDictionary

from emotion import faces
from emotion.faces import Box, FaceDetector, Image, Scored
from emotion.tracking.appearance import appearance
from emotion.tracking.frame_search import FrameSearch
from emotion.tracking.local_search import LocalSearch, Pose, alternatives, neighbours
from emotion.tracking.parameters import PARAMETERS, Parameters
from emotion.tracking.pyramid import Pyramid
from emotion.tracking.tracker import Detection, Track


@dataclass(eq=False)
class _Followed:
    """How a track's face was last found, and what is due for it; times are in seconds."""

    pose: Pose
    verified: float  # when it was last verified
    score: int  # of that
    half: int = 0  # of the next verification, whose other half is for a later frame
    explored: float = -math.inf  # when another pose was last tried
    noted: float = -math.inf  # when its appearance was
    turn: int = 0  # which of the other poses comes next

    def take(self, pose: Pose) -> None:
        """The face was found in this pose."""
        self.pose, self.turn, self.half = pose, 0, 0


class VideoDetector:
    """Detects faces in frames that follow each other, given where the known ones should be.

    `detector` is the one for pictures, whose cascades serve here too.
    """

    def __init__(self, detector: FaceDetector, *, parameters: Parameters = PARAMETERS) -> None:
        self._detector, self._parameters = detector, parameters
        self._near = LocalSearch(detector.alt2, parameters)
        self._elsewhere = FrameSearch(detector, parameters)
        self._followed: WeakKeyDictionary[Track, _Followed] = WeakKeyDictionary()
        self._time, self._spent = math.inf, 0.0  # of the last frame, and its search; seconds
        self._tries = 0  # what is left of a frame's, and so are the next two
        self._work = self._verifying = 0.0

    def detect_next(
        self,
        frame: Image,
        grey: Image,
        tracks: Sequence[Track],
        time: float,
        *,
        cut: bool,
        live: bool = False,
    ) -> list[Detection]:
        """The faces in a `frame` at `time`, seconds; all of it is searched on a `cut`.

        `grey` is the same frame in grey; `tracks` say which faces are expected, and where. Of a
        `live` source's gaps, the time that the last search took does not count: a slow machine
        would never get out of the search for frames that are far apart.
        """
        began = perf_counter()
        levels = Pyramid(grey)
        gap, self._time = time - self._time, time
        self._plan(max(0.0, gap))
        if live:
            gap -= self._spent
        if gap > self._parameters.far_apart:
            found = self._far(frame, levels, tracks, time)
        else:
            found = self._close(frame, levels, tracks, time, cut=cut)
        self._spent = perf_counter() - began
        return found

    def _plan(self, gap: float) -> None:
        """What a frame may cost that comes `gap` seconds after the last: more where few come."""
        tuned = self._parameters
        self._work = max(1.0, gap * tuned.work)
        share = gap * tuned.work * tuned.verifying
        self._verifying = min(self._verifying + share, max(1.0, share))
        self._tries = min(tuned.max_tries, max(1, round(gap * tuned.tries)))

    def _close(
        self, frame: Image, levels: Pyramid, tracks: Sequence[Track], time: float, *, cut: bool
    ) -> list[Detection]:
        """The faces in a frame right after the last one."""
        found = self._known(frame, levels, tracks, time)
        hurry = not found or any(not one.seen and self._urgent(one, time) for one in tracks)
        places = [one.box for one in found]
        new = self._elsewhere(levels, places, time, cut=cut, hurry=hurry, work=self._work)
        found = faces.non_maximum_suppression(
            found, lambda one, other: faces.same_face(one.box, other.box)
        )
        return found + [replace(one, appearance=appearance(frame, one.box)) for one in new]

    def _far(
        self, frame: Image, levels: Pyramid, tracks: Sequence[Track], time: float
    ) -> list[Detection]:
        """The faces in a frame long after the last one, where anybody may be anywhere by now."""
        found = [
            Detection(one.box, one.roll, appearance=appearance(frame, one.box))
            for one in self._detector.find(levels.level(0))
        ]
        boxes = [one.box for one in found]
        # A head that turned aside in the last frame may have stayed there, still turned aside.
        lost = [one for one in tracks if not any(faces.overlap(one.box, box) for box in boxes)]
        still = self._known(frame, levels, lost, time)
        return faces.non_maximum_suppression(
            [*found, *still], lambda one, other: faces.overlap(one.box, other.box)
        )

    def _known(
        self, frame: Image, levels: Pyramid, tracks: Sequence[Track], time: float
    ) -> list[Detection]:
        """Those of the tracks' faces that are found, with their appearance where it is due."""
        crowded = self._crowded([one.box for one in tracks])
        found: list[Detection] = []
        for track in tracks:
            followed = self._state(track, time)
            if one := self._follow(levels, track, followed, time):
                due = time - followed.noted >= self._parameters.appearance_interval
                if crowded or due:
                    followed.noted = time
                    one = replace(one, appearance=appearance(frame, one.box))
                found.append(one)
        return found

    def _state(self, track: Track, time: float) -> _Followed:
        """What is known of a track; of a new one, the roll with which it was detected."""
        followed = self._followed.get(track)
        if followed is None:
            step = self._parameters.roll_step
            pose = Pose(step * round(track.roll / step))
            followed = _Followed(pose, verified=time, score=self._parameters.weak_score)
            self._followed[track] = followed
        return followed

    def _follow(
        self, levels: Pyramid, track: Track, followed: _Followed, time: float
    ) -> Detection | None:
        """A known face where it is now, if it is found."""
        tuned = self._parameters
        best = self._near(levels, track.box, followed.pose, tuned.quick)
        if best is None:
            return self._recover(levels, track, followed, time)
        if track.confirmed and followed.pose.upright and best[0] >= tuned.plain_score:
            followed.score = tuned.certain_score
            return Detection(best[1])
        best = self._explore(levels, followed, best, time)
        self._verify(levels, track, followed, best[1], time)
        if followed.score < tuned.weak_score:
            return None
        confirmed = track.confirmed or followed.score >= tuned.certain_score
        return Detection(best[1], followed.pose.roll, confirmed=confirmed)

    def _explore(self, levels: Pyramid, followed: _Followed, best: Scored, time: float) -> Scored:
        """The same face in a neighbouring pose if one is due and fits better."""
        tuned, pose = self._parameters, followed.pose
        interval = tuned.explore_interval_upright if pose.upright else tuned.explore_interval
        if time - followed.explored < interval:
            return best
        followed.explored = time
        others = neighbours(pose, tuned)
        other = others[followed.turn % len(others)]
        followed.turn += 1
        now = self._near(levels, best[1], pose, tuned.close) or best
        then = self._near(levels, best[1], other, tuned.close)
        same_view = other.view == pose.view
        if then and then[0] > (tuned.pose_gain * now[0] if same_view else tuned.frontal_score):
            followed.take(other)
            return then
        return now

    def _verify(
        self, levels: Pyramid, track: Track, followed: _Followed, box: Box, time: float
    ) -> None:
        """Half a verification of an upright face if it is due: sooner for one that is in doubt."""
        tuned = self._parameters
        certain = track.confirmed and followed.score >= tuned.weak_score
        interval = tuned.verify_interval if certain else tuned.verify_interval_doubtful
        due = followed.pose.upright and time - followed.verified >= interval
        if not due or self._verifying < 1:
            return
        self._verifying -= 1
        self._work -= 1
        image, scale = levels.best(box, tuned.verify_side)
        place, first = faces.enlarged(box, scale), followed.half
        score, _ = self._detector.score(image, place, equalised=bool(first))
        if score and not first:
            followed.half = score
        else:
            followed.score, followed.half, followed.verified = first + score, 0, time

    def _recover(
        self, levels: Pyramid, track: Track, followed: _Followed, time: float
    ) -> Detection | None:
        """A face that was not found as it was before, in the other poses that a frame allows."""
        tuned, pose = self._parameters, followed.pose
        options = [(pose, tuned.close), (pose, tuned.wide)]
        options += [(other, tuned.close) for other in alternatives(pose, tuned)]
        for _ in range(min(tuned.max_tries if self._urgent(track, time) else 1, self._tries)):
            self._tries -= 1
            other, search = options[followed.turn % len(options)]
            followed.turn += 1
            if found := self._near(levels, track.box, other, search):
                followed.take(other)
                return Detection(found[1], other.roll, confirmed=track.confirmed)
        return None

    def _urgent(self, track: Track, time: float) -> bool:
        return time - track.last_seen < self._parameters.urgent

    def _crowded(self, boxes: Sequence[Box]) -> bool:
        """Whether two of the boxes are so near each other that they could be mixed up."""
        return any(
            math.dist(one[:2], other[:2]) < self._parameters.crowded * max(one[2], other[2])
            for number, one in enumerate(boxes)
            for other in boxes[:number]
        )
