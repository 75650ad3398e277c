"""Scores as people read them: lines and aligned tables; and as a JSON file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emotion.evaluation.metrics import Scores
from emotion.files import replacing


def headline(scores: Scores) -> str:
    """One split's figures in one line."""
    parts = [
        f"{scores['images']:,} images",
        f"accuracy {scores['accuracy']:.2%}",
        f"macro-F1 {scores['macro_f1']:.2%}",
        f"calibration error {scores['expected_calibration_error']:.3f}",
    ]
    if scores["accuracy_without_copies"] is not None:
        parts.append(f"without copies {scores['accuracy_without_copies']:.2%}")
    return ", ".join(parts)


def class_table(scores: Scores) -> str:
    """One split's figures for each class, aligned."""
    wide = max(5, *(len(name) for name in scores["classes"]))
    lines = [f"  {'class':<{wide}}  images  precision  recall     F1"]
    for name, row in scores["classes"].items():
        lines.append(
            f"  {name:<{wide}}  {row['images']:6}  {row['precision']:9.3f}  "
            f"{row['recall']:6.3f}  {row['f1']:5.3f}"
        )
    return "\n".join(lines)


def corrupted_table(scores: Scores) -> str:
    """Accuracy on clean and on corrupted images, and what each corruption costs, aligned."""
    clean, found = scores["accuracy"], scores["corrupted"]
    wide = max(len(name) for name in found)
    lines = [f"  {'corruption':<{wide}}  accuracy  points lost"]
    lines.append(f"  {'none':<{wide}}  {clean:8.2%}")
    for name, accuracy in found.items():
        lines.append(f"  {name:<{wide}}  {accuracy:8.2%}  {(clean - accuracy) * 100:11.1f}")
    return "\n".join(lines)


def model_table(models: Mapping[str, Mapping[str, Scores]]) -> str:
    """Several models on several splits, a row each: `models[model][split]`."""
    lines = ["  split       model     images  accuracy  macro-F1  no copies  calibration error"]
    for part in next(iter(models.values())):
        for model, found in models.items():
            scores = found[part]
            alone = scores["accuracy_without_copies"]
            lines.append(
                f"  {part:<10}  {model:<8} {scores['images']:7,}  {scores['accuracy']:8.2%}  "
                f"{scores['macro_f1']:8.2%}  {'' if alone is None else format(alone, '.2%'):>9}  "
                f"{scores['expected_calibration_error']:17.3f}"
            )
    return "\n".join(lines)


def people_headline(scores: Scores) -> str:
    """The figures of people's reading on one split in one line."""
    if scores["agreement"] is None:
        return f"{scores['images']:,} images, on none of which half of the people agree"
    return (
        f"{scores['images']:,} images, agreement {scores['agreement']:.2%} with the majority of "
        f"{scores['with_majority']:,}, macro recall {scores['macro_recall']:.2%}, distance "
        f"{scores['distance']:.3f}, calibration error {scores['expected_calibration_error']:.3f}"
    )


def people_table(scores: Scores) -> str:
    """How much of each class of people's majority the model finds, aligned."""
    wide = max(5, *(len(name) for name in scores["recall"]))
    lines = [f"  {'class':<{wide}}  recall"]
    lines += [f"  {name:<{wide}}  {recall:6.3f}" for name, recall in scores["recall"].items()]
    return "\n".join(lines)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """`content` as a JSON file that is either whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
