"""The folder of a run: one run at a time, and an old one kept until a new one can go on."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from emotion import lock
from emotion.errors import EmotionError
from emotion.training import checkpoint

CHECKPOINT = "checkpoint.npz"
PRODUCTS = ("report.json", "emotion.keras", "emotion.tflite")
ASIDE = "replaced"
_OTHERS = ("emotion_float32.tflite", "history.csv", "training.png", "confusion.png", "logs")
_LOCK = ".lock"


@contextlib.contextmanager
def opened(folder: Path, *, resume: bool) -> Iterator[Path]:
    """The folder, ready for a run and locked; the value is its checkpoint, which may exist.

    What an earlier run left is set aside when `resume` gives it up, and comes back unless
    `discard_replaced` is called. A folder that was made here and is still empty goes. Raises
    EmotionError when the folder holds a finished run and `resume` does not give it up, when it
    cannot be written, or when another process writes to it.
    """
    what = f"MODEL_EXPORT_PATH='{folder}'"
    with contextlib.ExitStack() as stack:
        if not folder.exists():
            stack.callback(_remove_empty, folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(lock.held(folder / _LOCK, what))
        except OSError as error:
            raise EmotionError(
                f"{what} cannot be written ({error.strerror}): name a folder that can"
            ) from error
        stack.callback(_restore, folder)
        yield _prepared(folder, resume=resume)


def discard_replaced(folder: Path) -> None:
    """Give up the run that was set aside: the new one has a checkpoint."""
    if (folder / ASIDE).exists():
        shutil.rmtree(folder / ASIDE)


def files(folder: Path) -> tuple[Path, ...]:
    """What a run has written for people, in order."""
    return tuple(
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name not in (*_checkpoints(), _LOCK)
    )


def _prepared(folder: Path, *, resume: bool) -> Path:
    path = folder / CHECKPOINT
    if checkpoint.exists(path):
        discard_replaced(folder)  # a run that was stopped just then
    elif resume:
        _restore(folder)
    if not resume:
        _set_aside(folder)
    elif not checkpoint.exists(path):
        held = [name for name in PRODUCTS if (folder / name).exists()]
        if held:
            raise EmotionError(
                f"MODEL_EXPORT_PATH='{folder}' holds a finished run ({', '.join(held)}): name "
                "another folder, or set RESUME=0 to replace it"
            )
    return path


def _set_aside(folder: Path) -> None:
    """Move what a run left into a folder of its own; one that is there already is older."""
    left = [name for name in _names() if (folder / name).exists()]
    if (folder / ASIDE).exists():
        for name in left:  # of a run that was stopped before it had a checkpoint
            _remove(folder / name)
    elif left:
        (folder / ASIDE).mkdir()
        for name in left:
            (folder / name).replace(folder / ASIDE / name)


def _restore(folder: Path) -> None:
    """Bring back what was set aside, in place of the little that came after it."""
    aside = folder / ASIDE
    if not aside.exists():
        return
    for name in _names():
        if (aside / name).exists():
            _remove(folder / name)
            (aside / name).replace(folder / name)
    shutil.rmtree(aside)


def _names() -> tuple[str, ...]:
    return (*PRODUCTS, *_OTHERS, *_checkpoints())


def _checkpoints() -> tuple[str, ...]:
    return CHECKPOINT, checkpoint.previous(Path(CHECKPOINT)).name


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # it holds a run now
        folder.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
