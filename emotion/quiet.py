"""Keeps the chatter of libraries from the terminal; what they raise still comes through."""

import contextlib
import os
import sys
from collections.abc import Iterator
from functools import cache


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Send what is written to the process's standard error, by C++ too, nowhere meanwhile."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error at all
        yield
        return
    try:
        os.dup2(_nowhere(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)


@cache
def _nowhere() -> int:
    """Opened once: tens of thousands of pictures are decoded in silence."""
    return os.open(os.devnull, os.O_WRONLY)


@contextlib.contextmanager
def silent_keras() -> Iterator[None]:
    """`silence` for the first import of Keras or TensorFlow, and less from TensorFlow after it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silence():
        yield


def silence_opencv() -> None:
    """Keep OpenCV and FFmpeg silent from now on, in every thread.

    Their own variables bring their messages back. Every failure that they tell of is checked where
    it happens and told in one line of our own.
    """
    import cv2  # here, because what needs no pictures is silenced too

    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "5")  # seconds; its own is 10
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
