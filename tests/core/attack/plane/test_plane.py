"""The plane through a digit: its directions, its values, the lines on it, and how it is refined."""

import dataclasses

import numpy as np
import pytest
import torch

from optgui.core.attack import METHODS, AttackConfig
from optgui.core.attack.plane import PlaneConfig, PlaneEngine, PlaneFrame, PointImage
from optgui.core.engine import build
from optgui.core.training.models import network_of
from tests.core.attack.plane.samples import attacked, directions, sampled, snapshot


@pytest.fixture(scope="module")
def inputs():
    return attacked()


def grid(frame):
    """Every sampled point (k * k, 2), row by row."""
    return np.array([(a, b) for b in frame.places for a in frame.places])


def entropy(logits, label):
    """-log p of the label, written out in float64."""
    logits = logits.astype(np.float64)
    return np.log(np.exp(logits - logits[:, [label]]).sum(1))


def answers(inputs, pictures):
    with torch.no_grad():
        images = torch.tensor(pictures.reshape(-1, 1, 28, 28), dtype=torch.float32)
        return network_of(inputs.snapshot)(images).numpy()


@pytest.mark.parametrize("across", ["random", "attack"])
def test_the_directions_are_orthonormal_and_the_first_is_the_attacks(inputs, across):
    u, v = directions(inputs, sampled(inputs, across=across, clipped=False))
    added = inputs.perturbation.astype(np.float64).ravel()
    assert u @ u == pytest.approx(1, abs=1e-5)
    assert v @ v == pytest.approx(1, abs=1e-5)
    assert u @ v == pytest.approx(0, abs=1e-5)
    assert u @ added == pytest.approx(np.linalg.norm(added), rel=1e-5)


def test_another_seed_gives_another_direction_across_and_the_same_seed_the_same(inputs):
    first, same, other = (
        directions(inputs, sampled(inputs, clipped=False, resolution=16, seed=seed))[1] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, same)
    assert abs(first @ other) < 0.5


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("MLP", {}),
        ("MLP", {"hidden": [20, 16]}),
        ("MLP", {"activation": "Tanh"}),
        ("Softmax", {}),
        ("CNN", {"filters": [2, 3], "hidden": 8}),
    ],
)
@pytest.mark.parametrize("clipped", [True, False])
def test_values_and_classes_are_those_of_a_forward_pass_on_each_picture(name, values, clipped):
    inputs = attacked({"steps": 3}, snapshot(name, **values))
    u, v = directions(inputs, sampled(inputs, resolution=16, clipped=False))
    frame = sampled(inputs, resolution=20, clipped=clipped).frame()
    pictures = inputs.image.ravel() + grid(frame) @ np.stack([u, v])
    logits = answers(inputs, pictures.clip(0, 1) if clipped else pictures)
    assert np.allclose(frame.values.ravel(), entropy(logits, inputs.label), atol=5e-5)
    top = np.sort(logits, axis=1)
    clear = top[:, -1] - top[:, -2] > 1e-4
    assert np.array_equal(frame.classes.ravel()[clear], logits.argmax(1)[clear])


def test_a_targeted_attack_shows_the_chance_of_its_target():
    label = attacked().label
    target = (label + 1) % 10
    inputs = attacked({"goal": "targeted", "target": target})
    engine = sampled(inputs)
    assert engine.frame().target == target
    point = engine.answer(PointImage(0.3, -0.2))
    assert point.loss == pytest.approx(float(np.log(point.probabilities[target])), abs=1e-5)


def test_the_digit_lies_in_the_middle_and_the_attacks_end_at_its_length(inputs):
    engine = sampled(inputs)
    frame = engine.frame()
    length = float(np.linalg.norm(inputs.perturbation))
    assert frame.adversarial == (pytest.approx(length, rel=1e-5), 0)
    assert np.array_equal(engine.answer(PointImage(0, 0)).image, inputs.image[0])
    end = engine.answer(PointImage(*frame.adversarial))
    assert np.allclose(end.image, inputs.image[0] + inputs.perturbation, atol=1e-5)
    assert end.size == pytest.approx(length, rel=1e-4)
    assert (frame.digit_class, frame.adversarial_class) == (inputs.label, end.prediction)


