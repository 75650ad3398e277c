"""What the benchmarks of growth and of training make of their figures."""

import math

import pytest

from benchmarks import growth, training
from benchmarks.growth import Growth
from emotion.cli import settings as config
from emotion.errors import SettingsError
from emotion.recogniser import EmotionRecogniser


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_exponent_of_a_power_law_is_found(exponent):
    amounts = (1, 2, 4, 8)
    assert growth.slope(amounts, [3 * n**exponent for n in amounts]) == pytest.approx(exponent)


def test_nothing_has_no_logarithm_and_is_left_out_of_the_exponent():
    assert growth.slope((0, 1, 10), [5.0, 1.0, 10.0]) == pytest.approx(1)
    assert math.isnan(growth.slope((0, 1), [5.0, 1.0]))


def test_table_has_medians_range_and_both_exponents():
    found = Growth("things", "many", "ms", (1, 2, 4), ((1, 5, 9), (5, 5, 5), (10, 10, 10)))
    assert growth.table(found).splitlines() == [
        "",
        "things: ms by many",
        "           1           5  (1 to 9)",
        "           2           5  (5 to 5)",
        "           4          10  (10 to 10)",
        "exponent 0.50, 1.00 between the last two",
    ]


def test_as_many_faces_are_found_as_were_drawn():
    places = [growth.place(640, 480, 2, 1, number) for number in range(2)]
    assert len(EmotionRecogniser()(growth.scene(640, 480, places))) == 2


def test_this_benchmarks_output_is_not_recognitions(monkeypatch, tmp_path):
    monkeypatch.setenv("OUTPUT", "figures.json")
    given = growth.surroundings(tmp_path, tmp_path / "rows.csv")
    assert "OUTPUT" not in given
    assert given["DEVICE_ID"] == str(tmp_path)


def test_unknown_kind_and_back_end_are_refused():
    with pytest.raises(SettingsError, match="names weight: there are size, faces"):
        config.read(growth.Settings, {"ONLY": "weight"})
    with pytest.raises(SettingsError, match="names numpy: there are tensorflow, torch, jax"):
        config.read(training.Settings, {"BACK_ENDS": "numpy"})


def test_parts_of_a_step_are_the_differences_of_three_kinds():
    seconds = {training.WHOLE: 1.0, training.STILL: 0.8, training.PLAIN: 0.7}
    said = training.shares(seconds)
    assert said == "augmentation 20.0%, forward and backward 70.0%, optimiser 10.0%"


def test_images_a_second_are_by_the_clock_and_shares_by_the_processor():
    took = {training.WHOLE: 2.0, training.STILL: 1.5, training.PLAIN: 1.0}
    lines = training.table({kind: [(0.5, cpu), (1.0, cpu)] for kind, cpu in took.items()}, 75)
    first, *_, last = lines.splitlines()
    assert first.split() == (
        "whole step 750 ms (500 to 1000) 100 images/s CPU 2000 ms".split()  # noqa: SIM905
    )
    assert last.endswith("augmentation 25.0%, forward and backward 50.0%, optimiser 25.0%")
