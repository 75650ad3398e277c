"""Reads the expression on a face: training on the Keras side, recognition on the LiteRT side."""

__version__ = "1.0.0"

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emotion.recogniser import EmotionRecogniser
    from emotion.tracking.tracker import Face

__all__ = ["EmotionRecogniser", "Face", "__version__"]
__version__ = "1.0.0"


def __getattr__(name: str) -> Any:
    """The names a library user needs, loaded when first asked for: training needs none of them."""
    if name == "EmotionRecogniser":
        from emotion.recogniser import EmotionRecogniser

        return EmotionRecogniser
    if name == "Face":
        from emotion.tracking.tracker import Face

        return Face
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
