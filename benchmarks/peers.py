"""This project beside others that read expressions: speed, start, memory, size, accuracy.

python -m benchmarks.peers
DATASET=fer2013 ONLY=emotion,fer python -m benchmarks.peers
"""

import json
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import clips, peer_environments
from benchmarks.peer_environments import OURS, ROOT, Driver, Peer, Skipped
from emotion import files
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.errors import EmotionError
from emotion.model_file import Reading

if TYPE_CHECKING:
    from emotion.data.dataset import Split

REQUIREMENTS = tuple(
    line.partition("#")[0].strip()
    for line in (ROOT / "requirements-recognition.txt").read_text(encoding="utf-8").splitlines()
    if line.partition("#")[0].strip()
)
PEERS = (
    Peer(
        "emotion",
        OURS,
        REQUIREMENTS,
        "run_emotion.py",
        ("video",),
        note="frames follow each other: faces are followed, as recognition.py does for a clip",
    ),
    Peer(
        "emotion-pictures",
        OURS,
        REQUIREMENTS,
        "run_emotion.py",
        ("pictures",),
        note="every frame is searched as if it were a picture alone, as the others do",
    ),
    Peer(
        "fer",
        "fer",
        ("fer==25.10.3",),
        "run_fer.py",
        pins=('setuptools<81; python_version >= "3.12"',),  # it imports pkg_resources
        note="FER(mtcnn=False), its default: OpenCV's frontal cascade, faces from 50 px",
    ),
    Peer(
        "hsemotion-onnx",
        "hsemotion-onnx",
        ("hsemotion-onnx==0.3.1",),
        "run_hsemotion.py",
        pins=("opencv-python<5",),  # with the cascade; the network alone would do without
        note="has no detector: the frontal cascade with fer's settings; its contempt is left out",
    ),
    Peer(
        "deepface",
        "deepface",
        ("deepface==0.0.103",),
        "run_deepface.py",
        pins=("werkzeug",),  # which it imports and does not name
        note='analyze(actions=["emotion"], detector_backend="opencv")',
    ),
    Peer(
        "human",
        "human",
        (
            "@vladmandic/human@3.3.6",
            "@tensorflow/tfjs-core@4.22.0",
            "@tensorflow/tfjs-converter@4.22.0",
            "@tensorflow/tfjs-backend-wasm@4.22.0",
        ),
        "run_human.cjs",
        note="in node, on WebAssembly: no browser, no GPU; its cache between frames is off",
    ),
)
FOREVER = 6 * 3600.0  # seconds; a slow peer may take an hour for a data set


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    only: tuple[str, ...] = setting((), "the peers to measure, by name; none: all")
    media: Path = setting(
        ROOT / "samples" / "people.mp4", "the clip whose frames are read", check=config.exists
    )
    frames: int = setting(52, "its first frames, which are read", check=config.at_least(1))
    rounds: int = setting(5, "how often each reads them, in turn", check=config.at_least(1))
    starts: int = setting(3, "fresh processes of each, in turn", check=config.at_least(1))
    dataset: Path | None = setting(
        None, "labelled pictures to score on, in any form that train.py takes", check=config.exists
    )
    split: str = setting(
        "validation", "the part that is scored where DATASET has several: FER-2013's PublicTest"
    )
    reading: str = setting("fer2013", "the question this project's model is asked: or people")
    environments: Path = setting(
        Path("runs/peers"), "folder that keeps the environments", check=config.folder
    )
    output: Path = setting(
        Path("runs/peers"), "folder for peers.json and peers.png", check=config.folder
    )
    install_seconds: float = setting(3600, "the longest that one may take to install")
    answer_seconds: float = setting(120, "the longest to a first answer, fetching weights included")


@dataclass
class Figures:
    """What was measured of one peer; lists have a value a round. None: not measured."""

    versions: dict[str, str]
    note: str
    megabytes_installed: float = 0.0
    frames_per_second: list[float] = field(default_factory=list)
    processor_milliseconds: list[float] = field(default_factory=list)  # a frame's
    faces_per_frame: float = 0.0
    seconds_to_first_answer: list[float] = field(default_factory=list)
    megabytes_at_peak: float | None = None
    milliseconds_per_crop: float | None = None
    accuracy: float | None = None
    macro_f1: float | None = None
    macro_recall: float | None = None

    @property
    def milliseconds(self) -> float:
        """The median of a frame's mean, over the rounds."""
        return 1000 / statistics.median(self.frames_per_second)


def main(settings: Settings) -> None:
    """Install, measure in turn, print the table, write the JSON and the picture."""
    skipped: dict[str, str] = {}
    peers = installed(settings, skipped)
    with tempfile.TemporaryDirectory() as name:
        clip = raw_frames(settings, Path(name) / "frames")
        crops = raw_crops(settings, Path(name) / "crops")
        core = peer_environments.one_core()
        measured = measure(settings, peers, clip, crops, skipped)
    if not measured:
        raise EmotionError("no peer could be measured: the lines above say why")
    print(table(measured))
    for one, figures in measured.items():
        print(f"{one}: {figures.note}")
    about: dict[str, Any] = {
        "core": core,
        "processor": processor(),
        "python": platform.python_version(),
    }
    about |= {"clip": clip | {"file": str(settings.media)}, "rounds": settings.rounds}
    about |= {"dataset": str(settings.dataset) if settings.dataset else None}
    about |= {"split": settings.split, "reading": settings.reading}
    write(settings, about, measured, skipped)


