"""What the file names of well-known data sets say of each picture: who it is, and which emotion."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

_SAMPLE = 50  # names that are looked at before all are
_NEARLY_ALL = 0.9


@dataclass(frozen=True)
class Convention:
    """How a data set names its files: `pattern` has a group `person`, and `emotion` if it tells."""

    name: str
    pattern: re.Pattern[str]
    emotions: Mapping[str, str] = field(default_factory=dict)

    def person(self, file: str) -> str:
        """Who is seen in the picture, by the file's name without folders; "" where it says not."""
        match = self.pattern.match(file)
        return match["person"].upper() if match else ""

    def label(self, file: str) -> str:
        """The picture's class, or ""."""
        match = self.pattern.match(file)
        return self.emotions.get(match["emotion"].upper(), "") if match and self.emotions else ""


_JAFFE = {
    "AN": "angry",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprise",
}
_KDEF = {("AF" if code == "FE" else code): name for code, name in _JAFFE.items()}  # as in afraid
_RAFD = {
    "ANGRY": "angry",
    "CONTEMPTUOUS": "contempt",
    "DISGUSTED": "disgust",
    "FEARFUL": "fear",
    "HAPPY": "happy",
    "NEUTRAL": "neutral",
    "SAD": "sad",
    "SURPRISED": "surprise",
}


def _convention(name: str, pattern: str, emotions: Mapping[str, str]) -> Convention:
    filled = pattern.replace("EMOTION", f"(?P<emotion>{'|'.join(emotions)})")
    return Convention(name, re.compile(filled, re.IGNORECASE), emotions)


CONVENTIONS = (
    _convention("CK+", r"(?P<person>S\d{3})_\d{3}_\d{8}", {}),  # S010_004_00000017.png
    _convention("JAFFE", r"(?P<person>[A-Z]{2})\.EMOTION\d\.\d+", _JAFFE),  # KA.AN1.39.tiff
    # AF01ANS.JPG; the first letter is the sitting
    _convention("KDEF", r"[AB](?P<person>[FM]\d\d)EMOTION(?:S|[FH][LR])\.", _KDEF),
    # Rafd090_01_Caucasian_female_angry_frontal.jpg
    _convention("RaFD", r"Rafd\d{3}_(?P<person>\d+)_[a-z]+_[a-z]+_EMOTION_", _RAFD),
)


def telling_persons(files: Sequence[str]) -> Convention | None:
    """The convention by which nearly all `files`, without folders, tell the person; or None."""
    return _fitting(files, lambda one, file: bool(one.person(file)))


def telling_emotions(files: Sequence[str]) -> Convention | None:
    """The convention by which nearly all `files`, without folders, tell the class; or None."""
    return _fitting(files, lambda one, file: bool(one.label(file)))


def _fitting(files: Sequence[str], tells: Callable[[Convention, str], bool]) -> Convention | None:
    sample = files[:: max(len(files) // _SAMPLE, 1)]
    for one in CONVENTIONS:
        if all(
            sum(tells(one, file) for file in some) >= _NEARLY_ALL * len(some) > 0
            for some in (sample, files)
        ):
            return one
    return None
