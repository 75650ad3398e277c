"""The files of a folder, done by the workers of a Dask cluster, on this machine or others."""

import asyncio
import contextlib
import logging
import socket
import tempfile
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, Future, wait
from dataclasses import dataclass
from functools import partial
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import distributed
from distributed.scheduler import KilledWorker

from emotion import __version__, files
from emotion.errors import EmotionError
from emotion.session import Outcome, Place, Steps
from emotion.sources.frame import Notify
from emotion.workers import Job, do, steps

_PATIENCE = 10.0  # seconds in which a scheduler answers


class UnseenError(EmotionError):
    """A file that a worker does not see."""


@dataclass(frozen=True)
class Order:
    """What a worker of a cluster has to know besides the job; it travels by pickle.

    `folder` is the run's current folder, to which names that are not absolute belong. `marks` are
    files that lie, during the run, in the folders that the workers write to.
    """

    job: Job
    folder: Path
    marks: tuple[Path, ...]
    version: str = __version__


@contextlib.contextmanager
def workers(address: str, job: Job, output: Path | None, notify: Notify) -> Iterator[Steps]:
    """The workers of the cluster whose scheduler is at `address`, for a session's steps.

    A file whose worker is lost is done again by another. However the block ends, what is begun
    ends after its frame and the rest is not done any more. Raises EmotionError when the cluster
    cannot be used or is lost.
    """
    named = f"CLUSTER='{address}'"
    with _unheard(), _marks(output, job.crops) as marks, _client(address, named) as client:
        try:
            _check(client, named, notify)
        except OSError as error:
            raise EmotionError(_lost(named)) from error
        executor = client.get_executor(pure=False)  # or it would answer from what it did before
        ahead = _Ahead(client, named, notify)
        orders = _Orders(executor, Order(job, Path.cwd(), marks), named, ahead)
        try:
            yield partial(steps, orders.submit, ahead=ahead, settled=orders.settled)
        finally:
            with contextlib.suppress(Exception):  # of a cluster that is lost
                executor.shutdown(wait=False)


def do_there(order: Order, place: Place) -> Outcome:
    """Do one file in a worker of a cluster, until whoever asked for it wants it no more.

    Raises EmotionError when this worker cannot do it as the run itself would.
    """
    here = socket.gethostname()
    if order.version != __version__:
        raise EmotionError(
            f"{here} has version {__version__} of this project, and the run {order.version}: "
            "install the same on both"
        )
    task = distributed.get_worker().state.tasks[distributed.get_worker().get_current_task()]
    with _one_at_a_time, _standing_in(order, place, here):
        _see(order, place, here)
        try:
            return do(order.job, place, stopped=lambda: task.state == "cancelled")
        except KeyboardInterrupt as error:  # it would end the worker
            raise EmotionError(f"{place.path} is not asked for any more") from error


_Mark = tempfile.NamedTemporaryFile  # removed with its block
_one_at_a_time = threading.Lock()  # a worker may have several threads; OpenCV's are for all of them


def _standing_in(
    order: Order, place: Place, here: str
) -> contextlib.AbstractContextManager[object]:
    """In the run's folder, where anything is named from there."""
    models = (order.job.recogniser["model"], order.job.recogniser["face_model"])
    named = (place.path, place.copy, order.job.crops, *models)
    if all(path is None or path.is_absolute() for path in named):
        return contextlib.nullcontext()
    if not order.folder.is_dir():
        raise UnseenError(
            f"{here} does not see the folder {order.folder}, from which a file is named: mount it "
            "there under the same name, or name files in full"
        )
    return contextlib.chdir(order.folder)


def _see(order: Order, place: Place, here: str) -> None:
    """Raise EmotionError for what this machine does not see."""
    for mark in order.marks:
        if not mark.exists():
            raise EmotionError(
                f"{here} does not see the folder {mark.parent}: the workers write OUTPUT and CROPS "
                "themselves, so mount it there under the same name"
            )
    models = (order.job.recogniser["model"], order.job.recogniser["face_model"])
    for path in (place.path, *models):
        if path is not None and not path.exists():
            raise UnseenError(
                f"{here} does not see {path}: the workers read files themselves, so its folder "
                "must be mounted there under the same name"
            )