def installed(settings: Settings, skipped: dict[str, str]) -> dict[Peer, Path]:
    """The environment of each peer that can be had; the versions and the reasons are printed."""
    found = {}
    for peer in peer_environments.chosen(PEERS, settings.only):
        try:
            place = peer_environments.made(peer, settings.environments, settings.install_seconds)
        except Skipped as why:
            skip(peer, why, skipped)
            continue
        found[peer] = place.resolve()
        names = [f"{name} {one}" for name, one in peer_environments.versions(peer, place).items()]
        pins = f" (named here, as it needs them: {', '.join(peer.pins)})" if peer.pins else ""
        print(f"{peer.name}: {', '.join(names)}{pins}")
    return found


def skip(peer: Peer, why: Skipped, skipped: dict[str, str]) -> None:
    """Say and note why a peer takes no part."""
    skipped[peer.name] = str(why)
    print(f"{peer.name} skipped: {why}")


def raw_frames(settings: Settings, path: Path) -> dict[str, Any]:
    """The clip's first frames as one file of bytes, and the request that reads them."""
    images, times = [], []
    for image, moment in clips.frames(settings.media):
        images.append(image)
        times.append(moment)
        if len(images) == settings.frames:
            break
    if not images:
        raise EmotionError(f"MEDIA='{settings.media}' has no frame: name a clip")
    path.write_bytes(b"".join(image.tobytes() for image in images))
    rate = (len(times) - 1) / (times[-1] - times[0]) if times[-1] > times[0] else clips.RATE
    shape = list(images[0].shape)
    return {"do": "frames", "file": str(path), "shape": shape, "count": len(images), "rate": rate}


def raw_crops(settings: Settings, path: Path) -> "tuple[dict[str, Any], Labelled] | None":
    """The chosen split's crops as a file of bytes, the request that reads them, and the labels."""
    if settings.dataset is None:
        return None
    from emotion.data import dataset

    data = dataset.load(settings.dataset, for_training=False)
    split = part(data.splits, settings.split)
    path.write_bytes(split.images.tobytes())
    shape = list(split.images.shape[1:])
    request = {"do": "crops", "file": str(path), "shape": shape, "count": len(split.images)}
    return request, Labelled(data.labels, split)


@dataclass(frozen=True)
class Labelled:
    """Crops and what they show."""

    labels: tuple[str, ...]
    split: "Split"


def part(splits: "dict[str, Split]", name: str) -> "Split":
    """The split to score: `name`, or the only one there is; EmotionError where that is unclear."""
    if name in splits:
        return splits[name]
    if len(splits) == 1:
        return next(iter(splits.values()))
    there = ", ".join(splits)
    raise EmotionError(f"SPLIT='{name}' is no part of DATASET: it has {there}; name one of these")


def measure(
    settings: Settings,
    peers: dict[Peer, Path],
    clip: dict[str, Any],
    crops: "tuple[dict[str, Any], Labelled] | None",
    skipped: dict[str, str],
) -> dict[str, Figures]:
    """Every peer's figures. What fails on the way is skipped, and the others go on."""
    found = {
        peer: Figures(peer_environments.versions(peer, place), peer.note)
        for peer, place in peers.items()
    }
    arguments = (settings.reading,)

    def each(what: Any) -> None:
        for peer in list(found):
            try:
                what(peer, found[peer])
            except Skipped as why:
                del found[peer]
                skip(peer, why, skipped)

    with ExitStack() as stack:
        drivers: dict[Peer, Driver] = {}

        def begin(peer: Peer, figures: Figures) -> None:
            """Load and warm up; this is where weights are fetched."""
            drivers[peer] = stack.enter_context(Driver(peer, peers[peer], arguments))
            drivers[peer].ask(settings.answer_seconds, **(clip | {"count": 1}))
            figures.megabytes_installed = peer_environments.megabytes(peers[peer])

        def read(peer: Peer, figures: Figures) -> None:
            answer = drivers[peer].ask(FOREVER, **clip)
            figures.frames_per_second.append(clip["count"] / sum(answer["seconds"]))
            figures.processor_milliseconds.append(1000 * answer["processor"] / clip["count"])
            figures.faces_per_frame = statistics.mean(answer["faces"])
            figures.megabytes_at_peak = drivers[peer].peak()

        def score(peer: Peer, figures: Figures) -> None:
            assert crops
            answer = drivers[peer].ask(FOREVER, **crops[0])
            figures.milliseconds_per_crop = 1000 * answer["seconds"] / len(answer["rows"])
            scored(figures, crops[1], answer["labels"], np.array(answer["rows"]))

        def start(peer: Peer, figures: Figures) -> None:
            request = clip | {"count": 1}
            place, longest = peers[peer], settings.answer_seconds
            seconds = peer_environments.first_answer(peer, place, arguments, longest, **request)
            figures.seconds_to_first_answer.append(seconds)

        each(begin)
        for _ in range(settings.rounds):
            each(read)
        if crops:
            each(score)
        for _ in range(settings.starts):
            each(start)
    return {peer.name: figures for peer, figures in found.items()}


