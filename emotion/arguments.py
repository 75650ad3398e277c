"""What a caller of the library gave, checked: a value that can be used, or one line that says why.

Nothing slow is loaded here: the scripts check their settings with it, too.
"""

import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from emotion.errors import EmotionError

_LONGEST = 60  # characters of a value that a complaint repeats


def number(name: str, value: Any, needed: str, fits: Callable[[float], bool]) -> float:
    """`value` as a float; EmotionError when it is no finite number that `fits`."""
    try:
        found = float(value) if isinstance(value, Real) else math.nan
    except OverflowError:  # a whole number of hundreds of digits
        found = math.nan
    if isinstance(value, bool) or not math.isfinite(found) or not fits(found):
        raise EmotionError(f"{name}={shown(value)} must be {needed}")
    return found


def count(name: str, value: Any) -> int:
    """`value` as an int; EmotionError when it is no whole number from 1 to 1,000,000."""
    found = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else 0
    if not 1 <= found <= 1_000_000:
        raise EmotionError(f"{name}={shown(value)} must be a whole number of 1 or more")
    return found


def path(name: str, value: Any) -> Path:
    """`value` as a path; EmotionError when it is none."""
    if not isinstance(value, str | Path):
        raise EmotionError(f"{name}={shown(value)} must be the path of a file")
    return Path(value)


def wrong_region(value: Sequence[Any]) -> str | None:
    """Why `value` is no part of a frame, or None: x, y, width and height in pixels."""
    if not value:  # none was asked for
        return None
    whole = all(isinstance(one, Integral) and not isinstance(one, bool) for one in value)
    if len(value) != 4 or not whole or min(value) < 0 or min(value[2:]) < 1:
        return "must be x,y,width,height: four whole numbers of pixels, width and height above 0"
    return None


def shown(value: Any) -> str:
    """A value as a complaint repeats it: on one line that is not too long."""
    try:
        text = repr(value)
    except Exception:  # whatever a stranger's object, or a number of too many digits, makes of it
        text = f"a {type(value).__name__}"
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
