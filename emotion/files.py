"""Files that are either whole or absent, whatever happens while they are written."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from emotion.errors import EmotionError

FULL = ("ENOSPC", "EDQUOT", "EFBIG")
"""Names of the errors of a full disk."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path to write to, which takes the name `path` when the block ends well.

    It lies beside `path` and has its suffix. When the block raises, what stood at `path` before is
    still there and the temporary file is gone. An OSError from writing or renaming, as of a full
    disk, becomes an EmotionError of one line.
    """
    part = part_of(path)
    try:
        yield part
        publish(part, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise EmotionError(unwritten(path, error)) from error
        raise


def unwritten(path: Path | str, error: Exception) -> str:
    """Why `path` was not written, and what to do, in one line."""
    why = str(getattr(error, "strerror", None) or error).lower()
    full = errno.errorcode.get(getattr(error, "errno", None) or 0) in FULL
    helps = "make room" if full else "see that it can be written"
    return f"{path} cannot be written ({why}): {helps}, then give the same command again"


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
