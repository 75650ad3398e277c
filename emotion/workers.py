"""The files of a folder, done by several processes: each is handed over with the run's `Job`."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any

from emotion.output.crops import Crops
from emotion.output.packed_rows import PackedRows
from emotion.quiet import silence_opencv
from emotion.recogniser import EmotionRecogniser
from emotion.session import Outcome, Place, Session, Steps, opened

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


def steps(
    submit: Callable[[Place], Future[Outcome]],
    places: Iterable[Place],
    *,
    ahead: Callable[[], int],
    settled: Callable[[Place, Future[Outcome]], Outcome] = lambda place, future: future.result(),
) -> Iterator[tuple[int, Outcome | None]]:
    """How many files are done, time and again, and each one's outcome, in the order of `places`.

    `submit` hands a file over; so many are handed over at once as `ahead` says then. `settled`
    takes the outcome of one that ended. Raises the EmotionError that a file ended with, once the
    outcomes before it have been given.
    """
    left, done = iter(places), 0
    waiting: deque[tuple[Place, Future[Outcome]]] = deque()
    running: set[Future[Outcome]] = set()
    while True:
        with _signals_held():  # a process that starts now never hears them: see `processes`
            for place in islice(left, max(0, ahead() - len(running))):
                running.add(future := submit(place))
                waiting.append((place, future))
        if not waiting:
            return
        # Windows hears Ctrl-C between two waits only.
        ended, running = wait(running, timeout=1, return_when=FIRST_COMPLETED)
        done += len(ended)
        yield done, None
        while waiting and waiting[0][1].done():
            place, future = waiting.popleft()
            if future in running:  # it ended while the one before it was settled
                running.remove(future)
                done += 1
            yield done, settled(place, future)


@contextlib.contextmanager
def processes(job: Job, count: int) -> Iterator[Steps]:
    """So many processes for a session's steps; each does a file at a time, on one thread.

    However the block ends, all of them end with it: after their frame, with their copies whole. So
    they do when this process is killed, at once. When one of them is killed, what was handed over
    is done again, one file at a time; a file that then ends its process again is a failure.
    """
    context = _Context()
    # Something to read in a pipe from which nobody reads: an Event's lock could die with its owner.
    told, stop = context.Pipe(duplex=False)
    made = partial(
        ProcessPoolExecutor, mp_context=context, initializer=_begin, initargs=(told.poll,)
    )
    with _signals_held():  # also from the process that multiprocessing keeps to tidy up after it
        pool = _Pool(job, made, count)
    try:
        yield partial(steps, pool.submit, ahead=lambda: 4 * count, settled=pool.settled)
    finally:
        stop.send_bytes(b"stop")
        end = threading.Timer(_PATIENCE, _kill_all)
        end.daemon = True
        end.start()
        pool.shutdown()
        end.cancel()
        told.close()
        stop.close()


class _Process(SpawnProcess):
    """A worker: it never hears SIGTERM (see `_signals_held`), and its pool waits for its end."""

    def terminate(self) -> None:
        self.kill()


class _Context(SpawnContext):
    """Starts anew: forking copies no threads, and OpenCV has some."""

    Process = _Process


class _Pool:
    """Processes that are replaced when one is killed, which takes all that wait for them along."""

    def __init__(self, job: Job, made: Callable[[int], ProcessPoolExecutor], count: int) -> None:
        self._job, self._made, self._count = job, made, count
        self._executors = [made(count)]

    def submit(self, place: Place) -> Future[Outcome]:
        try:
            return self._executors[0].submit(_do, self._job, place)
        except BrokenProcessPool:
            self._executors.insert(0, self._made(self._count))
            return self._executors[0].submit(_do, self._job, place)

    def settled(self, place: Place, future: Future[Outcome]) -> Outcome:
        try:
            return future.result()
        except BrokenProcessPool:  # nobody knows by which of the files
            self._executors.append(alone := self._made(1))
        with _signals_held():
            future = alone.submit(_do, self._job, place)
        try:
            return future.result()
        except BrokenProcessPool:
            return Outcome(
                f"{place.path} was given up: the process that read it was killed, and so was the "
                "next one, perhaps for want of memory"
            )
        finally:
            alone.shutdown(wait=future.done())

    def shutdown(self) -> None:
        for executor in self._executors:
            executor.shutdown(cancel_futures=True)


def cores() -> int:
    """How many this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def do(job: Job, place: Place, *, stopped: Callable[[], bool]) -> Outcome:
    """Do one file in this process, with a recogniser that the next file finds again.

    Raises EmotionError when a result cannot be written, and KeyboardInterrupt once it is `stopped`.
    """
    session = _session(job)
    said: list[str] = []
    session.notify, session.stopped = said.append, stopped
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


def _do(job: Job, place: Place) -> Outcome:
    return do(job, place, stopped=_stopped)


_stopped: Callable[[], bool] = lambda: False  # noqa: E731
_mine: tuple[Job, Session] | None = None


def _session(job: Job) -> Session:
    global _mine
    if _mine is None or _mine[0] != job:
        silence_opencv()
        recogniser = EmotionRecogniser(**job.recogniser)
        _mine = job, Session(recogniser, opened, print, **job.session)
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
    caught: list[int] = []  # by another thread, in whose name Python would interrupt this one
    handlers = {number: signal.getsignal(number) for number in held}
    ours = [number for number, handler in handlers.items() if callable(handler)]
    for number in ours:
        signal.signal(number, lambda number, _: caught.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number in ours:
            signal.signal(number, handlers[number])
        for one in caught:
            signal.raise_signal(one)
