"""How good a model is, as numbers that JSON can hold."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from emotion.data.dataset import Split

Scores = dict[str, Any]


def score(
    probabilities: NDArray[np.floating],
    classes: NDArray[np.integer],
    duplicates: NDArray[np.bool_],
    names: Sequence[str],
) -> Scores:
    """Every figure of one model on one split, as numbers that JSON can hold.

    `probabilities` (N, classes), `classes` (N,) the right class numbers, `duplicates` (N,) whether
    an image stands in the training part too. Accuracy is top-1; F1, precision and recall count a
    class without images or predictions as 0, and macro-F1 is the mean over classes with images.
    """
    from sklearn import metrics

    from emotion.evaluation.calibration import expected_error

    every = np.arange(len(names))
    chosen = probabilities.argmax(axis=1)
    confusion = metrics.confusion_matrix(classes, chosen, labels=every)
    precision, recall, f1, images = metrics.precision_recall_fscore_support(
        classes, chosen, labels=every, zero_division=0
    )

    right = chosen == classes
    alone = right[~duplicates]
    return {
        "images": len(classes),
        "accuracy": float(right.mean()),
        "macro_f1": float(f1[images > 0].mean()),
        "expected_calibration_error": expected_error(probabilities, classes),
        "images_without_copies": len(alone),
        "accuracy_without_copies": float(alone.mean()) if len(alone) else None,
        "classes": {
            name: {
                "images": int(images[number]),
                "precision": float(precision[number]),
                "recall": float(recall[number]),
                "f1": float(f1[number]),
            }
            for number, name in enumerate(names)
        },
        "confusion": confusion.tolist(),
    }


def score_splits(
    probabilities: Mapping[str, NDArray[np.floating]],
    splits: "Mapping[str, Split]",
    names: Sequence[str],
) -> dict[str, Scores]:
    """`score` for each split, from one set of probabilities a split."""
    return {
        part: score(rows, splits[part].targets, splits[part].duplicate_of_train, names)
        for part, rows in probabilities.items()
    }


def majority(shares: NDArray[np.floating]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Where people agree, and on which class: (N,) each, from their votes' shares (N, classes).

    They agree where at least half of them chose one class and as many no other. `shares` need not
    sum to one: answers that are no class count as votes for none.
    """
    ranked = np.sort(shares, axis=1)
    clear = (ranked[:, -1] >= 0.5 - 1e-6) & (ranked[:, -1] > ranked[:, -2] + 1e-6)
    return clear, shares.argmax(axis=1)


def score_people(
    shares: NDArray[np.floating],
    votes: NDArray[np.floating],
    columns: Sequence[int],
    names: Sequence[str],
) -> Scores:
    """Every figure of the reading that says how many people would give each answer.

    `shares` (N, answers) are the model's, `votes` (N, answers) people's, a row of zeros where
    nobody was asked; `columns` has the answer for each of `names`. Agreement, recall and their
    mean are with people's majority, see `majority`. `distance` is the mean of half the sum of
    absolute differences over the classes and "other", 0 to 1. Calibration error compares the
    share given to the chosen class with people's, both among those who named one of the classes,
    where at least half of them did.
    """
    from emotion.evaluation.calibration import calibration_error

    asked = votes.sum(axis=1) > 0
    said, given = shares[asked][:, columns], votes[asked][:, columns]
    confidence, share = people_confidence(shares, votes, columns)
    clear, right = majority(given)
    chosen = said.argmax(axis=1)
    agreed = (chosen == right)[clear]
    recall = {
        name: float(agreed[right[clear] == number].mean())
        for number, name in enumerate(names)
        if (right[clear] == number).any()
    }
    apart = np.abs(said - given).sum(axis=1) + np.abs(said.sum(axis=1) - given.sum(axis=1))
    return {
        "images": len(given),
        "with_majority": int(clear.sum()),
        "agreement": float(agreed.mean()) if len(agreed) else None,
        "recall": recall,
        "macro_recall": float(np.mean(list(recall.values()))) if recall else None,
        "distance": float(apart.mean() / 2),
        "expected_calibration_error": calibration_error(confidence, share),
    }


def people_confidence(
    shares: NDArray[np.floating], votes: NDArray[np.floating], columns: Sequence[int]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """What the model gives its chosen class and what people gave it, (M,) each, 0 to 1.

    Both among those who named one of the classes, for the M images where at least half of the
    people did. Arguments as in `score_people`.
    """
    named = votes[:, columns].sum(axis=1) >= 0.5
    ours, theirs = (part[named][:, columns] for part in (shares, votes))
    chosen, rows = ours.argmax(axis=1), np.arange(len(ours))
    return (
        ours[rows, chosen] / ours.sum(axis=1),
        theirs[rows, chosen] / theirs.sum(axis=1),
    )


def accuracy_drop(
    before: NDArray[np.bool_], after: NDArray[np.bool_]
) -> tuple[float, tuple[float, float]]:
    """How much rarer right answers became on the same images, with its 95 % interval.

    `before` and `after` (N,) say for each image whether the answer was right. Positive is a loss,
    0 to 1. The interval is the adjusted Wald interval for paired proportions of Bonett and Price
    2012, doi:10.3102/1076998611411915: right for few images, too.
    """
    count = len(before)
    lost, won = int((before & ~after).sum()), int((after & ~before).sum())
    middle = (lost - won) / (count + 2)
    spread = (lost + won + 2) / (count + 2) - middle**2
    reach = 1.96 * math.sqrt(spread / (count + 2))
    return (lost - won) / count, (middle - reach, middle + reach)


def corrupted(
    classifier: Callable[[NDArray[np.uint8]], NDArray[np.floating]],
    images: NDArray[np.uint8],
    classes: NDArray[np.integer],
) -> dict[str, float]:
    """Accuracy on `images` (N, size, size) under each kind of corruption, and their "mean"."""
    from emotion.evaluation import corruptions

    found = {}
    for name, variants in corruptions.KINDS.items():
        chosen = [classifier(corruptions.apply(images, one)).argmax(axis=1) for one in variants]
        found[name] = float(np.mean([rows == classes for rows in chosen]))
    return {**found, "mean": float(np.mean(list(found.values())))}
