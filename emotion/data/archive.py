"""A folder or a zip as named files; a zip is read without unpacking it to disk."""

import errno
import lzma
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO

from emotion.errors import EmotionError, UnreadableError
from emotion.picture_size import LIMIT, most_pixels
from emotion.printable import printable

DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError)
"""What Python raises while it reads a damaged file inside a zip."""

_ENCRYPTED, _UTF8_NAME = 0x1, 0x800  # bits of a zip entry's flags
_BYTES = 3  # a pixel; a picture file that is longer than what it decodes to is none
_NO_UTF8 = re.compile("[\udc80-\udcff]")  # bytes, as Python keeps them in a name
_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Archive(ABC):
    """Files by name, and folders; hidden ones and macOS's `__MACOSX` are left out.

    `files` and `folders` are sorted names, relative, with forward slashes and composed accents,
    so that the same data has the same names on every system; what is no text in a name is escaped.
    `troubles` are pipes, devices and links in a circle, each with the reason after a colon.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
    troubles: tuple[str, ...] = ()
    packed = False

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The file's bytes. Raises UnreadableError, also for more than a picture can have."""

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """The file as a stream. Raises UnreadableError."""

    def close(self) -> None:  # noqa: B027 - most hold nothing open
        """Release what the archive holds open."""


def open_archive(path: Path) -> Archive:
    """The data set at `path`: a folder, a zip, or one other file standing alone.

    Raises EmotionError when it is missing, when a zip is damaged and when one wants a password.
    """
    if path.is_dir():
        try:
            return _Folder(path)
        except OSError as error:
            raise EmotionError(
                f"DATASET='{path}': the folder '{error.filename}' cannot be listed "
                f"({error.strerror}): make it readable"
            ) from error
    if not path.exists():
        raise EmotionError(
            f"DATASET='{path}' does not exist: give the folder, .zip or .csv that holds FER-2013 "
            "or pictures in class folders"
        )
    if wrong := _special(path.stat().st_mode):
        raise EmotionError(f"DATASET='{path}' is {wrong}: give a folder, a .zip or a .csv")
    if zipfile.is_zipfile(path):
        return _Zip(path)
    if path.suffix.lower() == ".zip":
        raise _damaged(path, "no zip is inside")
    return _File(path)


def plain_name(name: str) -> str:
    """`name` with composed accents, and an escape for all that is no text.

    Those are bytes that are not UTF-8, line ends, a terminal's codes, and marks that nobody sees.
    """
    name = unicodedata.normalize("NFC", name)  # macOS stores an accented letter as two characters
    return printable(_NO_UTF8.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", name))


class _Folder(Archive):
    def __init__(self, path: Path) -> None:
        self._paths: dict[str, str] = {}
        folders: list[str] = []
        troubles: list[str] = []
        for name, found, kind in _walk(str(path), "", ()):
            if kind == "folder":
                folders.append(plain_name(name))
            elif kind == "file":
                self._paths[plain_name(name)] = found
            else:
                troubles.append(f"{plain_name(name)}: {kind}, no file")
        self.files, self.folders = tuple(sorted(self._paths)), tuple(sorted(folders))
        self.troubles = tuple(sorted(troubles))

    def read(self, name: str) -> bytes:
        with self.open(name) as file:
            try:
                _check_length(os.fstat(file.fileno()).st_size)
                return file.read()
            except OSError as error:
                raise UnreadableError(error.strerror or str(error)) from error

    def open(self, name: str) -> IO[bytes]:
        try:
            return open(self._paths[name], "rb")  # noqa: PTH123 - a Path costs as much as reading
        except OSError as error:
            raise UnreadableError(error.strerror or str(error)) from error


class _File(_Folder):
    def __init__(self, path: Path) -> None:
        self._paths = {path.name: str(path)}
        self.files, self.folders = (path.name,), ()


class _Zip(Archive):
    packed = True

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise _damaged(path, error) from error
        self._entries: dict[str, zipfile.ZipInfo] = {}
        folders: set[str] = set()
        for entry in self._zip.infolist():
            name = PurePosixPath(plain_name(_zip_name(entry)))
            if any(map(_hidden, name.parts)):
                continue
            folders.update(str(folder) for folder in name.parents if folder.name)
            if entry.is_dir():
                folders.add(str(name))
            else:
                self._entries[str(name)] = entry
        if any(entry.flag_bits & _ENCRYPTED for entry in self._entries.values()):
            self._zip.close()
            raise EmotionError(
                f"DATASET='{path}' is protected by a password: unpack it and give the folder"
            )
        self.files, self.folders = tuple(sorted(self._entries)), tuple(sorted(folders))

    def read(self, name: str) -> bytes:
        entry = self._entries[name]
        _check_length(entry.file_size)
        try:
            with self._zip.open(entry) as file:
                return file.read(entry.file_size)  # never more, whatever it unpacks to
        except DAMAGE as error:
            raise UnreadableError(f"damaged inside the zip ({error})") from error

    def open(self, name: str) -> IO[bytes]:
        try:
            return self._zip.open(self._entries[name])
        except DAMAGE as error:
            raise UnreadableError(f"damaged inside the zip ({error})") from error

    def close(self) -> None:
        self._zip.close()


def _walk(folder: str, name: str, above: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Name, path and kind ("folder", "file" or what else) of everything below; links are followed.

    `above` ends a link that leads back up.
    """
    real = os.path.realpath(folder)
    if real in above:
        return
    with os.scandir(folder) as children:
        for child in children:
            if _hidden(child.name):
                continue
            kind = _kind(child)
            yield name + child.name, child.path, kind
            if kind == "folder":
                yield from _walk(child.path, f"{name}{child.name}/", (*above, real))


def _kind(child: os.DirEntry[str]) -> str:
    """A link that leads nowhere counts as a file: reading it says why it cannot be."""
    try:
        if child.is_dir():
            return "folder"
        if child.is_file():
            return "file"
        return _special(child.stat().st_mode) or "file"
    except OSError as error:
        return "a link in a circle" if error.errno == errno.ELOOP else "file"


def _special(mode: int) -> str:
    """What a path is that is neither folder nor file, and could be waited for for ever."""
    return next((words for is_one, words in _KINDS if is_one(mode)), "")


def _check_length(length: int) -> None:
    if length > (most := _BYTES * most_pixels()):
        raise UnreadableError(
            f"{length:,} bytes are more than {most:,}; {LIMIT}=N allows {_BYTES} x N"
        )


def _hidden(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """The entry's name; archivers that write UTF-8 do not always say so."""
    name = entry.filename
    if not entry.flag_bits & _UTF8_NAME:
        with suppress(UnicodeError):  # or the name really is in the old code page
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/").lstrip("/")


def _damaged(path: Path, why: object) -> EmotionError:
    return EmotionError(f"DATASET='{path}' is a damaged zip ({why}): download it again")
