"""Text from outside, made harmless where people read it."""

_JOINERS = "\u200c\u200d"  # not printable by themselves, and part of Persian and Hindi words


def printable(text: str, *, keep: str = "") -> str:
    """`text` with everything that steers a terminal written as an escape; `keep` stays as it is.

    A file's name or a model's label may hold colour codes, line breaks or bytes that are no text.
    """
    if text.isprintable():
        return text
    kept = keep + _JOINERS
    return "".join(
        one if one.isprintable() or one in kept else one.encode("unicode_escape").decode("ascii")
        for one in text
    )
