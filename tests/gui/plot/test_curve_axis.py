import pytest

from optgui.gui.plot.curve_axis import CurveAxis, short, short_x


@pytest.mark.parametrize(
    ("decades", "low", "high", "expected"),
    [
        (True, -3.2, 1.1, {"0.001", "0.01", "0.1", "1", "10"}),
        (True, -40.0, 0.0, {"1e−16", "1"}),
        (True, 0.30, 0.34, {"2.1"}),
        (False, 0.0, 1.0, {"0.0", "1.0"}),
        (False, 0.0, 3e-7, {"1e−7"}),
        (False, -20_000.0, 0.0, {"−10,000", "0"}),
    ],
)
def test_ticks_are_few_round_numbers_within_the_range(qapp, decades, low, high, expected):
    axis = CurveAxis("left", letters=8)
    axis.decades = decades
    [(spacing, values)] = axis.tickValues(low, high, 250)
    words = axis.tickStrings(values, 1.0, spacing)
    assert 2 <= len(values) <= 9
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in values)
    assert len(set(words)) == len(words)
    assert expected <= set(words)


@pytest.mark.parametrize("height", [40, 60, 90])
@pytest.mark.parametrize(
    ("low", "high"), [(-3.1, -2.05), (-5.5, -0.5), (-4.05, -2.9), (-1.06, -0.92), (-7.9, -0.1), (0.29, 0.31)]
)
def test_two_numbers_at_least_tell_a_low_axis_of_decades(qapp, low, high, height):
    axis = CurveAxis("left", letters=8)
    axis.decades = True
    [(_, values)] = axis.tickValues(low, high, height)
    assert 2 <= len(values) <= 4
    assert all(low <= value <= high for value in values)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5000"),
        (1234.0, "1234"),
        (12_345.0, "12,340"),
        (-1.2345e-5, "−1.234e−5"),
        (3e20, "3.000e20"),
        (0.0, "0.000"),
        (float("nan"), "not a number"),
        (float("-inf"), "−∞"),
    ],
)
def test_short_writes_four_significant_digits(value, text):
    assert short(value) == text


@pytest.mark.parametrize(("x", "text"), [(1_876.0, "1,876"), (0.0, "0"), (2.5, "2.500")])
def test_a_place_is_written_whole_where_it_is_whole(x, text):
    assert short_x(x) == text
