"""A frame in, a list of faces out: where they are, whose they are, and what they show."""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, overload

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion import arguments, faces
from emotion.classifier import Classifier
from emotion.errors import EmotionError, UnreadableError
from emotion.faces import MIN_FACE, FaceDetector, Image
from emotion.tracking.detector import VideoDetector
from emotion.tracking.shots import Shots
from emotion.tracking.smoothing import CONFIDENCE, SMOOTHING
from emotion.tracking.tracker import Detection, Face, Track, Tracker
from emotion.tracking.yunet import YuNet

DEFAULT_MODEL = Path(__file__).with_name("models") / "fer2013.tflite"
"""The model that ships with the project."""

Detect: TypeAlias = Callable[[list[Track]], Sequence[Detection]]

_BACK = 1.0  # seconds; less than that is a clip whose times are not quite in order
_LARGEST_BOX = 4.0  # longer sides of the frame; a box beyond that is a mistake, and costs memory


class EmotionRecogniser:
    """Detects the faces in pictures or video frames and says what each one shows.

    `model` is a `.tflite`, by default the one that ships. `min_face` is the smallest face, as a
    part of the frame's shorter side. For video, probabilities are averaged over `smoothing`
    seconds, and a label below `confidence` is "uncertain". `reading` is the question that the model
    is asked: "people", how many of ten people would say each emotion, by default where the model
    knows it; or "fer2013", the data set's label. `face_model` is a YuNet `.onnx` that takes the
    cascades' place. `region`, (x, y, width, height) in pixels, is the part of each frame that is
    looked at; boxes are the whole frame's all the same. Of more faces than `max_faces`, the
    largest count. With `cropped`, every frame is a face already, and none is searched for.
    `threads` is how many the network and, for the whole process, OpenCV may use: one is best for
    small frames.

    One recogniser may be called from several threads, which then wait for each other; a recogniser
    for each thread works in parallel.

    Raises EmotionError when a value, a model or a cascade cannot be used.
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
        region: Sequence[int] | None = None,
        max_faces: int | None = None,
        cropped: bool = False,
        threads: int = 1,
    ) -> None:
        path = DEFAULT_MODEL if model is None else arguments.path("model", model)
        self._smoothing = arguments.number(
            "smoothing", smoothing, "seconds, 0 to 3600", lambda n: 0 <= n <= 3600
        )
        self._confidence = arguments.number(
            "confidence", confidence, "a probability, 0 to 1", lambda n: 0 <= n <= 1
        )
        self._max_faces = None if max_faces is None else arguments.count("max_faces", max_faces)
        self._region = None if region is None else _region(region)
        self._cropped = cropped
        threads = arguments.count("threads", threads)
        if not isinstance(reading, str | None):
            raise EmotionError(f"reading={arguments.shown(reading)} must be a name like 'people'")
        self._classifier = Classifier(path, reading=reading, threads=threads)
        cv2.setNumThreads(threads)
        self._detector: FaceDetector | YuNet
        self._video_detector: VideoDetector | YuNet
        if face_model is None:
            self._detector = FaceDetector(min_face=min_face)
            self._video_detector = VideoDetector(self._detector)
        else:
            face_model = arguments.path("face_model", face_model)
            self._detector = self._video_detector = YuNet(face_model, min_face=min_face)
        self._lock = threading.RLock()  # cascades and interpreter have state of their own
        self.reset()

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions, in the order of every face's probabilities."""
        return tuple(self._classifier.labels)

    @property
    def reading(self) -> str:
        """The question that the model is asked: "people", "fer2013", or "labels" of other data."""
        return self._classifier.reading.name

    @property
    def labels_assumed(self) -> bool:
        """Whether the model has no labels inside, and FER-2013's were taken."""
        return self._classifier.labels_assumed

    def reset(self) -> None:
        """Forget everybody: the next frame belongs to another clip."""
        with self._lock:
            self._time = -math.inf
            self._shots = Shots()
            self._tracker = self._new_tracker(self._smoothing)

    @overload
    def __call__(
        self,
        frame: Image,
        time: float | None = None,
        *,
        boxes: Any | None = None,
        live: bool = False,
    ) -> list[Face]: ...

    @overload
    def __call__(self, frame: Sequence[Image]) -> list[list[Face]]: ...

    def __call__(
        self,
        frame: Any,
        time: float | None = None,
        *,
        boxes: Any | None = None,
        live: bool = False,
    ) -> list[Face] | list[list[Face]]:
        """The faces in an 8-bit BGR (or BGRA, or grey) `frame`, which is left as it is.

        Without a `time` the frame is a picture by itself: searched thoroughly, its people numbered
        from 1, the largest face first. With a `time`, in seconds, it follows the frames before it:
        people keep their numbers, and what they show is averaged; a time that lies a second or
        more before the last one starts another clip. `live` says that times are the clock's, so
        that a slow machine's gaps are not taken for a time-lapse's.

        `boxes`, (F, 4) of x, y, width and height in pixels, are faces that were found by other
        means, from the brows to the chin; none is searched for then. An oblong one becomes the
        square around its middle. In a picture the answers come in their order.

        A list of pictures gives a list of faces for each. Raises EmotionError for anything that is
        no such frame, time or box.
        """
        if isinstance(frame, list | tuple):
            if time is not None or boxes is not None:
                raise EmotionError("a list of frames has no time and no boxes: give one frame each")
            return [self(one) for one in frame]
        with self._lock:
            if time is not None:
                time = arguments.number("time", time, "a number of seconds", lambda _: True)
            view, corner = self._view(frame)
            given = None if boxes is None else _detections(boxes, frame, corner)
            found = (
                self._picture(view, given)
                if time is None
                else self._video(view, time, given, live=live)
            )
            return [_moved(face, corner) for face in found] if any(corner) else found

    def read(self, crops: Sequence[Image] | NDArray[np.uint8]) -> list[Face]:
        """What each of `crops` shows, in their order: pictures that are faces already.

        Each is 8-bit grey or BGR, of any size, from the brows to the chin like FER-2013's; of an
        oblong one the square in its middle counts. Raises EmotionError for anything else.
        """
        if isinstance(crops, np.ndarray) and (
            crops.ndim < 3 or crops.shape[2:] in ((1,), (3,), (4,))
        ):
            crops = [crops]  # one face
        try:
            pictures = list(crops)
        except TypeError:
            raise EmotionError(f"a {type(crops).__name__} is no list of face crops") from None
        with self._lock:
            read = [self._as_a_face(one)[0] for one in pictures]
        return [replace(face, identity=number) for number, face in enumerate(read, start=1)]

    def _picture(self, frame: Image, given: list[Detection] | None) -> list[Face]:
        if self._cropped and given is None:
            return self._as_a_face(frame)
        found = given
        if found is None:
            found = [Detection(one.box, one.roll) for one in self._detector.find(frame)]
        return self._answered(self._new_tracker(0), 0.0, frame, lambda _: found)

    def _as_a_face(self, frame: Image) -> list[Face]:
        """A picture that is a face already, as its one face."""
        detect = _whole(frame)
        return self._answered(self._new_tracker(0), 0.0, frame, detect, margin=0)

    def _video(
        self, frame: Image, time: float, given: list[Detection] | None, *, live: bool
    ) -> list[Face]:
        if time <= self._time - _BACK:
            self.reset()
        self._time = time
        grey = faces.grey(frame)
        cut = self._shots.cut(grey)
        if given is not None:
            return self._answered(self._tracker, time, grey, lambda _: given, cut=cut)
        if self._cropped:
            return self._answered(self._tracker, time, grey, _whole(grey), margin=0)
        search = self._video_detector.detect_next
        return self._answered(
            self._tracker,
            time,
            grey,
            lambda tracks: search(frame, grey, tracks, time, cut=cut, live=live),
            cut=cut,
        )

    def _answered(
        self,
        tracker: Tracker,
        time: float,
        frame: Image,
        detect: Detect,
        *,
        cut: bool = False,
        margin: float = faces.MARGIN,
    ) -> list[Face]:
        """What the tracker makes of the detections, each face in them classified."""
        grey = faces.grey(frame)

        def classify(tracks: list[Track]) -> NDArray[np.float32]:
            boxes, rolls = [one.box for one in tracks], [one.roll for one in tracks]
            size = self._classifier.size
            return self._classifier(faces.crop(grey, boxes, size=size, margin=margin, rolls=rolls))

        return tracker.update(time, detect=detect, classify=classify, cut=cut)

    def _new_tracker(self, smoothing: float) -> Tracker:
        return Tracker(
            self.labels,
            smoothing=smoothing,
            confidence=self._confidence,
            max_faces=self._max_faces,
        )

    def _view(self, frame: Image) -> tuple[Image, tuple[int, int]]:
        """The part of a frame that is looked at, and its upper left corner in the frame."""
        if self._region is None:
            return frame, (0, 0)
        x, y, width, height = self._region
        rows, columns = faces.checked(frame).shape[:2]
        if x >= columns or y >= rows:
            raise UnreadableError(
                f"REGION={x},{y},{width},{height} lies outside a frame of {columns}x{rows}"
            )
        return frame[y : y + height, x : x + width], (x, y)


