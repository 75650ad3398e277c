"""What somebody who watches the page costs a run, at 640x480 and beside annotating.

python -m benchmarks.view
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.output.annotate import annotate
from emotion.output.keeper import Keeper
from emotion.output.rows import rows
from emotion.recogniser import EmotionRecogniser
from emotion.sources.clip import Clip
from emotion.sources.frame import Frame, Pace
from emotion.view.address import Address
from emotion.view.server import View

SIZE, LIVE = (640, 480), 30.0  # pixels; frames a second
# A page: the picture and the state. In a process of its own and on any core, as a browser is.
PAGE = """
import os, sys, threading, urllib.request
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, range(os.cpu_count()))
streams = [urllib.request.urlopen(sys.argv[1] + name) for name in ("live.mjpg", "state")]
for stream in streams:
    stream.read(1)
print("watching", flush=True)
threading.Thread(target=lambda: [*iter(lambda: streams[1].read1(65536), b"")]).start()
while streams[0].read1(65536):
    pass
"""


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    device_id: Path = setting(Path("samples/people.mp4"), "the clip, brought to 640x480")
    blocks: int = setting(15, "without and with a viewer, in turn", check=config.at_least(1))
    frames: int = setting(60, "frames in a block", check=config.at_least(1))


def main(settings: Settings) -> None:
    """Print a row for frames that come as a camera's and one for frames as fast as they go."""
    with Clip(settings.device_id) as clip:
        images = [np.asarray(cv2.resize(frame.image, SIZE), np.uint8) for frame in clip]
    run = _Run(images)
    run.block(settings.frames, 0.0)  # warm
    print("milliseconds a frame    done after    its own processor    other threads' processor")
    print("                      alone  watched    alone  watched         alone  watched")
    with View(Address("127.0.0.1", 0), Keeper()) as view:
        for name, step in (("30 frames a second", 1 / LIVE), ("as fast as it goes", 0.0)):
            pairs = []
            for _ in range(settings.blocks):
                alone = run.block(settings.frames, step, view)
                with _watching(view):
                    watched = run.block(settings.frames, step, view)
                pairs.append([value for pair in zip(alone, watched, strict=True) for value in pair])
            middle = [median(values) for values in zip(*pairs, strict=True)]
            print("{:<20} {:6.2f} {:8.2f} {:8.2f} {:8.2f} {:13.2f} {:8.2f}".format(name, *middle))


@contextmanager
def _watching(view: View) -> Iterator[None]:
    """While somebody has the page open."""
    page = subprocess.Popen([sys.executable, "-c", PAGE, view.url], stdout=subprocess.PIPE)
    with page:
        assert page.stdout
        page.stdout.readline()
        yield
        page.kill()


class _Run:
    """Recognition over `images`, again and again, as recognition.py does it with OUTPUT."""

    def __init__(self, images: Sequence[NDArray[np.uint8]]) -> None:
        self._images = cycle(images)
        self._recogniser = EmotionRecogniser()
        self._index = 0

    def block(self, frames: int, step: float, view: View | None = None) -> tuple[float, ...]:
        """Milliseconds a frame: by the clock, by the processor, and of the other threads.

        The first two are medians. The processor's are steady on a machine that others use, too.
        """
        clock, processor = [], []
        began, own, all_ = time.perf_counter(), time.thread_time(), time.process_time()
        for number, image in enumerate(islice(self._images, frames)):
            time.sleep(max(0.0, began + number * step - time.perf_counter()))
            start, worked = time.perf_counter(), time.thread_time()
            self._frame(image, view)
            clock.append(time.perf_counter() - start)
            processor.append(time.thread_time() - worked)
        others = (time.process_time() - all_ - (time.thread_time() - own)) / frames
        return 1000 * median(clock), 1000 * median(processor), 1000 * others

    def _frame(self, image: NDArray[np.uint8], view: View | None) -> None:
        self._index += 1
        frame, known = Frame(image, self._index, "clip", self._index / LIVE), self._recogniser
        faces = known(image, frame.time)
        picture = annotate(image, faces, known.labels, corner=f"reading: {known.reading}")
        if view:
            view.latest.update(
                partial(np.asarray, picture),
                partial(rows, frame, faces, known.labels, reading=known.reading),
                labels=known.labels,
                pace=Pace(LIVE),
            )


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
