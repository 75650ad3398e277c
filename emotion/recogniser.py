"""A frame in, a list of faces out: where they are, whose they are, and what they show."""

import math
from pathlib import Path

import cv2

from emotion import faces
from emotion.classifier import Classifier
from emotion.faces import MIN_FACE, FaceFinder, Image
from emotion.tracking.detector import FaceFollower, Shots
from emotion.tracking.tracker import CONFIDENCE, SMOOTHING, Face, Person, Sighting, Tracker
from emotion.tracking.yunet import YuNet

DEFAULT_MODEL = Path(__file__).with_name("models") / "fer2013.tflite"
"""The model that ships with the project."""

_BACK = 1.0  # seconds; less than that is a clip whose times are not quite in order


class EmotionRecogniser:
    """Finds the faces in pictures or video frames and says what each one shows.

    `model` is a `.tflite`, by default the one that ships. `min_face` is the smallest face, as a
    part of the frame's shorter side. For video, probabilities are averaged over `smoothing`
    seconds, and a label below `confidence` is "uncertain". `face_model` is a YuNet `.onnx` that
    takes the cascades' place. `threads` is how many the network and, for the whole process,
    OpenCV may use: one is best for small frames.

    Raises EmotionError when a model or a cascade cannot be used.
    """

    def __init__(
        self,
        model: Path | str | None = None,
        *,
        min_face: float = MIN_FACE,
        smoothing: float = SMOOTHING,
        confidence: float = CONFIDENCE,
        face_model: Path | str | None = None,
        threads: int = 1,
    ) -> None:
        self._classifier = Classifier(DEFAULT_MODEL if model is None else model, threads=threads)
        self._confidence, self._smoothing = confidence, smoothing
        cv2.setNumThreads(threads)
        self._finder: FaceFinder | YuNet
        self._follower: FaceFollower | YuNet
        if face_model is None:
            self._finder = FaceFinder(min_face=min_face)
            self._follower = FaceFollower(self._finder)
        else:
            self._finder = self._follower = YuNet(face_model, min_face=min_face)
        self.reset()

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions, in the order of every face's probabilities."""
        return tuple(self._classifier.labels)

    def reset(self) -> None:
        """Forget everybody: the next frame belongs to another clip."""
        self._time = -math.inf
        self._shots = Shots()
        self._tracker = Tracker(self.labels, smoothing=self._smoothing, confidence=self._confidence)

    def __call__(self, frame: Image, time: float | None = None) -> list[Face]:
        """The faces in an 8-bit BGR (or BGRA, or grey) `frame`, which is left as it is.

        Without a `time` the frame is a picture by itself: searched thoroughly, its people numbered
        from 1, the largest face first. With a `time`, in seconds, it follows the frames before it:
        people keep their numbers, and what they show is averaged; a time that lies a second or
        more before the last one starts another clip. Raises EmotionError for anything that is no
        such frame.
        """
        return self._picture(frame) if time is None else self._video(frame, time)

    def _picture(self, frame: Image) -> list[Face]:
        tracker = Tracker(self.labels, smoothing=0, confidence=self._confidence)
        boxes = self._finder.find(frame).astype(float).tolist()
        people = tracker.place([Sighting(box=tuple(box)) for box in boxes])
        return self._read(tracker, people, faces.grey(frame))

    def _video(self, frame: Image, time: float) -> list[Face]:
        grey = faces.grey(frame)
        if time <= self._time - _BACK:
            self.reset()
        self._time = time
        cut = self._shots.cut(grey)
        expected = self._tracker.expect(time)
        sightings = self._follower.follow(frame, grey, expected, time, cut=cut)
        people = self._tracker.place(sightings, cut=cut)
        return self._read(self._tracker, people, grey)

    def _read(self, tracker: Tracker, people: list[Person], grey: Image) -> list[Face]:
        seen = [one for one in people if one.seen]
        boxes, angles = [one.box for one in seen], [one.angle for one in seen]
        crops = faces.crop(grey, boxes, size=self._classifier.size, angles=angles)
        return tracker.read(people, self._classifier(crops))
