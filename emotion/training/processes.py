"""Several processes of one training, on one host or on many, under JAX.

Which there are is said by the variables that JAX and Keras read, or by SLURM's: every process runs
the same command. They meet through `jax.distributed`.
"""

import atexit
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion.errors import EmotionError
from emotion.training import back_end

_NAMES = (
    ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"),
    (
        "KERAS_DISTRIBUTION_JOB_ADDRESSES",
        "KERAS_DISTRIBUTION_NUM_PROCESSES",
        "KERAS_DISTRIBUTION_PROCESS_ID",
    ),
)
_SLURM = "SLURM_STEP_NUM_TASKS"  # of `srun`; in a batch script by itself it is not there
_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"  # 0: let C++ talk
_LEAVING = 10  # seconds that a process which ends waits for the others to end as well
_LOST = re.compile(r"gloo|nccl|unavailable|coordination|deadline_exceeded|connection|socket", re.I)

# A process that the others have left is ended from within JAX, in C++, with nothing said by us.
_WATCH = (
    "import signal, sys\n"
    "for name in ('SIGINT', 'SIGTERM', 'SIGHUP'):\n"
    "    if hasattr(signal, name):\n"
    "        signal.signal(getattr(signal, name), signal.SIG_IGN)\n"
    "sys.stdin.buffer.read() or sys.stderr.write(sys.argv[1])\n"
)


@dataclass(frozen=True)
class Processes:
    """How many take part, and which of them this is, counted from 0."""

    count: int = 1
    number: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the one that talks, keeps checkpoints and exports."""
        return not self.number

    def said_by_first(self, say: Callable[[], str]) -> str:
        """What `say` answers on the first process, on all; it is called on that alone.

        Where it raises EmotionError, all raise it.
        """
        if self.count == 1:
            return say()
        text, error = "", ""
        if self.first:
            try:
                text = say()
            except EmotionError as raised:
                error = str(raised)
        text, error = json.loads(self._broadcast(json.dumps([text, error])))
        if error:
            self.leave()
            raise EmotionError(error)
        return text

    def shared(self, arrays: list[NDArray]) -> list[NDArray]:
        """The first process's `arrays`; they have the same shapes on all."""
        if self.count == 1:
            return arrays
        from jax.experimental import multihost_utils

        found = multihost_utils.broadcast_one_to_all(arrays)
        return [np.asarray(one, like.dtype) for one, like in zip(found, arrays, strict=True)]

    def agreed(self, number: int) -> int:
        """The highest `number` that any of them gives; each must ask."""
        if self.count == 1:
            return number
        from jax.experimental import multihost_utils

        return int(np.max(multihost_utils.process_allgather(np.int32(number))))

    def leave(self) -> None:
        """Nothing is computed together any more: from here on each may end when it likes."""
        if self.count > 1:
            import jax

            jax.distributed.shutdown()

    def _broadcast(self, text: str) -> str:
        from jax.experimental import multihost_utils

        content = np.frombuffer(text.encode(), np.uint8)
        length = int(multihost_utils.broadcast_one_to_all(np.int32(len(content))))
        padded = np.zeros(length, np.uint8)
        padded[: len(content)] = content[:length]
        return np.asarray(multihost_utils.broadcast_one_to_all(padded), np.uint8).tobytes().decode()


@contextlib.contextmanager
def joined(environment: Mapping[str, str] = os.environ) -> Iterator[Processes]:
    """The processes that this one belongs to, once all of them are there.

    Raises EmotionError when the variables are incomplete, another back end than JAX computes, or
    the others do not come. When another one ends, this one ends in one line.
    """
    wanted = _wanted(environment)
    if wanted is None:
        yield Processes()
        return
    quiet = contextlib.nullcontext if environment.get(_LOG_LEVEL) == "0" else _only_python_talks
    _check_back_end()
    with _watched() as watcher, quiet():
        together = _meet(wanted)
        try:
            yield together
        except BaseException as error:
            if isinstance(error, EmotionError | KeyboardInterrupt) or not _LOST.search(str(error)):
                code = 130 if isinstance(error, KeyboardInterrupt) else 1
                atexit.register(_end, code)  # before JAX, which would wait for the others
                raise
            _end(1)  # the watcher says why
        finally:
            watcher()


