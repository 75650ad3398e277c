"""A clip's frame as it was stored -> as it is meant to be seen: whole, upright, not squeezed."""

from collections.abc import Iterator
from typing import Any

import av
import av.filter
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from emotion.pictures import opaque

_NEARLY_SQUARE = 0.01  # pixels this little out of square stay: 4319:4320 and the like are rounding
_UTMOST = 4.0  # a pixel longer than that is a damaged header


class Deinterlacer:
    """Makes whole frames of those that consist of two fields, taken at two moments.

    The first such frame starts it, for television changes between both kinds; from then on all go
    through FFmpeg's bwdif, which leaves the others alone and answers a frame later.
    """

    def __init__(self) -> None:
        self._graph: Any = None
        self._geometry: tuple[Any, ...] = ()

    def __call__(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """The frames that are ready once `frame` has come."""
        geometry = (frame.width, frame.height, frame.format.name)
        if self._graph and geometry != self._geometry:
            yield from self.rest()
        if not self._graph and not frame.interlaced_frame:
            yield frame
            return
        if not self._graph:
            self._geometry, self._graph = geometry, _bwdif(frame)
        self._graph.vpush(frame)
        yield from self._ready()

    def rest(self) -> Iterator[av.VideoFrame]:
        """The frames that are still held back."""
        if self._graph:
            self._graph.vpush(None)
            yield from self._ready()
            self._graph = None

    def _ready(self) -> Iterator[av.VideoFrame]:
        while True:
            try:
                yield self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return


def _bwdif(frame: av.VideoFrame) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
    graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
    return graph


class Painter:
    """Turns decoded frames into BGR uint8 (H, W, 3): upright, pixels square, on mid-grey."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._transparent: dict[str, bool] = {}  # by format, for asking costs as much as a copy
        self._matrix: tuple[int, int, int, int] | None = None

    def __call__(self, frame: av.VideoFrame, aspect: float) -> NDArray[np.uint8]:
        """The frame, with pixels `aspect` times as wide as high, turned as its own tag asks."""
        if frame.key_frame:
            self._matrix = _matrix(frame)
        transparent = self._is_transparent(frame.format)
        width, height = _square(frame.width, frame.height, aspect)
        # One thread: a second one costs more than it saves up to 1080p.
        shown = self._reformatter.reformat(
            frame, width=width, height=height, format="bgra" if transparent else "bgr24", threads=1
        )
        image = _pixels(shown, 4 if transparent else 3)
        return _turned(opaque(image) if transparent else image, self._matrix)

    def _is_transparent(self, form: av.VideoFormat) -> bool:
        if form.name not in self._transparent:
            self._transparent[form.name] = any(part.is_alpha for part in form.components)
        return self._transparent[form.name]


def _square(width: int, height: int, aspect: float) -> tuple[int, int]:
    """Width and height once pixels are square: one grows, so that nothing is lost."""
    if not 1 / _UTMOST < aspect < _UTMOST or abs(aspect - 1) < _NEARLY_SQUARE:
        return width, height
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))


def _pixels(frame: av.VideoFrame, channels: int) -> NDArray[np.uint8]:
    """A frame's pixels, (H, W, channels), without a copy where its rows follow each other."""
    plane: Any = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height]
    pixels = np.ascontiguousarray(rows[:, : channels * frame.width])
    return pixels.reshape(frame.height, frame.width, channels)


def _matrix(frame: av.VideoFrame) -> tuple[int, int, int, int] | None:
    """The upper left of a frame's display matrix, as signs; None where it has none."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    a, b, _, c, d = (int(np.sign(value)) for value in np.frombuffer(data, np.int32)[:5])
    return a, b, c, d


_TURNS = {
    (0, 1, -1, 0): cv2.ROTATE_90_CLOCKWISE,
    (-1, 0, 0, -1): cv2.ROTATE_180,
    (0, -1, 1, 0): cv2.ROTATE_90_COUNTERCLOCKWISE,
}
_FLIPS = {(-1, 0, 0, 1): 1, (1, 0, 0, -1): 0}  # left and right, upside down


def _turned(
    image: NDArray[np.uint8], matrix: tuple[int, int, int, int] | None
) -> NDArray[np.uint8]:
    if matrix in _TURNS:
        return np.asarray(cv2.rotate(image, _TURNS[matrix]), np.uint8)
    if matrix in _FLIPS:
        return np.asarray(cv2.flip(image, _FLIPS[matrix]), np.uint8)
    return image