def test_it_is_refined_from_coarse_to_fine_and_the_lines_are_there_first(inputs):
    engine = PlaneEngine(PlaneConfig(resolution=100), inputs)
    seen = []
    while not engine.done:
        engine.step()
        frame = engine.frame()
        if frame is not None and (not seen or seen[-1].level != frame.level):
            seen.append(frame)
    assert [frame.level for frame in seen] == [0, 1, 2, 3, 4]
    assert [len(frame.values) for frame in seen] == [0, 16, 32, 64, 100]
    assert all(frame.levels == 4 for frame in seen)
    assert len(seen[0].ball) > 100
    assert len(seen[0].path) == len(inputs.path)
    done, total, *_ = engine.status()
    assert done == total == 16**2 + 32**2 + 64**2 + 100**2


def test_points_are_the_middles_of_cells_that_fill_the_square(inputs):
    frame = sampled(inputs, extent=2.0).frame()
    step = frame.places[1] - frame.places[0]
    assert frame.half == pytest.approx(2 * 1.5, rel=1e-3)  # twice epsilon
    assert frame.places[0] - step / 2 == pytest.approx(-frame.half)
    assert frame.places[-1] + step / 2 == pytest.approx(frame.half)


def test_a_frame_is_read_only(inputs):
    frame = sampled(inputs).frame()
    for name in ("values", "classes", "places", "ball", "clipped_ball", "box", "path", "off_plane"):
        assert not getattr(frame, name).flags.writeable


def test_an_edit_of_what_is_shown_samples_nothing_anew_and_any_other_does(inputs):
    engine = sampled(inputs)
    before = engine.frame()
    engine.apply(engine.config.changed("shows", "Regions"))
    assert engine.done
    assert engine.frame() is before
    engine.apply(engine.config.changed("clipped", False))
    assert not engine.done
    while not engine.done:
        engine.step()
    assert not engine.frame().config.clipped
    assert not np.array_equal(engine.frame().values, before.values)


def test_a_second_attack_that_goes_the_same_way_gives_way_to_a_random_direction():
    flat = {"norm": {"name": "Subspace", "frequencies": 1}, "clip": False}  # all pixels by the same amount
    frame = sampled(attacked(flat), across="attack").frame()
    assert frame.config.across == "attack"
    assert frame.across == "random"


def test_a_smallest_change_has_the_ball_that_just_holds_it(inputs):
    minimal = [name for name, entry in METHODS.items() if entry.minimal]
    if not minimal:
        pytest.skip("no method looks for the smallest change")
    config = AttackConfig.parse({"method": minimal[0], "norm": "L2"})
    given = dataclasses.replace(inputs, attack=config)
    frame = sampled(given).frame()
    assert frame.radius == pytest.approx(np.linalg.norm(inputs.perturbation), rel=1e-5)


def test_an_attack_that_changed_nothing_is_refused_in_words(inputs):
    still = dataclasses.replace(inputs, perturbation=np.zeros((28, 28), np.float32))
    with pytest.raises(ValueError, match="has not changed the digit"):
        PlaneEngine(PlaneConfig(), still)


def test_other_requests_and_early_ones_are_refused(inputs):
    engine = PlaneEngine(PlaneConfig(), inputs)
    with pytest.raises(ValueError, match="expected one that is laid out"):
        engine.answer(PointImage(0, 0))
    with pytest.raises(ValueError, match="expected PointImage"):
        engine.answer("weights")


def test_it_is_built_by_its_subject(inputs):
    engine = build("plane", PlaneConfig(resolution=16), inputs)
    while not engine.done:
        engine.step()
    assert isinstance(engine.frame(), PlaneFrame)
