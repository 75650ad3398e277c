"""What lies in samples/ is what its script makes of the one photograph."""

import importlib.util
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from emotion.sources.clip import Clip

SAMPLES = Path(__file__).parents[1] / "samples"


@pytest.fixture(scope="module")
def maker():
    description = importlib.util.spec_from_file_location(
        "make_samples", SAMPLES / "make_samples.py"
    )
    made = importlib.util.module_from_spec(description)
    description.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def both(maker):
    photograph = cv2.imread(str(SAMPLES / "astronaut.png"))
    return np.hstack([photograph[:, ::-1], photograph])


def test_the_clip_is_what_the_script_draws(maker, both, people_clip):
    assert people_clip.stat().st_size < 300_000
    with Clip(people_clip) as clip:
        shown = list(clip)
    assert len(shown) == maker.FRAMES and clip.rate == maker.RATE
    for frame, drawn in islice(zip(shown, maker.frames(both), strict=True), 0, None, 10):
        assert abs(frame.image.astype(int) - drawn).mean() < 8  # MPEG-4 loses that much


def test_the_pictures_are_what_the_script_draws(maker, both, two_people, nobody):
    drawn = maker.view(both, *maker.BOTH, size=(480, 360))
    assert abs(two_people.astype(int) - drawn).mean() < 3
    assert abs(nobody.astype(int) - maker.nobody()).mean() < 3


def test_the_script_writes_all_three(maker, tmp_path, monkeypatch, capsys):
    (tmp_path / "astronaut.png").write_bytes((SAMPLES / "astronaut.png").read_bytes())
    monkeypatch.setattr(maker, "FOLDER", tmp_path)
    maker.main()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["astronaut.png", "nobody.jpg", "people.mp4", "two.jpg"]
    assert capsys.readouterr().out.count("wrote ") == 3
