"""What is kept of a run on request: snapshots and recordings, beside each other in a folder."""

import threading
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.errors import EmotionError
from emotion.output.recording import Recording, save_picture
from emotion.sources.frame import Notify

_RATE = 30.0  # frames a second of recordings, about: each picture is written at its time


class Keeper:
    """Saves snapshots and records into `folder`; a context manager that finishes a recording.

    `notify` is told of each file. Requests may come from any thread, a window's or a page's; one
    thread writes the pictures.
    """

    def __init__(self, folder: Path = Path(), *, notify: Notify = lambda _: None) -> None:
        self.folder, self._notify = folder, notify
        self._recording: Recording | None = None
        self._asked = threading.Lock()  # one request at a time: names, beginning and end
        self._writing = threading.Lock()

    @property
    def is_recording(self) -> bool:
        """Whether what is shown is being recorded."""
        return self._recording is not None

    def snapshot(self, picture: NDArray[np.uint8]) -> Path:
        """Save a picture, BGR uint8 (H, W, 3); where it is. Raises EmotionError when that fails."""
        with self._asked:
            path = self._new_file("png")
            save_picture(path, picture)
        self._notify(f"wrote {path}")
        return path

    def record(self) -> Path:
        """Begin a recording, or finish the one that goes on; where it is.

        Raises EmotionError when it cannot be finished.
        """
        with self._asked:
            if recording := self._taken():
                recording.close()
                return recording.path
            path = self._new_file("mp4")
            self._recording = Recording(path, rate=_RATE, live=True, notify=self._notify)
        self._notify(f"recording {path}: r stops it")
        return path

    def write(self, picture: NDArray[np.uint8], time: float) -> None:
        """Add a picture to the recording, if there is one; `time` is in seconds.

        A recording that cannot be written is given up, and that is said: the run goes on.
        """
        with self._writing:
            if not self._recording:
                return
            try:
                self._recording.write(picture, time)
            except EmotionError as error:
                self._recording = None
                self._notify(f"error: {error}")

    def close(self) -> None:
        """Finish a recording. Raises EmotionError when that fails."""
        with self._asked:
            if recording := self._taken():
                recording.close()

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _taken(self) -> Recording | None:
        """The recording, to be closed: nothing more is written to it."""
        with self._writing:
            recording, self._recording = self._recording, None
            return recording

    def _new_file(self, suffix: str) -> Path:
        """A name that is not taken, with the time in it."""
        stem = f"emotion-{datetime.now():%Y%m%d-%H%M%S}"
        names = (f"{stem}{number}.{suffix}" for number in ("", *(f"-{n}" for n in range(2, 1000))))
        return next(self.folder / name for name in names if not (self.folder / name).exists())
