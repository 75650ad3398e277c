"""Pictures that are nearly the same: frames of one sequence, another crop of one photograph.

A perceptual hash (difference hash; Zauner 2010) finds who is worth comparing, in time that grows
with the number of pictures and not with its square.
"""

import numpy as np
from numpy.typing import NDArray

_GRID = 8  # cells a side that the hash looks at
_BANDS = 4  # of 16 bits: two hashes with up to 3 bits different share one of them
_NEIGHBOURS = 24  # in a band's order; more of one hash are compared with these only
_ALIKE = 0.97  # correlation of two pictures' cells, from which on they are near copies


def near(images: NDArray[np.uint8], known: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of `images` (N, size, size) are nearly one of `known` (M, size, size): (N,)."""
    found = np.zeros(len(images), np.bool_)
    if not len(images) or not len(known):
        return found
    cells, others = _cells(images), _cells(known)
    bands, known_bands = _bands(cells), _bands(others)
    unit, known_unit = _unit(cells), _unit(others)
    for band in range(_BANDS):
        order = np.argsort(known_bands[:, band], kind="stable")
        sorted_bands = known_bands[order, band]
        start = np.searchsorted(sorted_bands, bands[:, band], "left")
        end = np.searchsorted(sorted_bands, bands[:, band], "right")
        for step in range(_NEIGHBOURS):
            at = np.flatnonzero(~found & (start + step < end))
            if not len(at):
                break
            candidate = order[start[at] + step]
            alike = np.einsum("nc,nc->n", unit[at], known_unit[candidate])
            found[at[alike >= _ALIKE]] = True
    return found


def _cells(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, 8, 8): mean brightness; rows and columns beyond a whole number of cells are left out."""
    side = images.shape[1] // _GRID
    cut = images[:, : side * _GRID, : side * _GRID]
    return cut.reshape(-1, _GRID, side, _GRID, side).mean(axis=(2, 4), dtype=np.float32)


def _bands(cells: NDArray[np.float32]) -> NDArray[np.uint16]:
    """(N, 4): whether each cell is brighter than its right neighbour, two rows in a number."""
    bits = cells > np.roll(cells, -1, axis=2)
    return np.packbits(bits.reshape(len(cells), -1), axis=1).view(np.uint16)


def _unit(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 64): the cells less their mean, of length one, so that a product is a correlation."""
    flat = cells.reshape(len(cells), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
