"""A run in pictures: its curves, and what it takes for what."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # files only: no window system is needed or opened
import numpy as np
from matplotlib import pyplot as plt

from emotion.files import replacing

TRAINING, VALIDATION = "#0072B2", "#D55E00"  # Okabe and Ito's blue and vermilion


def training(rows: Sequence[dict[str, float]], best_epoch: int, path: Path) -> None:
    """Loss and accuracy over the epochs, training and validation, with the best epoch marked.

    A `best_epoch` of 0, the weights that a run began with, is not on the curves.
    """
    epochs = [row["epoch"] for row in rows]
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for panel, name, title in zip(panels, ("loss", "accuracy"), ("Loss", "Accuracy"), strict=True):
        panel.plot(epochs, [row[name] for row in rows], color=TRAINING, label="training, augmented")
        panel.plot(
            epochs, [row[f"val_{name}"] for row in rows], color=VALIDATION, label="validation"
        )
        if best_epoch:
            panel.axvline(best_epoch, color="grey", linewidth=0.8, linestyle=":")
        panel.set(title=title, xlabel="epoch")
        panel.grid(alpha=0.3)
        panel.legend()
    # Below its curve: the training curve often crosses above it.
    below = {"xytext": (0, -8), "textcoords": "offset points", "ha": "right", "va": "top"}
    for best in (row["val_accuracy"] for row in rows if row["epoch"] == best_epoch):
        panels[1].annotate(f"{best:.1%}", (best_epoch, best), **below)
    panels[1].yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1, decimals=0))
    _save(figure, path)


def confusion(scores: dict[str, Any], title: str, path: Path) -> None:
    """The confusion matrix: a row for each true class, shares of the row, counts beneath."""
    names = list(scores["classes"])
    counts = np.array(scores["confusion"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(4.5, 0.95 * len(names) + 1.5)
    figure, panel = plt.subplots(figsize=(side + 0.8, side), layout="constrained")
    image = panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    panel.set(title=title, xlabel="predicted", ylabel="true")
    panel.set_xticks(range(len(names)), names, rotation=45, ha="right")
    panel.set_yticks(range(len(names)), names)
    for (row, column), share in np.ndenumerate(shares):
        text = f"{share:.0%}\n{counts[row, column]}"
        colour = "white" if share > 0.5 else "black"
        panel.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    figure.colorbar(image, shrink=0.8, format=matplotlib.ticker.PercentFormatter(1, decimals=0))
    _save(figure, path)


def reliability(curves: Mapping[str, Sequence[tuple[float, float, int]]], path: Path) -> None:
    """Reliability diagrams side by side: how often it is so, against how sure the model is.

    `curves` has for each title the bins that `calibration.reliability` gives.
    """
    figure, panels = plt.subplots(
        1, len(curves), figsize=(4.6 * len(curves), 4.4), layout="constrained", squeeze=False
    )
    for panel, (title, bins) in zip(panels[0], curves.items(), strict=True):
        panel.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
        total = sum(count for *_, count in bins)
        sizes = [20 + 500 * count / total for *_, count in bins]
        confidence, share = [one[0] for one in bins], [one[1] for one in bins]
        panel.plot(confidence, share, color=TRAINING, linewidth=1)
        panel.scatter(confidence, share, sizes, color=TRAINING, alpha=0.6)
        panel.set(title=title, xlabel="said by the model", ylabel="found", xlim=(0, 1), ylim=(0, 1))
        panel.grid(alpha=0.3)
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    with replacing(path) as part:
        figure.savefig(part, dpi=110)
    plt.close(figure)