def _whole(frame: Image) -> Detect:
    """The square in the middle of a frame, as its face."""
    rows, columns = faces.checked(frame).shape[:2]
    side = min(rows, columns)
    box = ((columns - side) // 2, (rows - side) // 2, side, side)
    return lambda _: [Detection(box)]


def _moved(face: Face, corner: tuple[int, int]) -> Face:
    """A face found in a part of the frame, as one of the whole frame."""
    x, y, width, height = face.box
    return replace(face, box=(x + corner[0], y + corner[1], width, height))


def _detections(boxes: Any, frame: Image, corner: tuple[int, int]) -> list[Detection]:
    """Boxes of a whole frame as detections in its part that begins at `corner`."""
    rows, columns = faces.checked(frame).shape[:2]
    try:
        exact = np.asarray(boxes, np.float64)
    except (TypeError, ValueError, OverflowError):
        exact = np.zeros((0, 0))
    exact = exact.reshape(-1, 4) if exact.shape == (0,) else exact
    if exact.ndim != 2 or exact.shape[1] != 4:
        raise EmotionError("boxes must be numbers, (F, 4): x, y, width and height of each face")
    largest = _LARGEST_BOX * max(rows, columns)
    found = []
    for x, y, width, height in exact.tolist():
        side = max(width, height)
        left, top = x + (width - side) / 2, y + (height - side) / 2
        inside = left < columns and top < rows and left + side > 0 and top + side > 0
        if not (min(width, height) > 0 and side <= largest and inside):  # false for NaN too
            raise EmotionError(
                f"boxes: {x:g}, {y:g}, {width:g}, {height:g} is no face in a frame of "
                f"{columns}x{rows}: needed are x, y, width and height in pixels"
            )
        found.append(Detection((left - corner[0], top - corner[1], side, side)))
    return found


def _region(value: Any) -> tuple[int, int, int, int]:
    try:
        x, y, width, height = value
    except (TypeError, ValueError):
        x = y = width = height = -1
    if wrong := arguments.wrong_region((x, y, width, height)):
        raise EmotionError(f"region={arguments.shown(value)} {wrong}")
    return int(x), int(y), int(width), int(height)
