import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.attack import AttackConfig, AttackEngine, AttackInputs, Victim
from optgui.core.attack.inputs import digits_at_once, first_digits
from optgui.core.engine import RunFailed, build, run_slice
from optgui.core.snapshot import NetworkSnapshot, frozen, frozen_copy
from tests.core.attack.samples import MODEL, digits, engine, network, run


def test_the_network_of_the_caller_stays_as_it_is():
    module = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(784), nn.Dropout(0.5), nn.Linear(784, 10))
    module.train()
    module[1].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    images, labels = digits()
    attack = AttackEngine(AttackConfig(steps=3), module, images, labels)
    records = run(attack)
    assert all(part.training for part in module.modules())
    assert [p.requires_grad for p in module.parameters()] == [False, True, True, True]
    assert all(p.grad is None for p in module.parameters())
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
    # Dropout and batch statistics are off: the same attack once more gives the same numbers.
    assert records == run(AttackEngine(AttackConfig(steps=3), module, images, labels))


def test_training_on_after_the_start_does_not_change_the_attack():
    module = network()
    attack, reference = engine({"steps": 3}, module), engine({"steps": 3})
    attack.step()
    reference.step()
    with torch.no_grad():
        module[-1].weight.zero_()
    assert attack.step() == reference.step()


def test_attack_runs_where_gradients_are_switched_off():
    with torch.no_grad():
        records = run(engine({"steps": 2}))
    assert records == run(engine({"steps": 2}))
    assert records[-1].gradient_norm > 0


def test_a_worker_builds_the_attack_from_frozen_data():
    images, labels = digits()
    snapshot = NetworkSnapshot(
        id="run-1@40",
        model=MODEL.model_dump(mode="json"),
        arrays={name: frozen_copy(value) for name, value in network().state_dict().items()},
        dataset="mnist",
        step=40,
    )
    inputs = AttackInputs(snapshot, frozen(images.numpy().copy()), frozen(labels.numpy().copy()))
    attack = build("attack", AttackConfig(steps=3), inputs)
    records = run_slice(attack, 60)
    assert records == run(engine({"steps": 3}))
    assert attack.frame().network_id == "run-1@40"
    with pytest.raises(ValueError, match="request: expected ShowFilm"):
        attack.answer("snapshot")


def image(value=0.5, shape=(2, 1, 28, 28), dtype=np.float32):
    return np.full(shape, value, dtype)


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (image(shape=(2, 28, 28)), [1, 2], r"images: expected .*got shape \(2, 28, 28\)"),
        (image(shape=(2, 1, 28, 27)), [1, 2], r"images: expected .*got shape"),
        (image(shape=(0, 1, 28, 28)), [], r"images: expected .*got shape"),
        (image(1.01), [1, 2], "images: expected .*got numbers from 1.01 to 1.01"),
        (image(-0.01), [1, 2], "images: expected .*got numbers from -0.01"),
        (image(np.nan), [1, 2], "images: expected .*got numbers from nan"),
        (image(1, dtype=np.uint8), [1, 2], "images: expected .*got torch.uint8"),
        (image(), [1], r"labels: expected 2 whole numbers from 0 to 9.*got shape \(1,\)"),
        (image(), [[1, 2]], r"labels: expected .*got shape \(1, 2\)"),
        (image(), [1, 10], "labels: expected .*got numbers from 1 to 10"),
        (image(), [-1, 3], "labels: expected .*got numbers from -1 to 3"),
        (image(), [1.0, 2.0], "labels: expected .*got torch.float64"),
        (image(), [True, False], "labels: expected .*got torch.bool"),
    ],
)
def test_bad_images_and_labels_are_refused_by_name(images, labels, words):
    with pytest.raises(ValueError, match=words):
        AttackEngine(AttackConfig(), network(), images, np.array(labels))


@pytest.mark.parametrize("convert", [torch.tensor, np.array])
def test_images_and_labels_are_copied(convert):
    images, labels = convert(image()), convert(np.array([1, 2]))
    attack = AttackEngine(AttackConfig(steps=2), network(), images, labels)
    run(attack)
    np.testing.assert_array_equal(images, image())
    images[:], labels[:] = 0, 0
    attack.apply(attack.config.changed("steps", 4))
    run(attack)
    expected = AttackEngine(AttackConfig(steps=4), network(), image(), np.array([1, 2]))
    run(expected)
    np.testing.assert_array_equal(attack.frame().original, image())
    np.testing.assert_array_equal(attack.frame().adversarial, expected.frame().adversarial)


def test_a_network_with_other_outputs_is_refused():
    with pytest.raises(ValueError, match=r"network: expected logits \(n, 10\), got shape \(12, 3\)"):
        engine({}, nn.Sequential(nn.Flatten(), nn.Linear(784, 3)))


def test_a_diverged_network_is_refused():
    with pytest.raises(ValueError, match="network: expected finite logits"):
        engine({}, network(scale=float("nan")))


def test_a_gradient_that_is_not_finite_fails_the_run_and_leaves_the_images_readable():
    class Root(nn.Module):
        def forward(self, images):
            return images.flatten(1)[:, :10].sqrt()  # of infinite slope at 0

    attack = engine({"steps": 3}, Root(), images=torch.zeros(2, 1, 28, 28), labels=torch.tensor([0, 1]))
    with pytest.raises(RunFailed, match="network: expected a finite loss and gradient"):
        attack.step()
    frame = attack.frame()
    assert frame.step == 0
    np.testing.assert_array_equal(frame.adversarial, frame.original)


def test_the_first_digits_of_a_test_set_are_images_and_labels():
    pictures = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    images, labels = first_digits(pictures, np.arange(5), 3)
    np.testing.assert_allclose(images[:, 0], pictures[:3] / 255, rtol=1e-6)
    assert labels.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="digits: expected at most the 5 of the test set, got 6"):
        first_digits(pictures, np.arange(5), 6)


def test_a_network_that_convolves_takes_fewer_digits_at_once():
    convolving = nn.Sequential(nn.Conv2d(1, 1, 28), nn.Flatten(), nn.Linear(1, 10))
    few = digits_at_once(Victim(convolving))
    assert digits_at_once(Victim(network()), Victim(convolving)) == few < digits_at_once(Victim(network()))
