"""A TOML file -> its keys and values, or why it cannot be read."""

from pathlib import Path
from typing import Any


def read(path: Path) -> dict[str, Any]:
    """What the TOML file at `path` holds.

    Raises ValueError with what is wrong with the file ("cannot be read: ...").
    """
    import tomllib  # only where a file is named: the start stays quick

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("cannot be read: it is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"is not TOML: {error}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, lists within lists
        raise ValueError("is not TOML that can be read") from None
