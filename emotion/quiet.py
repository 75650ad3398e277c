"""Keeps the chatter of libraries from the terminal; what they raise still comes through."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Send what is written to the process's standard error, by C++ too, nowhere meanwhile."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error at all
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(nowhere)
        os.close(saved)
