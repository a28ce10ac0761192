import numpy as np
import pytest
import torch

from optgui.core.attack import Attack, AttackConfig, Victim
from optgui.core.attack.methods.square import Square
from tests.core.attack.samples import digits, network, sizes

EPSILON = {"L2": 1.0, "Linf": 0.03}


def attack_of(norm, steps=200, images=None, **more):
    own, labels = digits()
    settings = {"method": "Square", "norm": norm, "epsilon": EPSILON[norm], "steps": steps, **more}
    return Attack(AttackConfig.parse(settings), Victim(network()), own if images is None else images, labels)


@pytest.mark.parametrize("norm", EPSILON)
def test_the_margin_never_falls_and_what_changes_is_one_square(norm):
    attack = attack_of(norm, images=torch.full((12, 1, 28, 28), 0.5))
    while not attack.done:
        before, losses = attack.current, attack.now.losses
        side = max(1, round(Square._side(attack._method)))
        attack.step()
        assert (attack.now.losses >= losses).all()
        if norm == "Linf":
            for old, new in zip(before, attack.current, strict=True):
                rows, columns = np.nonzero((old != new)[0].numpy())
                assert len(rows) == 0 or (np.ptp(rows) < side and np.ptp(columns) < side)


@pytest.mark.parametrize("norm", EPSILON)
def test_it_starts_and_stays_at_the_edge_of_the_ball(norm):
    attack = attack_of(norm, 40, images=torch.full((12, 1, 28, 28), 0.5))
    for _ in range(40):
        np.testing.assert_allclose(sizes(attack.current, norm), EPSILON[norm], rtol=1e-5)
        attack.step()


@pytest.mark.parametrize("norm", EPSILON)
def test_it_beats_as_much_noise_without_a_gradient(norm):
    attack, noise = attack_of(norm, 400), attack_of(norm, 400, method="Noise", loss="Margin")
    for one in (attack, noise):
        one.run()
        assert one.lengths == []
    assert (attack.now.losses > noise.now.losses).all()


def test_the_squares_shrink_by_the_schedule_of_the_authors():
    attack = attack_of("Linf", 10_000)
    expected = {0: 0.8, 10: 0.8, 11: 0.4, 51: 0.2, 201: 0.1, 501: 0.05, 8001: 0.8 / 512}
    for step, share in expected.items():
        attack._task.iteration = step
        assert attack._method._side() == pytest.approx(28 * share**0.5)
