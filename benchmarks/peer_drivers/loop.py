"""What every Python driver does: load the peer, then answer requests, a line of JSON each.

Runs inside the peer's own environment, which has numpy but nothing of this project.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np


class Recogniser(Protocol):
    """A peer behind one face."""

    labels: Sequence[str]  # the answers, in the order of a crop's scores

    def frame(self, image: np.ndarray, seconds: float) -> int:
        """Find and classify every face of a frame, BGR, uint8: how many there were."""

    def crop(self, image: np.ndarray) -> list[float]:
        """The scores of a face's crop, grey, uint8, square."""


def serve(load: Callable[[], Recogniser]) -> None:
    """Answer the requests on standard input until it ends.

    Libraries print where they like: what they write to standard output goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    recogniser = load()
    does: dict[str, Callable[..., dict[str, Any]]] = {"frames": frames, "crops": crops}
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(does[asked.pop("do")](recogniser, **asked)), file=answers, flush=True)


def frames(
    recogniser: Recogniser, file: str, shape: list[int], count: int, rate: float
) -> dict[str, Any]:
    """Seconds that each of the first `count` frames took, reading left out, and its faces.

    `processor` are the seconds of processor time for all of them.
    """
    seconds, faces, processor = [], [], 0.0
    for number, image in enumerate(arrays(file, shape, count)):
        began, worked = time.perf_counter(), time.process_time()
        found = recogniser.frame(image, number / rate)
        seconds.append(time.perf_counter() - began)
        processor += time.process_time() - worked
        faces.append(found)
    return {"seconds": seconds, "faces": faces, "processor": processor}


def crops(recogniser: Recogniser, file: str, shape: list[int], count: int) -> dict[str, Any]:
    """Every crop's scores, and the seconds that all of them took."""
    began = time.perf_counter()
    rows = [recogniser.crop(image) for image in arrays(file, shape, count)]
    seconds = time.perf_counter() - began
    return {"labels": list(recogniser.labels), "rows": rows, "seconds": seconds}


def arrays(file: str, shape: list[int], count: int) -> Iterator[np.ndarray]:
    """The first `count` arrays of a file of uint8, one at a time: memory is the peer's own."""
    size = int(np.prod(shape))
    with open(file, "rb") as source:  # noqa: PTH123
        for _ in range(count):
            yield np.frombuffer(source.read(size), np.uint8).reshape(shape).copy()
