"""One writer at a time: a lock that ends with the process that holds it, however that ends."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from emotion import files
from emotion.errors import EmotionError

_TAKEN = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)


@contextlib.contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold the lock that the file `path` stands for; it is removed afterwards.

    `what` says in an error what is locked, such as "OUTPUT='a.mp4'". Raises EmotionError when
    another process holds it, and OSError when the file cannot be made. Where the file system has
    no locks, as some network drives, nothing is locked.
    """
    file = _taken(path, what)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no open file
            path.unlink(missing_ok=True)
        file.close()
        with contextlib.suppress(OSError):
            _remove_unlocked(path)


@contextlib.contextmanager
def of(path: Path, setting: str, *, within: bool = False) -> Iterator[None]:
    """Hold the lock of the file `path`, which `setting` names, in a file beside it.

    With `within`, `path` is a folder, which is made, and its lock lies in it. Raises EmotionError
    when another process holds it or nothing can be written there.
    """
    named = f"{setting}='{path}'"
    with contextlib.ExitStack() as stack:
        try:
            if within:
                path.mkdir(parents=True, exist_ok=True)
            place = path / ".lock" if within else path.with_name(f".{path.name}.lock")
            stack.enter_context(held(place, named))
        except OSError as error:
            raise EmotionError(files.unwritten(named, error)) from error
        yield


def _taken(path: Path, what: str) -> IO[str]:
    while True:
        file = path.open("a+", encoding="ascii", errors="replace")
        try:
            _lock(file)
        except OSError as error:
            if error.errno not in _TAKEN:
                return file
            file.seek(0)
            holder = file.read(20).strip()
            file.close()
            named = f" (process {holder})" if holder.isdigit() else ""
            raise EmotionError(
                f"{what}: another run{named} is writing here; wait for it or name another place"
            ) from error
        if _still_named(file, path):
            break
        file.close()  # the one before removed it between the opening and the locking
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _still_named(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 20  # what is locked there cannot be read: not the process' number at the beginning

    def _lock(file: IO[str]) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)

    def _remove_unlocked(path: Path) -> None:
        path.unlink(missing_ok=True)

else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _remove_unlocked(path: Path) -> None:
        """Nothing: it is gone already, and a new one is another run's."""
