"""The robust curves: what they are made of, and what is there when a person stops."""

import numpy as np
import pytest
from scipy import stats

from optgui.core.attack.robust import RobustConfig, RobustEngine
from optgui.core.attack.robust.engine import FIRST, wilson
from optgui.core.engine import build, run_slice
from tests.core.attack.robust.networks import inputs, learned, measure, same
from tests.samples import made_up_digits


@pytest.fixture(scope="module")
def frame():
    return measure({"digits": 150, "l1": True}).frame()


def test_a_curve_is_the_share_of_digits_whose_threshold_is_larger(frame):
    assert [curve.norm for curve in frame.curves] == ["L2", "Linf", "L1"]
    for curve in frame.curves:
        assert len(curve.thresholds) == frame.digits == frame.wanted == 150
        wanted = [sum(size > epsilon for size in curve.thresholds) / 150 for epsilon in curve.epsilons]
        np.testing.assert_allclose(curve.robust, wanted, atol=1e-15)
        assert (np.diff(curve.robust) <= 0).all()
        assert curve.robust[-1] < curve.robust[0]


def test_it_begins_with_the_accuracy_on_the_digits(frame):
    snapshot, digits = learned(), made_up_digits()
    first, *_ = arrays = [snapshot.arrays[name].astype(np.float64) for name in snapshot.arrays]
    assert first.shape == (16, 784)
    pixels = (digits.test_images[:150].reshape(150, -1) / 255 - 0.1307) / 0.3081
    hidden = np.maximum(pixels @ arrays[0].T + arrays[1], 0)
    right = (hidden @ arrays[2].T + arrays[3]).argmax(1) == digits.test_labels[:150]
    for curve in frame.curves:
        assert curve.epsilons[0] == 0
        assert curve.robust[0] == curve.noise[0] == right.mean()
        assert np.array_equal(curve.thresholds == 0, ~right)


def test_the_radii_are_evenly_spaced_up_to_the_largest():
    config = RobustConfig.parse({"linf_most": 0.25, "epsilons": 5})
    np.testing.assert_allclose(config.radii("Linf"), [0.05, 0.1, 0.15, 0.2, 0.25])


def test_noise_of_the_same_size_fools_less_than_the_attack(frame):
    for curve in frame.curves:
        assert ((curve.noise >= 0) & (curve.noise <= 1)).all()
        assert (curve.noise >= curve.robust).all()
    assert all(curve.noise is None for curve in measure({"digits": 20, "noise": False}).frame().curves)


@pytest.mark.parametrize(("right", "count"), [(0, 5), (3, 7), (50, 100), (9_613, 10_000), (20, 20)])
def test_the_band_is_wilsons(right, count):
    low, high = wilson(np.array([right / count]), count)
    wanted = stats.binomtest(right, count).proportion_ci(method="wilson")
    assert low[0] == pytest.approx(wanted.low, abs=1e-6)
    assert high[0] == pytest.approx(wanted.high, abs=1e-6)


def test_the_band_holds_the_curve(frame):
    for curve in frame.curves:
        assert (curve.low <= curve.robust).all()
        assert (curve.robust <= curve.high).all()


def test_what_is_there_when_a_person_stops_is_the_whole_curve_of_fewer_digits():
    engine = RobustEngine(RobustConfig.parse({"digits": 400, "epsilons": 6, "steps": 10}), inputs())
    assert engine.frame().curves == ()
    while not engine.frame().digits:
        engine.step()
    partial = engine.frame()
    assert (partial.digits, partial.wanted) == (FIRST, 400)
    assert same(partial, measure({"digits": FIRST}).frame())
    with pytest.raises(ValueError, match="read-only"):
        partial.curves[0].robust[0] = 0


def test_the_same_seed_gives_the_same_curves():
    settings = {"digits": 120, "seed": 7, "linf": False}
    one, other = measure(settings).frame(), measure(settings).frame()
    assert same(one, other)
    assert not same(one, measure({**settings, "seed": 8}).frame())


def test_every_network_is_measured_on_the_same_digits_as_if_alone():
    given = inputs(learned(), learned("Softmax"), learned("MLP", 1))
    frame = measure({"digits": 60}, given).frame()
    ids = ["MLP-0@32", "Softmax-0@32", "MLP-1@32"]
    assert [(curve.network_id, curve.norm) for curve in frame.curves] == [
        (identity, norm) for identity in ids for norm in ("L2", "Linf")
    ]
    alone = measure({"digits": 60}, inputs(learned("Softmax"))).frame()
    assert same(alone, type(frame)(frame.curves[2:4], 60, 60))


def test_more_digits_than_the_set_has_is_refused():
    with pytest.raises(ValueError, match=r"^digits: expected at most the 40 of the test set, got 1,000$"):
        RobustEngine(RobustConfig(), inputs(most=40))
    assert measure({"digits": 40}, inputs(most=40)).frame().digits == 40


def test_no_network_is_refused():
    given = inputs()
    with pytest.raises(ValueError, match="networks: expected at least one"):
        RobustEngine(RobustConfig(), type(given)((), given.images, given.labels))


def test_no_norm_is_refused():
    with pytest.raises(ValueError, match="l2: expected at least one norm"):
        RobustConfig.parse({"l2": False, "linf": False})


def test_a_digit_misread_at_once_is_fooled_at_nothing_and_one_that_resists_never():
    given = inputs()
    wrong = type(given)(given.networks, given.images, (given.labels + 1) % 10)
    assert all((curve.robust <= 0.2).all() for curve in measure({"digits": 30}, wrong).frame().curves)
    tiny = measure({"digits": 30, "l2_most": 1e-6, "linf": False}).frame().curves[0]
    assert (tiny.robust == tiny.robust[0]).all()


def test_progress_never_goes_back_and_ends_with_all_digits():
    engine = RobustEngine(RobustConfig.parse({"digits": 130, "epsilons": 4, "steps": 6}), inputs())
    seen = [engine.status().done]
    while not engine.done:
        engine.step()
        seen.append(engine.status().done)
    assert seen == sorted(seen)
    assert len(set(seen)) > 10
    assert seen[0] == 0
    assert tuple(engine.status())[:3] == (130, 130, "digits")


def test_a_step_is_one_look_at_some_of_the_digits(monkeypatch):
    from optgui.core.attack.victim import Victim

    looks = []
    pull, logits = Victim.pull, Victim.logits
    monkeypatch.setattr(Victim, "pull", lambda *args: looks.append(len(args[1])) or pull(*args))
    monkeypatch.setattr(Victim, "logits", lambda *args: looks.append(len(args[1])) or logits(*args))
    engine = RobustEngine(RobustConfig.parse({"digits": 400, "steps": 6}), inputs())
    worst = 0
    while not engine.done:
        looks.clear()
        engine.step()
        worst = max(worst, sum(looks))
    assert worst <= 6 * 300  # the end of one attack, the check of what it found, and the start of the next


def test_a_measurement_takes_no_edit_and_no_question():
    engine = RobustEngine(RobustConfig(digits=10), inputs())
    with pytest.raises(ValueError, match="next start"):
        engine.apply(RobustConfig())
    with pytest.raises(ValueError, match="request: expected none"):
        engine.answer("what?")


def test_the_largest_seed_will_do():
    settings = {"digits": 120, "seed": 2**32 - 1, "linf": False, "steps": 2}
    assert measure(settings).frame().digits == 120


def test_a_worker_builds_it():
    engine = build("robust", RobustConfig.parse({"digits": 20, "steps": 5}), inputs())
    while not engine.done:
        run_slice(engine, 0.012)
    assert engine.frame().digits == 20