@contextlib.contextmanager
def _marks(*folders: Path | None) -> Iterator[tuple[Path, ...]]:
    """A file in each folder: who sees it sees the same folder, not one of the same name."""
    with contextlib.ExitStack() as stack:
        marks = []
        for folder in folders:
            if folder is None:
                continue
            try:
                folder.mkdir(parents=True, exist_ok=True)
                mark = stack.enter_context(_Mark(prefix=".seen-", dir=folder.absolute()))
            except OSError as error:
                raise EmotionError(files.unwritten(folder, error)) from error
            marks.append(Path(mark.name))
        yield tuple(marks)


def _client(address: str, named: str) -> distributed.Client:
    try:
        asyncio.run(_answered(address))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError, OverflowError) as error:  # of TLS or ports, too
        raise EmotionError(
            f"{named} does not answer: start `dask scheduler` there and `dask worker {address}` "
            "where the work is to be done"
        ) from error


async def _answered(address: str) -> None:
    """Raise OSError unless a scheduler is there; a client would wait for a web server for ever."""
    arguments = distributed.Security().get_connection_args("client")
    async with distributed.rpc(address, connection_args=arguments) as scheduler:
        await asyncio.wait_for(scheduler.identity(), _PATIENCE)


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Without Dask's log: all that a user needs of it is told here."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _check(client: distributed.Client, named: str, notify: Notify) -> None:
    """Wait for a worker. Raises EmotionError when this project is missing anywhere.

    A worker without it would end, with no word to anybody, with the first file that it gets.
    """
    if not client.nthreads():
        notify(f"{named} has no worker yet: waiting for one")
        client.wait_for_workers(1)
    asked = (find_spec, __name__)
    found = client.run(*asked, on_error="return").values()
    try:
        found = [client.run_on_scheduler(*asked), *found]
    except ImportError:
        found = [None]
    if not all(isinstance(spec, ModuleSpec) for spec in found):
        raise EmotionError(_lacking(named))
    most = max(client.nthreads().values(), default=1)
    if most > 1:
        notify(
            f"{named} has a worker of {most} threads, which does one file at a time: start it with "
            f"--nworkers {most} --nthreads 1"
        )


def _lacking(named: str) -> str:
    return (
        f"{named} has not what this run has: install the same version of this project, with its "
        "extra `cluster`, for the scheduler and for every worker"
    )


def _lost(named: str) -> str:
    return f"{named} was lost; start it again, and with RESUME=1 the same command goes on"


class _Ahead:
    """How many files are handed over at once; says when all workers are gone, and waits."""

    def __init__(self, client: distributed.Client, named: str, notify: Notify) -> None:
        self._client, self._named, self._notify = client, named, notify
        self._alone = False

    def __call__(self) -> int:
        try:
            count = sum(self._client.nthreads().values())
        except OSError as error:
            raise EmotionError(_lost(self._named)) from error
        if not count and not self._alone:
            self._notify(f"{self._named} has lost all workers: waiting for one")
        self._alone = not count
        return 4 * max(count, 1)


class _Orders:
    """Files that are handed over, and what each ended with."""

    def __init__(self, executor: Executor, order: Order, named: str, ahead: _Ahead) -> None:
        self._executor, self._order, self._named, self._ahead = executor, order, named, ahead
        self._handed: set[Future[Outcome]] = set()

    def submit(self, place: Place) -> Future[Outcome]:
        future = self._executor.submit(do_there, self._order, place)
        self._handed.add(future)
        return future

    def settled(self, place: Place, future: Future[Outcome]) -> Outcome:
        """What cannot be read, or loses all workers when it is the only file, is a failure."""
        with contextlib.suppress(KilledWorker):  # also of files that waited at those workers
            return self._of(place, future)
        self._wait()
        future = self.submit(place)
        self._wait()
        with contextlib.suppress(KilledWorker):
            return self._of(place, future)
        return Outcome(
            f"{place.path} was given up: every worker that began it was lost, perhaps for want of "
            "memory"
        )

    def _wait(self) -> None:
        """Until nothing that was handed over is under way."""
        while self._handed:
            self._ahead()  # says so when no worker is left, and ends when there is no scheduler
            self._handed = wait(self._handed, timeout=1).not_done

    def _of(self, place: Place, future: Future[Outcome]) -> Outcome:
        self._handed.discard(future)
        try:
            return future.result()
        except UnseenError as error:
            if place.path.exists():
                raise
            return Outcome(str(error))  # it was removed meanwhile
        except CancelledError as error:
            raise EmotionError(_lost(self._named)) from error
        except (ImportError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "deserialization" not in str(error):
                raise
            raise EmotionError(_lacking(self._named)) from error
