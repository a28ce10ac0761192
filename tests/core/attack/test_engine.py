import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.attack import STEP_RULES
from tests.core.attack.samples import digits, engine, network, run


def test_record_says_what_the_frame_shows():
    attack = engine({"norm": "Linf", "epsilon": 0.05, "step_size": 0.02, "steps": 4})
    for step, record in enumerate(run(attack), start=1):
        assert record.step == step
        assert record.until == 4
    frame = attack.frame()
    images, labels = torch.tensor(frame.adversarial, requires_grad=True), torch.tensor(frame.labels)
    losses = nn.functional.cross_entropy(network()(images), labels, reduction="none")
    (gradient,) = torch.autograd.grad(losses.sum(), images)
    assert record.loss == pytest.approx(losses.mean().item(), rel=1e-5)
    assert record.gradient_norm == pytest.approx(gradient.flatten(1).norm(dim=1).mean().item(), rel=1e-5)
    assert record.confidence == pytest.approx(frame.probabilities[np.arange(12), labels].mean(), rel=1e-5)
    assert record.norm == pytest.approx(frame.norms.mean(), rel=1e-5)
    assert record.fooled == frame.success.sum()
    assert record.fooled > 0


def test_success_is_what_the_network_says_of_exactly_these_images():
    attack = engine({"norm": "Linf", "epsilon": 0.02, "step_size": 0.01, "steps": 5})
    run(attack)
    frame = attack.frame()
    with torch.no_grad():
        logits = network()(torch.tensor(frame.adversarial))
        original = network()(torch.tensor(frame.original))
    np.testing.assert_array_equal(frame.predictions, logits.argmax(1))
    np.testing.assert_array_equal(frame.success, logits.argmax(1).numpy() != frame.labels)
    np.testing.assert_allclose(frame.probabilities, logits.softmax(1), rtol=1e-6)
    np.testing.assert_allclose(frame.original_probabilities, original.softmax(1), rtol=1e-6)
    assert 0 < frame.success.sum() < 12


def test_fooled_at_is_the_first_step_after_which_an_image_was_misread():
    attack = engine({"norm": "Linf", "epsilon": 0.02, "step_size": 0.002, "steps": 10})
    seen = [attack.frame().success]
    while not attack.done:
        attack.step()
        seen.append(attack.frame().success)
    expected = [int(np.argmax(column)) if any(column) else -1 for column in np.array(seen).T]
    assert attack.frame().fooled_at.tolist() == expected
    assert len(set(expected)) > 3


def test_an_image_misread_from_the_start_counts_as_fooled_at_0():
    images, labels = digits()
    labels[4] = (labels[4] + 1) % 10
    frame = engine({}, images=images, labels=labels).frame()
    assert frame.fooled_at.tolist() == [0 if index == 4 else -1 for index in range(12)]
    assert frame.success.tolist() == [index == 4 for index in range(12)]


def test_stop_when_fooled_leaves_a_misread_image_alone_and_ends_with_the_last():
    settings = {"norm": "Linf", "epsilon": 0.3, "step_size": 0.002, "steps": 500, "stop_when_fooled": True}
    attack = engine(settings)
    at = {}
    while not attack.done:
        attack.step()
        frame = attack.frame()
        for index in np.flatnonzero(frame.success):
            at.setdefault(index, frame.adversarial[index])
    assert attack.step_count < 500
    frame = attack.frame()
    assert frame.success.all()
    assert attack.step_count == frame.fooled_at.max()
    for index, image in at.items():
        np.testing.assert_array_equal(frame.adversarial[index], image)


def test_same_seed_gives_the_same_run_bit_for_bit_and_another_seed_another():
    settings = {"random_start": True, "steps": 6}
    first, again, other = (engine({**settings, "seed": seed}) for seed in (1, 1, 2))
    records = run(first)
    assert records == run(again)
    assert records != run(other)
    np.testing.assert_array_equal(first.frame().adversarial, again.frame().adversarial)


def test_global_random_generator_is_not_touched():
    torch.manual_seed(11)
    before = torch.get_rng_state()
    run(engine({"random_start": True, "steps": 3}))
    assert torch.equal(torch.get_rng_state(), before)


def test_an_image_fares_alone_as_it_fares_in_a_batch():
    images, labels = digits()
    for name in STEP_RULES:
        settings = {"step_rule": name, "steps": 8, "epsilon": 0.5, "step_size": 0.1}
        together, alone = engine(settings), engine(settings, images=images[2:3], labels=labels[2:3])
        run(together)
        run(alone)
        np.testing.assert_allclose(
            together.frame().adversarial[2], alone.frame().adversarial[0], rtol=0, atol=1e-5
        )


def test_frame_is_read_only_and_stays_as_it_was():
    attack = engine({"random_start": True})
    frame = attack.frame()
    kept = {
        field.name: np.copy(getattr(frame, field.name))
        for field in dataclasses.fields(frame)
        if isinstance(getattr(frame, field.name), np.ndarray)
    }
    for _ in range(3):
        attack.step()
    assert len(kept) == 10
    for name, array in kept.items():
        assert not getattr(frame, name).flags.writeable
        np.testing.assert_array_equal(getattr(frame, name), array)
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.step = 3
    assert {name: array.shape for name, array in kept.items()} == {
        "original": (12, 1, 28, 28),
        "adversarial": (12, 1, 28, 28),
        "perturbation": (12, 1, 28, 28),
        "labels": (12,),
        "predictions": (12,),
        "probabilities": (12, 10),
        "original_probabilities": (12, 10),
        "success": (12,),
        "norms": (12,),
        "fooled_at": (12,),
    }
