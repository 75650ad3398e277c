"""The files of a folder, done by several processes here or by the workers of a Dask cluster.

Both are a `concurrent.futures.Executor` to which each file is handed with the run's `Job`.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from emotion import __version__
from emotion.errors import EmotionError
from emotion.output.crops import Crops
from emotion.output.packed_rows import PackedRows
from emotion.quiet import silence_opencv
from emotion.recogniser import EmotionRecogniser
from emotion.session import Outcome, Place, Session, opened
from emotion.sources.frame import Notify

_PATIENCE = 10.0  # seconds in which a worker ends its frame and its copy, once it is to stop


@dataclass(frozen=True)
class Job:
    """What a worker has to know to do a file as the run itself would; it travels by pickle.

    `recogniser` are the arguments of EmotionRecogniser, `opening` those of `session.opened`,
    `session` those of Session that are plain values. `table` says whether rows are lines of a CSV
    or of JSON, None that there are none.
    """

    recogniser: Mapping[str, Any]
    opening: Mapping[str, Any]
    session: Mapping[str, Any]
    table: bool | None = None
    crops: Path | None = None
    version: str = __version__


def steps(
    executor: Executor, job: Job, places: Iterable[Place], *, ahead: int
) -> Iterator[tuple[int, Outcome | None]]:
    """How many files are done, time and again, and each one's outcome, in the order of `places`.

    `ahead` files are handed out at once. Raises the EmotionError that a file ended with, once the
    outcomes before it have been given.
    """
    left, done = iter(places), 0
    waiting: deque[tuple[Place, Future[Outcome]]] = deque()
    running: set[Future[Outcome]] = set()
    while True:
        with _signals_held():  # a process that starts now never hears them: see `processes`
            for place in islice(left, ahead - len(running)):
                running.add(future := executor.submit(do, job, place))
                waiting.append((place, future))
        if not waiting:
            return
        # Windows hears Ctrl-C between two waits only.
        ended, running = wait(running, timeout=1, return_when=FIRST_COMPLETED)
        done += len(ended)
        yield done, None
        while waiting and waiting[0][1].done():
            place, future = waiting.popleft()
            try:
                outcome = future.result()
            except Exception as error:
                error.add_note(str(place.path))
                raise
            yield done, outcome


@contextlib.contextmanager
def cluster(address: str, *, notify: Notify) -> Iterator[Executor]:
    """The workers of the Dask cluster whose scheduler is at `address`, such as tcp://host:8786.

    A file whose worker is lost is done again by another. However the block ends, what was not begun
    is not done any more. Raises EmotionError when the cluster cannot be used or is lost.
    """
    import distributed
    from distributed.scheduler import KilledWorker

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # all of it is told below
    named = f"CLUSTER='{address}'"
    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EmotionError(
            f"{named} does not answer: start `dask scheduler` there and `dask worker {address}` "
            "where the work is to be done"
        ) from error
    with client:
        if not client.nthreads():
            notify(f"{named} has no worker yet: waiting for `dask worker {address}`")
        executor = client.get_executor(pure=False)  # or it would answer from what it did before
        try:
            yield executor
        except KilledWorker as error:
            raise EmotionError(f"{named}: {_file_of(error)} was given up: {_LOST}") from error
        except CancelledError as error:
            raise EmotionError(
                f"{named} was lost; start it again, and with RESUME=1 the same command goes on"
            ) from error
        except ImportError as error:
            raise EmotionError(
                f"{named} lacks {error.name}: install this project with its extra `cluster` for "
                "the scheduler and for every worker"
            ) from error
        finally:
            with contextlib.suppress(Exception):  # of a cluster that is lost
                executor.shutdown(wait=False)


_LOST = "every worker that began it was lost, perhaps for want of memory"


def _file_of(error: Exception) -> str:
    """Which file `steps` was waiting for."""
    return getattr(error, "__notes__", ["a file"])[0]


@contextlib.contextmanager
def processes(count: int) -> Iterator[Executor]:
    """So many processes, each of which does a file at a time, on one thread.

    However the block ends, all of them end with it: after their frame, with their copies whole. So
    they do when this process is killed, at once. Raises EmotionError when one of them is killed.
    """
    context = multiprocessing.get_context("spawn")  # forking copies no threads, and OpenCV has some
    with _signals_held():  # also from the process that multiprocessing keeps to tidy up after it
        stop = context.Event()
    executor = ProcessPoolExecutor(
        count, mp_context=context, initializer=_begin, initargs=(stop.is_set,)
    )
    try:
        yield executor
    except BrokenProcessPool as error:
        raise EmotionError(
            "a worker was killed, perhaps for want of memory: try fewer WORKERS; with RESUME=1 the "
            "same command goes on"
        ) from error
    finally:
        stop.set()
        end = threading.Timer(_PATIENCE, _kill_all)
        end.daemon = True
        end.start()
        executor.shutdown(cancel_futures=True)
        end.cancel()


def cores() -> int:
    """How many this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def do(job: Job, place: Place) -> Outcome:
    """Do one file in this process, with a recogniser that the next file finds again.

    Raises EmotionError when a result cannot be written or another version of this project asks,
    and KeyboardInterrupt when it is to stop.
    """
    if job.version != __version__:
        raise EmotionError(
            f"{socket.gethostname()} has version {__version__} of this project, and the run "
            f"{job.version}: install the same on both"
        )
    with _one_at_a_time:
        session = _session(job)
        said: list[str] = []
        session.notify = said.append
        session.opened = partial(opened, **job.opening, notify=said.append)
        rows = None
        if job.table is not None:
            labels, reading = session.recogniser.labels, session.recogniser.reading
            rows = PackedRows(labels, reading=reading, table=job.table)
        session.rows = rows
        if job.crops:
            session.crops = Crops(job.crops, cropped=job.recogniser["cropped"])
        outcome = session.file(place)
        return replace(
            outcome,
            said=said,
            rows=rows.blocks() if rows else [],
            crops=session.crops.written if session.crops else 0,
        )


_one_at_a_time = threading.Lock()  # a Dask worker may have several threads; OpenCV's are for all
_stopped: Callable[[], bool] = lambda: False  # noqa: E731
_mine: tuple[Job, Session] | None = None


def _session(job: Job) -> Session:
    global _mine
    if _mine is None or _mine[0] != job:
        silence_opencv()
        recogniser = EmotionRecogniser(**job.recogniser)
        _mine = job, Session(recogniser, opened, print, stopped=_stopped, **job.session)
    return _mine[1]


def _begin(stopped: Callable[[], bool]) -> None:
    """What a process does first: it ends when it is told to, or when its parent is gone."""
    global _stopped
    _stopped = stopped
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent tells the others
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _kill_all() -> None:
    for process in multiprocessing.active_children():
        process.kill()


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Keep the signals that end a program until afterwards; processes started meanwhile, for good.

    Without that, Ctrl-C in their first half second would end each with a traceback.
    """
    if sys.platform == "win32":
        yield
        return
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