def scored(
    figures: Figures, labelled: Labelled, answers: Sequence[str], rows: NDArray[np.floating]
) -> None:
    """Enter accuracy, macro-F1 and macro recall of a peer's scores (N, its answers)."""
    from emotion.evaluation import metrics

    split = labelled.split
    columns = among(rows, answers, labelled.labels)
    scores = metrics.score(columns, split.targets, split.duplicate_of_train, labelled.labels)
    recalls = [one["recall"] for one in scores["classes"].values() if one["images"]]
    figures.accuracy, figures.macro_f1 = scores["accuracy"], scores["macro_f1"]
    figures.macro_recall = statistics.mean(recalls)


def among(
    rows: NDArray[np.floating], answers: Sequence[str], labels: Sequence[str]
) -> NDArray[np.floating]:
    """A peer's scores for the data's classes alone, in their order: (N, classes).

    A class goes by any of its usual names. Answers that the data does not have, such as contempt,
    are left out; a class that the peer does not know is never its answer.
    """
    columns = Reading("", tuple(answers)).columns(labels)
    never = np.full(len(rows), -np.inf)
    return np.stack([rows[:, one] if one >= 0 else never for one in columns], axis=1)


def table(measured: dict[str, Figures]) -> str:
    """A row for each peer, the fastest first."""
    head = ("", "frames/s", "(range)", "ms", "CPU ms", "faces", "start s", "peak MB", "size MB")
    rows = [(*head, "crop ms", "top-1", "macro-F1", "recall")]
    order = sorted(measured.items(), key=lambda item: item[1].milliseconds)
    for name, one in order:
        rates = one.frames_per_second
        rows.append(
            (
                name,
                f"{statistics.median(rates):.1f}",
                f"({min(rates):.1f}-{max(rates):.1f})",
                f"{one.milliseconds:.1f}",
                f"{statistics.median(one.processor_milliseconds):.1f}",
                f"{one.faces_per_frame:.2f}",
                f"{statistics.median(one.seconds_to_first_answer):.2f}",
                shown(one.megabytes_at_peak, "{:.0f}"),
                f"{one.megabytes_installed:.0f}",
                shown(one.milliseconds_per_crop, "{:.2f}"),
                shown(one.accuracy, "{:.1%}"),
                shown(one.macro_f1, "{:.1%}"),
                shown(one.macro_recall, "{:.1%}"),
            )
        )
    wide = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(f"{cell:>{width}}" for cell, width in zip(r, wide, strict=True)) for r in rows
    ]
    return "\n".join(lines)


def shown(value: float | None, form: str) -> str:
    """A figure as text, a dash where there is none."""
    return "-" if value is None else form.format(value)


def write(
    settings: Settings,
    about: dict[str, Any],
    measured: dict[str, Figures],
    skipped: dict[str, str],
) -> None:
    """Write peers.json and, with DATASET, peers.png."""
    settings.output.mkdir(parents=True, exist_ok=True)
    found = {name: asdict(figures) for name, figures in measured.items()}
    report = settings.output / "peers.json"
    with files.replacing(report) as path:
        path.write_text(json.dumps({**about, "peers": found, "skipped": skipped}, indent=2))
    print(f"wrote {report}")
    if settings.dataset is None:
        print("no picture: accuracy is measured with DATASET alone")
        return
    picture = settings.output / "peers.png"
    with files.replacing(picture) as path:
        draw(measured, path)
    print(f"wrote {picture}")


def draw(measured: dict[str, Figures], path: Path) -> None:
    """Draw accuracy against milliseconds a frame, a point for each peer that has both."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, one in measured.items():
        if one.accuracy is None:
            continue
        spread = [1000 / rate for rate in one.frames_per_second]
        ours = name.startswith(OURS)
        axes.plot([min(spread), max(spread)], [100 * one.accuracy] * 2, "-", color="0.7")
        axes.plot(one.milliseconds, 100 * one.accuracy, "s" if ours else "o", markersize=8)
        axes.annotate(
            name,
            (one.milliseconds, 100 * one.accuracy),
            (0, 9),
            ha="center",
            textcoords="offset points",
        )
    axes.set(xscale="log", xlabel="milliseconds a frame, one core", ylabel="top-1 accuracy, %")
    axes.xaxis.set_minor_formatter(ScalarFormatter())  # 50, not 5 x 10^1
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.margins(0.18)
    axes.grid(True, which="both", alpha=0.2)
    figure.savefig(path, dpi=150)


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.is_file() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
