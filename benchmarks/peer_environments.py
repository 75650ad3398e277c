"""An environment for each peer, made once, and the driver that runs inside it."""

import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from emotion.errors import EmotionError

ROOT = Path(__file__).parents[1]
DRIVERS = Path(__file__).with_name("peer_drivers")
OURS = "emotion"  # the environment of this project, whose code lies in this checkout
STAMP = "installed.json"  # written last: what the folder holds, once it is whole


@dataclass(frozen=True)
class Peer:
    """Software that is measured: what it is installed from and the driver that calls it.

    `requirements` are the newest releases when this was written; `pins` are further ones without
    which those do not work. Peers with the same `environment` share it. `note` says what to know
    of the way it is measured.
    """

    name: str
    environment: str
    requirements: tuple[str, ...]
    driver: str
    arguments: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    note: str = ""

    @property
    def in_node(self) -> bool:
        """Whether npm installs it and node runs it."""
        return self.driver.endswith(".cjs")


class Skipped(Exception):  # noqa: N818 - it is no error that a peer cannot be had
    """Why a peer takes no part, in one line."""


def made(peer: Peer, folder: Path, seconds: float) -> Path:
    """The peer's environment in `folder`, installed unless it is there; Skipped where it fails."""
    place = (folder / peer.environment).resolve()  # commands run inside it
    wanted = {"python": "" if peer.in_node else sys.version.split()[0]}
    wanted["requirements"] = " ".join((*peer.requirements, *peer.pins))
    stamp = place / STAMP
    if stamp.is_file() and json.loads(stamp.read_text()) == wanted:
        return place
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    (_installed_by_npm if peer.in_node else _installed_by_pip)(peer, place, seconds)
    stamp.write_text(json.dumps(wanted))
    return place


def _installed_by_pip(peer: Peer, place: Path, seconds: float) -> None:
    _run([sys.executable, "-m", "venv", str(place)], place, seconds)
    pip = [str(python(place)), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _run([*pip, *peer.requirements, *peer.pins], place, seconds)


def _installed_by_npm(peer: Peer, place: Path, seconds: float) -> None:
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        raise Skipped("node and npm are not here")
    (place / "package.json").write_text("{}")
    quietly = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    _run([npm, "install", *quietly, *peer.requirements, *peer.pins], place, seconds)


def _run(command: list[str], place: Path, seconds: float) -> None:
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise Skipped(f"not installed within {seconds:.0f} s") from None
    if done.returncode:
        raise Skipped(f"not installed: {last_line(done.stderr or done.stdout)}")


def last_line(text: str) -> str:
    """What a program's last words were, short enough for one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(\w+\.)*\w*(Error|ERROR|Exception)\b", line)]
    said = (errors or lines or ["it said nothing"])[-1]
    return said if len(said) <= 160 else f"{said[:157]}..."


def python(place: Path) -> Path:
    """The interpreter of an environment."""
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def versions(peer: Peer, place: Path) -> dict[str, str]:
    """Name and version of the packages that the peer was pinned to, as installed."""
    if peer.in_node:
        named = [requirement.rpartition("@")[0] for requirement in peer.requirements]
        files = {name: place / "node_modules" / name / "package.json" for name in named}
        return {name: json.loads(path.read_text())["version"] for name, path in files.items()}
    named = [re.split(r"[<>=!~ ;]", one)[0] for one in (*peer.requirements, *peer.pins)]
    asked = "import sys, importlib.metadata as m; [print(n, m.version(n)) for n in sys.argv[1:]]"
    command = [str(python(place)), "-c", asked, *named]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    return dict(line.split() for line in lines if line)


def megabytes(place: Path) -> float:
    """MB that an environment's files hold, fetched weights included, pip left out."""
    total, seen = 0, set()
    code = ROOT / "emotion"
    ours = code.rglob("*") if place.name == OURS else ()
    for path in (*place.rglob("*"), *(one for one in ours if "__pycache__" not in one.parts)):
        if path.is_symlink() or not path.is_file() or _is_pips(path):
            continue
        status = path.stat()
        if status.st_nlink == 1 or (status.st_dev, status.st_ino) not in seen:
            total += status.st_size
            seen.add((status.st_dev, status.st_ino))
    return total / 1e6


def _is_pips(path: Path) -> bool:
    parts = path.parts
    if "site-packages" not in parts:
        return False
    package = parts[parts.index("site-packages") + 1]
    return package == "pip" or package.startswith("pip-")


class Driver:
    """A peer at work in a process of its own, which answers requests; a context manager.

    What it fetches at run time, weights for instance, lands in its environment. Its standard error
    is kept beside it.
    """

    def __init__(self, peer: Peer, place: Path, arguments: Sequence[str] = ()) -> None:
        program = str(DRIVERS / peer.driver)
        runner = shutil.which("node") or "node" if peer.in_node else str(python(place))
        self._log = place / f"{peer.name}.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [runner, program, *peer.arguments, *arguments],
                cwd=place,
                env=_environment(peer, place),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._answers: queue.Queue[str] = queue.Queue()
        assert self.process.stdout is not None
        reading = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        reading.start()

    def ask(self, seconds: float, **request: Any) -> dict[str, Any]:
        """The answer to a request; Skipped when there is none, or none within `seconds`."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self._answers.get(timeout=seconds)
        except BrokenPipeError:
            line = ""
        except queue.Empty:
            raise Skipped(f"no answer within {seconds:.0f} s") from None
        if not line:
            self.process.wait()
            raise Skipped(f"it stopped: {last_line(self._log.read_text(errors='replace'))}")
        return json.loads(line)

    def _read(self, answers: IO[str]) -> None:
        for line in answers:
            if line.startswith("{"):  # some print while they are imported
                self._answers.put(line)
        self._answers.put("")

    def peak(self) -> float | None:
        """The most MB of memory that it has held so far; None where the system does not tell.

        The system's own count (getrusage) would begin with what this process held when it forked.
        """
        status = Path(f"/proc/{self.process.pid}/status")
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text() if status.is_file() else "")
        return int(found[1]) * 1024 / 1e6 if found else None

    def __enter__(self) -> "Driver":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()


def _environment(peer: Peer, place: Path) -> dict[str, str]:
    """The surroundings of a driver: its fetched files stay in its environment."""
    home = place / "home"
    home.mkdir(exist_ok=True)
    own = {"HOME": str(home), "USERPROFILE": str(home), "DEEPFACE_HOME": str(home)}
    own |= {"PYTHONPATH": str(ROOT) if peer.environment == OURS else ""}
    return {**os.environ, **own}


def one_core() -> str:
    """Keep this process and all that it starts on one core; how, in words."""
    if not hasattr(os, "sched_setaffinity"):
        return f"all {os.cpu_count()} cores: this system lets no program keep to one"
    core = max(os.sched_getaffinity(0))  # the first one answers the machine's interrupts
    os.sched_setaffinity(0, {core})
    return f"core {core} alone"


def first_answer(
    peer: Peer, place: Path, arguments: Sequence[str], seconds: float, **request: Any
) -> float:
    """Seconds from the start of a fresh process to its first answer."""
    began = time.perf_counter()
    with Driver(peer, place, arguments) as driver:
        driver.ask(seconds, **request)
        return time.perf_counter() - began


def chosen(known: Sequence[Peer], names: Sequence[str]) -> list[Peer]:
    """The peers with these names, all of them for no name; EmotionError for an unknown one."""
    there = [peer.name for peer in known]
    for name in names:
        if name not in there:
            raise EmotionError(f"ONLY names {name}, which is no peer: there are {', '.join(there)}")
    return [peer for peer in known if not names or peer.name in names]
