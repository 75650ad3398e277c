"""The faces found on each picture and clip of a folder, and how long that took.

python -m benchmarks.faces
"""

import statistics
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks import clips
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.errors import EmotionError
from emotion.faces import MIN_FACE, FaceDetector
from emotion.faces import grey as as_grey
from emotion.tracking.detector import VideoDetector
from emotion.tracking.shots import Shots
from emotion.tracking.tracker import Detection, Track, Tracker
from emotion.tracking.yunet import YuNet

PICTURES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    media: Path = setting(Path("../shared/media"), "folder with pictures and clips")
    min_face: float = setting(
        MIN_FACE, "smallest face, as a part of the shorter side", check=config.above(0)
    )
    face_model: Path | None = setting(None, "a YuNet .onnx in the cascades' place")
    output: Path | None = setting(None, "folder that receives the pictures with the boxes drawn")


def main(settings: Settings) -> None:
    """Search every file and print a line for each."""
    cv2.setNumThreads(1)
    detector: FaceDetector | YuNet = FaceDetector(min_face=settings.min_face)
    if settings.face_model:
        detector = YuNet(settings.face_model, min_face=settings.min_face)
    pictures = sorted(path for path in settings.media.glob("*") if path.suffix in PICTURES)
    if settings.output:
        settings.output.mkdir(parents=True, exist_ok=True)
    for path in pictures:
        _picture(path, detector, settings.output)
    for path in clips.clips(settings.media):
        _clip(path, detector)


def _picture(path: Path, detector: FaceDetector | YuNet, output: Path | None) -> None:
    image = clips.picture(path)
    start = time.perf_counter()
    boxes = detector.detect(image)
    spent = 1000 * (time.perf_counter() - start)
    rows, columns = image.shape[:2]
    first = " ".join(str(value) for value in boxes[0]) if len(boxes) else ""
    print(f"{path.name:30} {columns:4}x{rows:<4}  {len(boxes):2} faces  {spent:5.0f} ms  {first}")
    if output:
        _draw(image, boxes, output / f"{path.stem}.jpg")


def _draw(image: clips.Frame, boxes: np.ndarray, path: Path) -> None:
    thick = max(1, min(image.shape[:2]) // 300)
    for x, y, width, height in boxes.tolist():
        cv2.rectangle(image, (x, y), (x + width, y + height), (0, 255, 255), thick)
    if not cv2.imwrite(str(path), image):
        raise EmotionError(f"{path} cannot be written")


def _clip(path: Path, detector: FaceDetector | YuNet) -> None:
    """People in a clip: in how many frames each is shown, and found in that very frame."""
    video = VideoDetector(detector) if isinstance(detector, FaceDetector) else detector
    tracker, shots = Tracker(("face",)), Shots()
    shown: Counter[int] = Counter()
    found: Counter[int] = Counter()
    spent = []
    for frame, moment in clips.frames(path):
        start = time.perf_counter()
        grey = as_grey(frame)
        cut = shots.cut(grey)
        people = tracker.update(
            moment,
            detect=partial(_detections, video, frame, grey, moment, cut),
            classify=lambda tracks: np.ones((len(tracks), 1), np.float32),
            cut=cut,
        )
        spent.append(1000 * (time.perf_counter() - start))
        shown.update(one.identity for one in people)
        found.update(one.identity for one in people if one.seen)
    each = ", ".join(f"{n} shown {shown[n]} found {found[n]}" for n in sorted(shown))
    print(
        f"{path.name}: {len(spent)} frames; person {each}; "
        f"first {spent[0]:.0f} ms, then {statistics.mean(spent[1:]):.1f} ms a frame"
    )


def _detections(
    video: VideoDetector | YuNet,
    frame: clips.Frame,
    grey: clips.Frame,
    moment: float,
    cut: bool,
    tracks: list[Track],
) -> list[Detection]:
    return video.detect_next(frame, grey, tracks, moment, cut=cut)


if __name__ == "__main__":
    raise SystemExit(command.run(main, Settings, __doc__))
