"""A folder or a zip as named files; a zip is read without unpacking it to disk."""

import lzma
import os
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

DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError)
"""What Python raises while it reads a damaged file inside a zip."""

_ENCRYPTED, _UTF8_NAME = 0x1, 0x800  # bits of a zip entry's flags


class Archive(ABC):
    """Files by name, and folders; hidden ones and macOS's `__MACOSX` are left out.

    `files` and `folders` are sorted names, relative, with forward slashes and composed accents,
    so that the same data has the same names on every system.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
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
        """The file's bytes. Raises UnreadableError."""

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
    if zipfile.is_zipfile(path):
        return _Zip(path)
    if path.suffix.lower() == ".zip":
        raise _damaged(path, "no zip is inside")
    return _File(path)


class _Folder(Archive):
    def __init__(self, path: Path) -> None:
        self._paths: dict[str, str] = {}
        folders: list[str] = []
        for name, found, is_folder in _walk(str(path), "", ()):
            if is_folder:
                folders.append(_composed(name))
            else:
                self._paths[_composed(name)] = found
        self.files, self.folders = tuple(sorted(self._paths)), tuple(sorted(folders))

    def read(self, name: str) -> bytes:
        try:
            return Path(self._paths[name]).read_bytes()
        except OSError as error:
            raise UnreadableError(error.strerror or str(error)) from error

    def open(self, name: str) -> IO[bytes]:
        try:
            return Path(self._paths[name]).open("rb")
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
            name = PurePosixPath(_composed(_zip_name(entry)))
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
        try:
            return self._zip.read(self._entries[name])
        except DAMAGE as error:
            raise UnreadableError(f"damaged inside the zip ({error})") from error

    def open(self, name: str) -> IO[bytes]:
        try:
            return self._zip.open(self._entries[name])
        except DAMAGE as error:
            raise UnreadableError(f"damaged inside the zip ({error})") from error

    def close(self) -> None:
        self._zip.close()


def _walk(folder: str, name: str, above: tuple[str, ...]) -> Iterator[tuple[str, str, bool]]:
    """Name, path and whether it is a folder, of everything below; links are followed.

    `above` ends a link that leads back up.
    """
    real = os.path.realpath(folder)
    if real in above:
        return
    with os.scandir(folder) as children:
        for child in children:
            if _hidden(child.name):
                continue
            yield name + child.name, child.path, child.is_dir()
            if child.is_dir():
                yield from _walk(child.path, f"{name}{child.name}/", (*above, real))


def _hidden(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """The entry's name; archivers that write UTF-8 do not always say so."""
    name = entry.filename
    if not entry.flag_bits & _UTF8_NAME:
        with suppress(UnicodeError):  # or the name really is in the old code page
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/").lstrip("/")


def _composed(name: str) -> str:
    """One spelling for an accented letter: macOS stores it as two characters."""
    return unicodedata.normalize("NFC", name)


def _damaged(path: Path, why: object) -> EmotionError:
    return EmotionError(f"DATASET='{path}' is a damaged zip ({why}): download it again")
