"""Files that are either whole or absent, whatever happens while they are written."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path to write to, which takes the name `path` when the block ends well.

    It lies beside `path` and has its suffix. When the block raises, what stood at `path` before is
    still there and the temporary file is gone. OSError from writing or renaming passes through.
    """
    part = part_of(path)
    try:
        yield part
        publish(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def part_of(path: Path) -> Path:
    """The temporary name of a file that will be called `path`."""
    return path.with_name(f"{path.stem}.part{path.suffix}")


def publish(part: Path, path: Path) -> None:
    """Give the finished file `part` its name `path`, safe from a power cut once this returns."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)
    with contextlib.suppress(OSError):  # Windows opens no folders, some file systems sync none
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
