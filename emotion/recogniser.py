"""A frame in, a list of faces out: where they are, whose they are, and what they show."""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion import faces
from emotion.classifier import Classifier
from emotion.faces import MIN_FACE, FaceDetector, Image
from emotion.tracking.detector import VideoDetector
from emotion.tracking.shots import Shots
from emotion.tracking.smoothing import CONFIDENCE, SMOOTHING
from emotion.tracking.tracker import Detection, Face, Track, Tracker
from emotion.tracking.yunet import YuNet

DEFAULT_MODEL = Path(__file__).with_name("models") / "fer2013.tflite"
"""The model that ships with the project."""

_BACK = 1.0  # seconds; less than that is a clip whose times are not quite in order


class EmotionRecogniser:
    """Detects the faces in pictures or video frames and says what each one shows.

    `model` is a `.tflite`, by default the one that ships. `min_face` is the smallest face, as a
    part of the frame's shorter side. For video, probabilities are averaged over `smoothing`
    seconds, and a label below `confidence` is "uncertain". `reading` is the question that the model
    is asked: "people", how many of ten people would say each emotion, by default where the model
    knows it; or "fer2013", the data set's label. `face_model` is a YuNet `.onnx` that takes the
    cascades' place. `threads` is how many the network and, for the whole process,
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
        reading: str | None = None,
        face_model: Path | str | None = None,
        threads: int = 1,
    ) -> None:
        path = DEFAULT_MODEL if model is None else model
        self._classifier = Classifier(path, reading=reading, threads=threads)
        self._confidence, self._smoothing = confidence, smoothing
        cv2.setNumThreads(threads)
        self._detector: FaceDetector | YuNet
        self._video_detector: VideoDetector | YuNet
        if face_model is None:
            self._detector = FaceDetector(min_face=min_face)
            self._video_detector = VideoDetector(self._detector)
        else:
            self._detector = self._video_detector = YuNet(face_model, min_face=min_face)
        self.reset()

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions, in the order of every face's probabilities."""
        return tuple(self._classifier.labels)

    @property
    def reading(self) -> str:
        """The question that the model is asked: "people", "fer2013", or "labels" of other data."""
        return self._classifier.reading.name

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
        boxes = self._detector.detect(frame).astype(float).tolist()
        grey = faces.grey(frame)
        tracker = Tracker(self.labels, smoothing=0, confidence=self._confidence)
        return tracker.update(
            0.0,
            detect=lambda _: [Detection(tuple(box)) for box in boxes],
            classify=lambda tracks: self._probabilities(grey, tracks),
        )

    def _video(self, frame: Image, time: float) -> list[Face]:
        grey = faces.grey(frame)
        if time <= self._time - _BACK:
            self.reset()
        self._time = time
        cut = self._shots.cut(grey)
        detect = self._video_detector.detect_next
        return self._tracker.update(
            time,
            detect=lambda tracks: detect(frame, grey, tracks, time, cut=cut),
            classify=lambda tracks: self._probabilities(grey, tracks),
            cut=cut,
        )

    def _probabilities(self, grey: Image, tracks: Sequence[Track]) -> NDArray[np.float32]:
        """A row, (F, classes), for the face of each track, set upright."""
        boxes, rolls = [one.box for one in tracks], [one.roll for one in tracks]
        return self._classifier(faces.crop(grey, boxes, size=self._classifier.size, rolls=rolls))