def _wanted(environment: Mapping[str, str]) -> dict[str, Any] | None:
    """What `jax.distributed.initialize` is to be given; None for one process alone."""
    for names in _NAMES:
        address, count, number = (environment.get(name, "") for name in names)
        if count != "1" and (address or count):
            return _checked(names, address, count, number)
    tasks = environment.get(_SLURM, "1")
    return {} if tasks.isdigit() and int(tasks) > 1 else None


def _checked(names: tuple[str, ...], address: str, count: str, number: str) -> dict[str, Any]:
    given = zip(names, (address, count, number), strict=True)
    if lacking := [name for name, value in given if not value]:
        raise EmotionError(
            f"several processes need {', '.join(names)}: {', '.join(lacking)} is missing"
        )
    if not (count.isdigit() and number.isdigit() and int(number) < int(count)):
        raise EmotionError(
            f"{names[1]}={count} {names[2]}={number}: give how many there are and, to each, its "
            "own number, counted from 0"
        )
    address = address.split(",")[0]
    if not re.fullmatch(r".+:\d+", address):
        raise EmotionError(
            f"{names[0]}={address} must be the first host and a port: give {address}:1234"
        )
    return {
        "coordinator_address": address,
        "num_processes": int(count),
        "process_id": int(number),
    }


def _check_back_end() -> None:
    name = back_end.loaded().backend.backend()
    if name != "jax":
        raise EmotionError(
            f"several processes train together with KERAS_BACKEND=jax alone, this is {name}: "
            "set it, or start one process"
        )


def _meet(wanted: dict[str, Any]) -> Processes:
    import jax

    try:
        jax.distributed.initialize(**wanted, shutdown_timeout_seconds=_LEAVING)
    except (RuntimeError, ValueError) as error:
        why = str(error).partition("\n")[0]
        address = wanted.get("coordinator_address", "the first host")
        raise EmotionError(
            f"the processes did not meet at {address} ({why}): start all of them with the same "
            "address and number of processes, each with its own number"
        ) from error
    return Processes(jax.process_count(), jax.process_index())


def _end(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError):
            stream.flush()
    os._exit(code)


@contextlib.contextmanager
def _watched() -> Iterator[Callable[[], None]]:
    """Whatever ends this process, a line says so, unless the value was called before."""
    words = (
        "error: the run ended because one of its processes did, whose own lines say why: the same "
        "command for all goes on after the last epoch that was done\n"
    )
    watcher = subprocess.Popen([sys.executable, "-c", _WATCH, words], stdin=subprocess.PIPE)

    def done() -> None:
        if watcher.stdin and not watcher.stdin.closed:
            with contextlib.suppress(OSError):
                watcher.stdin.write(b".")
                watcher.stdin.close()
            watcher.wait()

    try:
        yield done
    finally:
        done()


@contextlib.contextmanager
def _only_python_talks() -> Iterator[None]:
    """Keep what C++ says of its connections from the terminal."""
    with _own("stdout"), _own("stderr"):
        yield


@contextlib.contextmanager
def _own(name: str) -> Iterator[None]:
    """Python's stream `name` with a number of its own; what goes to the usual number is lost."""
    spoken = getattr(sys, name)
    try:
        number = spoken.fileno()
        copy = os.dup(number)
    except (AttributeError, OSError, ValueError):  # none, or a test's
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with os.fdopen(copy, "w", buffering=1, encoding=spoken.encoding) as speaking:
        spoken.flush()
        os.dup2(nowhere, number)
        os.close(nowhere)
        setattr(sys, name, speaking)
        try:
            yield
        finally:
            setattr(sys, name, spoken)
            speaking.flush()
            os.dup2(speaking.fileno(), number)
