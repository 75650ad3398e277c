"""The training images in a few parts of like size, for networks that each do not see one of them.

What such a network says of the part that it has not seen does not repeat the mistakes in that
part's labels (cross-fitting; Stone 1974, "Cross-validatory choice and assessment of statistical
predictions").
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from emotion.data.dataset import Split
from emotion.errors import EmotionError


def of(images: NDArray[np.uint8], folds: int) -> NDArray[np.int64]:
    """The part of each image (N, size, size), 0 to `folds` - 1.

    By the pixels alone: it depends on no seed, name, order or machine, and copies of an image are
    in the same part. Of other images, or of more or fewer, the parts are others.
    """
    keys = np.array([hashlib.sha256(image.tobytes()).digest()[:8] for image in images])
    order = np.unique(keys, return_inverse=True)[1]
    return order.reshape(-1) % folds


def parted(split: Split, fold: int, folds: int) -> tuple[Split, Split]:
    """The training split without its part `fold`, counted from 1, and that part.

    Raises EmotionError when a class is left without an image.
    """
    kept = of(split.images, folds) != fold - 1
    learnt, left_out = _chosen(split, kept), _chosen(split, ~kept)
    if lost := set(left_out.targets.tolist()) - set(learnt.targets.tolist()):
        raise EmotionError(
            f"FOLD={fold} of FOLDS={folds} leaves no image of {len(lost)} of the classes to train "
            "on: give fewer FOLDS, or more pictures"
        )
    return learnt, left_out


def _chosen(split: Split, which: NDArray[np.bool_]) -> Split:
    names = tuple(name for name, is_one in zip(split.names, which, strict=True) if is_one)
    return Split(split.images[which], split.targets[which], names, split.duplicate_of_train[which])
