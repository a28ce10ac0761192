import numpy as np
import pytest
import torch
from torch import nn

from tests.core.attack.samples import digits, engine, network, run


def test_another_epsilon_attacks_anew_from_the_projected_images():
    attack = engine({"epsilon": 2.0, "step_size": 0.5, "steps": 10, "clip": False})
    run(attack)
    np.testing.assert_allclose(attack.frame().norms, 2, rtol=1e-5)
    attack.apply(attack.config.changed("epsilon", 1.0))
    assert attack.frame().norms.max() <= 1
    assert [record.step for record in run(attack)] == list(range(11, 21))
    attack.apply(attack.config.changed("epsilon", 3.0))
    run(attack)
    np.testing.assert_allclose(attack.frame().norms, 3, rtol=1e-5)


def test_another_target_attacks_anew_from_the_present_images():
    attack = engine({"epsilon": 2.0, "steps": 10}, images=digits(1)[0], labels=torch.tensor([3]))
    run(attack)
    before = attack.frame()
    attack.apply(attack.config.changed("goal", "targeted").changed("target", 5))
    after = attack.frame()
    np.testing.assert_array_equal(after.adversarial, before.adversarial)
    assert after.targets.tolist() == [5]
    assert run(attack)[-1].loss > np.log(before.probabilities[0, 5])


def test_the_own_class_as_target_is_refused_and_changes_nothing():
    attack = engine({"steps": 3}, images=digits(1)[0], labels=torch.tensor([3]))
    config = attack.config
    with pytest.raises(ValueError, match="target: expected a class other than the image's own, got 3"):
        attack.apply(config.changed("goal", "targeted").changed("target", 3))
    assert attack.config is config
    assert len(run(attack)) == 3


def test_step_after_an_epsilon_edit_climbs_from_the_projected_images():
    attack = engine({"step_rule": "gradient", "epsilon": 3.0, "step_size": 2.0, "clip": False})
    for _ in range(3):
        attack.step()
    attack.apply(attack.config.changed("epsilon", 0.5))
    frame = attack.frame()
    images = torch.tensor(frame.adversarial, requires_grad=True)
    losses = nn.functional.cross_entropy(network()(images), torch.tensor(frame.labels), reduction="sum")
    delta = frame.perturbation + 2 * torch.autograd.grad(losses, images)[0].numpy()
    lengths = np.linalg.norm(delta.reshape(12, -1), axis=1)
    assert lengths.min() > 0.5
    attack.step()
    expected = delta * (0.5 / lengths).reshape(12, 1, 1, 1)
    np.testing.assert_allclose(attack.frame().perturbation, expected, atol=1e-6)


def test_more_steps_revive_a_finished_attack_as_if_it_had_never_ended():
    attack, reference = engine({"steps": 4}), engine({"steps": 9})
    records = run(attack)
    attack.apply(attack.config.changed("steps", 9))
    records += run(attack)
    expected = run(reference)
    assert [r._replace(until=9) for r in records] == expected


def test_more_steps_make_the_restarts_longer_and_not_more():
    attack = engine({"steps": 4, "restarts": 3})
    records = [attack.step() for _ in range(6)]
    attack.apply(attack.config.changed("steps", 9))
    records += run(attack)
    assert [record.restart for record in records] == [0] * 4 + [1] * 9 + [2] * 9
    assert records[-1].step == records[-1].until == attack.status().total == 22


def test_fewer_steps_than_done_end_the_restart():
    attack = engine({"steps": 9, "restarts": 3})
    records = [attack.step() for _ in range(5)]
    attack.apply(attack.config.changed("steps", 3))
    records += run(attack)
    assert [record.restart for record in records] == [0] * 5 + [1] * 3 + [2] * 3


def test_fewer_steps_than_done_end_the_attack():
    attack = engine({"steps": 9})
    for _ in range(5):
        attack.step()
    attack.apply(attack.config.changed("steps", 3))
    assert attack.done
    with pytest.raises(RuntimeError, match="done"):
        attack.step()


def test_step_size_changes_from_the_next_step_on():
    attack = engine({"step_size": 0.1, "clip": False})
    assert attack.step().norm == pytest.approx(0.1, rel=1e-5)
    attack.apply(attack.config.changed("step_size", 0.3))
    before = attack.frame().adversarial
    attack.step()
    moved = (attack.frame().adversarial - before).reshape(12, -1)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 0.3, rtol=1e-4)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("norm.name", "Linf"),
        ("step_rule", "sign"),
        ("random_start", True),
        ("clip", False),
        ("stop_when_fooled", True),
        ("seed", 7),
    ],
)
def test_other_edits_wait_for_the_next_start_and_change_nothing(field, value):
    attack, reference = engine({"steps": 3}), engine({"steps": 3})
    attack.step()
    reference.step()
    config = attack.config
    with pytest.raises(ValueError, match=f"{field}: takes effect at the next start"):
        attack.apply(config.changed(field, value).changed("epsilon", 0.01))
    assert attack.config is config
    assert run(attack) == run(reference)
