"""Rows that travel from the process that recognised to the one that writes them."""

import zlib
from collections.abc import Iterable, Iterator, Sequence

from emotion.output.rows import lines
from emotion.sources.frame import Frame
from emotion.tracking.tracker import Face

_BLOCK = 1 << 20  # bytes of text; what is unpacked at once, while a film's rows are 100 MB


class PackedRows:
    """Rows in memory, compressed to about a tenth; the form that `Rows` has for those who write.

    `reading` is the question that the model was asked. With `table` they are lines of a CSV
    without its header, otherwise of JSON.
    """

    def __init__(self, labels: Sequence[str], *, reading: str, table: bool) -> None:
        self._labels, self._reading, self._table = labels, reading, table
        self._blocks: list[bytes] = []
        self._text: list[str] = []
        self._length = 0

    def write(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Add a row for each face, or one without a face where there are none."""
        text = lines(frame, faces, self._labels, reading=self._reading, table=self._table)
        self._text.append(text)
        self._length += len(text)
        if self._length > _BLOCK:
            self._pack()

    def blocks(self) -> list[bytes]:
        """All that was written, for `unpacked`."""
        self._pack()
        return self._blocks

    def _pack(self) -> None:
        if self._text:
            data = "".join(self._text).encode("utf-8", "backslashreplace")
            self._blocks.append(zlib.compress(data, 1))
        self._text, self._length = [], 0


def unpacked(blocks: Iterable[bytes]) -> Iterator[str]:
    """The text of whole rows, piece by piece."""
    for block in blocks:
        yield zlib.decompress(block).decode()
