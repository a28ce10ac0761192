import numpy as np
import pytest

from optgui.gui.plot.series import FAN, Series


def random_curve(size, seed=0, *, gaps=True):
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.exponential(1.0, size) * rng.choice([0.0, 1.0, 30.0], size, p=[0.05, 0.9, 0.05]))
    y = rng.standard_cauchy(size)
    if gaps:
        y[rng.random(size) < 0.1] = np.nan
        y[rng.random(size) < 0.01] = np.inf
        y[size // 3 : size // 3 + size // 20] = np.nan
    return x, y


def filled(x, y, smoothing=None):
    series = Series(smoothing)
    series.extend(x, y)
    return series


def brute_force_bins(x, y, x0, x1, bins):
    """Smallest and largest finite y of each bin that has one, straight from the definition."""
    edges = np.linspace(x0, x1, bins + 1)
    found = []
    for at in range(bins):
        right = x <= edges[at + 1] if at == bins - 1 else x < edges[at + 1]
        inside = y[(x >= edges[at]) & right & np.isfinite(y)]
        if len(inside):
            found.append((inside.min(), inside.max()))
    return np.array(found)


def pairs(y):
    return np.sort(y.reshape(-1, 2), axis=1)


@pytest.mark.parametrize("size", [4 * FAN**2, FAN**3 + 1, 20_000])
@pytest.mark.parametrize("window", [(0.0, 1.0), (0.1, 0.9), (0.31, 0.5)])
@pytest.mark.parametrize("bins", [1, 3, 50])
def test_envelope_is_the_smallest_and_largest_of_each_bin(size, window, bins):
    x, y = random_curve(size)
    x0, x1 = (x[-1] * end for end in window)
    _, drawn = filled(x, y).envelope(x0, x1, bins)
    assert np.array_equal(pairs(drawn), brute_force_bins(x, y, x0, x1, bins))


def test_envelope_ascends_in_x_and_stays_in_the_window():
    x, y = random_curve(5_000)
    drawn, _ = filled(x, y).envelope(x[1_000], x[4_000], 70)
    assert (np.diff(drawn) >= 0).all()
    assert x[1_000] <= drawn[0]
    assert drawn[-1] <= x[4_000]


def test_few_records_are_drawn_exactly():
    x, y = random_curve(120, gaps=False)
    drawn_x, drawn_y = filled(x, y).envelope(x[10], x[90], 100)
    inside = (x >= x[10]) & (x <= x[90])
    assert np.array_equal(drawn_x, x[inside])
    assert np.array_equal(drawn_y, y[inside])


def test_neighbours_carry_the_line_to_the_edges():
    series = filled([0.0, 10.0, 20.0, 30.0], [1.0, 2.0, 3.0, 4.0])
    assert series.envelope(12.0, 18.0, 10)[0].tolist() == []
    assert series.envelope(12.0, 18.0, 10, around=True)[0].tolist() == [10.0, 20.0]
    x = np.arange(1000.0)
    drawn, _ = filled(x, x).envelope(100.0, 899.0, 10, around=True)
    assert (drawn[0], drawn[-1]) == (99.0, 900.0)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_a_monotone_curve_stays_monotone(direction):
    x = np.arange(10_000.0)
    _, y = filled(x, direction * np.sqrt(x)).envelope(0.0, 9_999.0, 200)
    assert (direction * np.diff(y) >= 0).all()


def test_extremes_survive_at_every_zoom():
    x = np.arange(100_000.0)
    y = np.zeros(len(x))
    y[54_321], y[54_400] = 7.0, -3.0
    series = filled(x, y)
    for half in (200, 3_000, 40_000, 54_000):
        _, drawn = series.envelope(54_350.0 - half, 54_350.0 + half, 60)
        assert (drawn.min(), drawn.max()) == (-3.0, 7.0)


@pytest.mark.parametrize("smoothing", [None, 0.9])
def test_many_small_extends_equal_one_large(smoothing):
    x, y = random_curve(9_000, seed=3)
    once, bit_by_bit = filled(x, y, smoothing), Series(smoothing)
    rng, at = np.random.default_rng(4), 0
    windows = [(0.0, x[-1], 90), (0.0, 2 * x[-1], 70), (x[500], x[8_000], 40)]
    while at < len(x):
        end = at + int(rng.integers(0, 400))
        bit_by_bit.extend(x[at:end], y[at:end])
        at = end
        for window in windows:  # asked in between, so that what is kept from call to call is tested as well
            bit_by_bit.envelope(*window, smoothed=smoothing is not None)
    assert len(bit_by_bit) == len(once) == 9_000
    for x0, x1, bins in windows:
        for smoothed in {False, smoothing is not None}:
            for one, other in zip(
                once.envelope(x0, x1, bins, smoothed=smoothed),
                bit_by_bit.envelope(x0, x1, bins, smoothed=smoothed),
                strict=True,
            ):
                assert np.array_equal(one, other)


def test_a_growing_curve_keeps_its_envelope_right_while_it_is_watched():
    x, y = random_curve(6_000, seed=5)
    series = Series()
    for at in range(0, 6_000, 250):
        series.extend(x[at : at + 250], y[at : at + 250])
        seen = slice(0, at + 250)
        _, drawn = series.envelope(0.0, x[-1], 40)
        if at + 250 > 80:
            assert np.array_equal(pairs(drawn), brute_force_bins(x[seen], y[seen], 0.0, x[-1], 40))


def test_drawn_points_do_not_grow_with_the_records():
    x = np.arange(300_000.0)
    series = filled(x, np.random.default_rng(0).standard_normal(len(x)))
    for window in ((0.0, 3e5), (10.0, 2_500.0), (1e5, 2e5)):
        assert len(series.envelope(*window, 700)[0]) <= 1_400


def test_nearest_is_the_record_with_the_least_distance():
    x, y = random_curve(700, gaps=False)
    series = filled(x, y)
    for place in np.random.default_rng(1).uniform(-5.0, x[-1] + 5.0, 100):
        found = series.nearest(place)
        assert abs(found[0] - place) == np.abs(x - place).min()
        assert found[1] in y[x == found[0]]


def test_nearest_reads_values_that_are_not_drawn():
    series = filled([0.0, 1.0], [1.0, np.inf])
    assert series.nearest(0.9) == (1.0, np.inf)
    assert series.last == (1.0, np.inf)


def test_y_range_is_the_smallest_and_largest_finite_value_between():
    x, y = random_curve(4_000, seed=2)
    series = filled(x, y)
    for x0, x1 in ((x[0], x[-1]), (x[100], x[101]), (x[37], x[3_000])):
        inside = y[(x >= x0) & (x <= x1) & np.isfinite(y)]
        assert series.y_range(x0, x1) == (inside.min(), inside.max())


def test_empty_series_has_nothing_to_say():
    series = Series(0.5)
    assert (len(series), series.last, series.nearest(1.0), series.y_range(0.0, 1.0)) == (0, None, None, None)
    assert series.envelope(0.0, 1.0, 10, smoothed=True)[0].tolist() == []
    assert filled([1.0], [np.nan]).y_range(0.0, 2.0) is None


def test_smoothed_is_the_average_without_the_start_at_zero():
    y = np.random.default_rng(0).standard_normal(60)
    series = filled(np.arange(60.0), y, 0.8)
    for at in (0, 1, 17, 59):
        weights = 0.8 ** np.arange(at, -1, -1.0)
        assert series.smoothed[at] == pytest.approx(np.average(y[: at + 1], weights=weights), rel=1e-12)


def test_smoothed_passes_over_missing_values():
    series = filled([0.0, 1.0, 2.0, 3.0], [np.nan, 2.0, np.inf, 2.0], 0.5)
    assert np.array_equal(series.smoothed, [np.nan, 2.0, 2.0, 2.0], equal_nan=True)


def test_set_smoothing_averages_again_from_the_start():
    x, y = random_curve(300)
    series = filled(x, y, 0.9)
    series.set_smoothing(0.3)
    assert np.array_equal(series.smoothed, filled(x, y, 0.3).smoothed, equal_nan=True)
    series.set_smoothing(None)
    assert series.smoothed is None
    with pytest.raises(ValueError, match="smoothed: expected"):
        series.envelope(0.0, 1.0, 10, smoothed=True)


def test_clear_forgets_records_and_averages():
    x, y = random_curve(2_000)
    series = filled(x, y, 0.9)
    series.envelope(0.0, x[-1], 30)
    series.clear()
    series.extend(x[:900], -y[:900])
    fresh = filled(x[:900], -y[:900], 0.9)
    assert np.array_equal(series.smoothed, fresh.smoothed, equal_nan=True)
    assert np.array_equal(series.envelope(0.0, x[-1], 30)[1], fresh.envelope(0.0, x[-1], 30)[1])


@pytest.mark.parametrize(
    ("xs", "ys", "words"),
    [
        ([1.0, 2.0], [1.0], "ys: expected"),
        ([6.0, 5.5], [1.0, 1.0], "xs: expected"),
        ([4.0], [1.0], "xs: expected"),
        ([np.nan], [1.0], "xs: expected"),
    ],
)
def test_extend_refuses_what_is_no_continuation(xs, ys, words):
    series = filled([5.0], [1.0])
    with pytest.raises(ValueError, match=words):
        series.extend(xs, ys)
    assert len(series) == 1


@pytest.mark.parametrize("factor", [-0.1, 1.0, float("nan")])
def test_smoothing_outside_its_range_is_refused(factor):
    with pytest.raises(ValueError, match="smoothing: expected"):
        Series(factor)
