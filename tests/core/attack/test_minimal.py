import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.attack import METHODS, NORMS, Attack, AttackConfig, AttackEngine, Victim
from tests.core.attack import linear
from tests.core.attack.samples import Indifferent, digits, engine, network, run

MINIMAL = [name for name, entry in METHODS.items() if entry.minimal]
EVERY = [(name, norm) for name in MINIMAL for norm in METHODS[name].norms if norm in NORMS]
QUICK = {"name": "CarliniWagner", "searches": 6, "inner": 60}
WALLS = (
    0.05  # where pixels at black or white cannot move, another class than the one that leads may be nearer
)
SLOW = {"name": "CarliniWagner", "rate": 0.002, "inner": 200}


def settings(name, norm, **more):
    method = QUICK if name == "CarliniWagner" else name
    return {"method": method, "norm": norm, "steps": 60, **more}


def attacked(config, module, images, labels):
    """The sizes and images of an attack all of whose results fool, as the network itself says."""
    parsed = AttackConfig.parse(config)
    attack = Attack(parsed, Victim(module), images, labels)
    changed = attack.changed(attack.run())
    assert changed.min() >= 0
    assert changed.max() <= 1
    with torch.no_grad():
        answers = module(changed).argmax(1)
    if parsed.goal == "targeted":
        assert (answers == parsed.target).all()
    assert (answers != labels).all()
    return attack.norm.norm(changed - images).double().numpy(), changed


def test_the_entries_are_there():
    assert MINIMAL == ["DeepFool", "DDN", "FMN", "CarliniWagner"]
    assert METHODS["CarliniWagner"].iterations(AttackConfig.parse({"method": QUICK})) == 360


@pytest.mark.parametrize(
    ("method", "norm", "kind", "tolerance"),
    [
        ({"method": "DeepFool", "steps": 50}, "L2", "grey", 1e-3),
        ({"method": "DeepFool", "steps": 50}, "Linf", "grey", 1e-3),
        ({"method": "DeepFool", "steps": 50}, "L2", "ink", WALLS),
        ({"method": "DeepFool", "steps": 50}, "Linf", "ink", WALLS),
        ({"method": "DDN", "steps": 200, "loss": "Margin"}, "L2", "grey", 3e-3),
        ({"method": "DDN", "steps": 200, "loss": "Margin"}, "L2", "ink", WALLS),
        ({"method": "FMN", "steps": 200}, "L2", "grey", 1e-3),
        ({"method": "FMN", "steps": 200}, "L2", "ink", WALLS),
        ({"method": "FMN", "steps": 200}, "Linf", "grey", 1e-3),
        ({"method": "FMN", "steps": 200}, "Linf", "ink", WALLS),
        ({"method": "FMN", "steps": 200}, "L1", "grey", 1e-2),
        ({"method": "FMN", "steps": 200}, "L1", "ink", WALLS),
        ({"method": SLOW}, "L2", "grey", 1e-3),
    ],
)
def test_a_linear_network_is_fooled_by_the_smallest_change_there_is(method, norm, kind, tolerance):
    images = linear.images(kind)
    labels = linear.labels(images)
    least = [linear.smallest(norm, image, int(label)) for image, label in zip(images, labels, strict=True)]
    found, _ = attacked({**method, "norm": norm}, linear.network(), images, labels)
    ratios = found / least
    assert ratios.min() > 1 - 1e-5
    assert ratios.max() < 1 + tolerance


@pytest.mark.parametrize(
    ("method", "norm", "tolerance"),
    [
        ({"method": "DeepFool", "steps": 50}, "L2", 0.15),  # several boundaries in turn, not all at once
        ({"method": "DDN", "steps": 200, "loss": "Margin"}, "L2", 0.02),
        ({"method": "FMN", "steps": 200}, "L2", 3e-3),
        ({"method": "FMN", "steps": 200}, "Linf", 3e-3),
        ({"method": "FMN", "steps": 200}, "L1", 0.02),
        ({"method": SLOW}, "L2", 3e-3),
    ],
)
@pytest.mark.parametrize("kind", ["grey", "ink"])
def test_a_target_of_a_linear_network_is_reached_by_the_smallest_change(method, norm, tolerance, kind):
    images = linear.images(kind)[:1]
    labels = linear.labels(images)
    target = (int(labels) + 3) % 10
    if method["method"] == SLOW and kind == "ink":
        method = {"method": {**SLOW, "rate": 0.05, "inner": 300}}  # black and white are far off in tanh space
        tolerance = 0.02
    least = linear.smallest(norm, images[0], int(labels), target)
    aim = {"norm": norm, "goal": "targeted", "target": target}
    found, _ = attacked({**method, **aim}, linear.network(), images, labels)
    assert 1 - 1e-5 < found[0] / least < 1 + tolerance


def test_l0_changes_as_few_pixels_as_a_linear_network_needs():
    images = linear.images("ink")
    labels = linear.labels(images)
    basis = torch.cat([torch.zeros(1, 784), torch.eye(784)]).reshape(-1, 1, 28, 28)
    with torch.no_grad():
        answers = linear.network()(basis)
        logits = linear.network()(images)
    weights = answers[1:] - answers[0]
    least = []
    for image, label, logit in zip(images.flatten(1), labels, logits, strict=True):
        slopes = weights - weights[:, [label]]
        gains = torch.maximum(slopes * (1 - image[:, None]), -slopes * image[:, None])
        total = gains.sort(0, descending=True).values.cumsum(0) + (logit - logit[label])
        counts = (total <= 0).sum(0) + 1  # the pixels that gain most, one by one, until a class leads
        counts[label] = 1000
        least.append(int(counts.min()))
    found, _ = attacked({"method": "FMN", "norm": "L0", "steps": 100}, linear.network(), images, labels)
    assert (found >= least).all()
    assert (found <= np.add(least, 1)).all()


@pytest.mark.parametrize(("name", "norm"), EVERY)
@pytest.mark.parametrize("goal", ["untargeted", "targeted"])
def test_every_result_fools_and_stays_in_the_box(name, norm, goal):
    images, labels = digits()
    images, labels = images[labels != 2], labels[labels != 2]
    sizes, _ = attacked(settings(name, norm, goal=goal, target=2, steps=100), network(), images, labels)
    assert (sizes > 0).all()


@pytest.mark.parametrize(("name", "norm"), EVERY)
def test_what_is_found_lies_at_the_boundary(name, norm):
    """A slightly smaller ball's nearest point is read rightly: the end was tightened."""
    images, labels = digits()
    config = AttackConfig.parse(settings(name, norm))
    attack = Attack(config, Victim(network()), images, labels)
    found = attack.run()
    sizes = attack.norm.norm(found)
    shorter = attack.norm.project(found, sizes - 1 if norm == "L0" else sizes * 0.99)
    assert (network()(attack.changed(shorter)).argmax(1) == labels).all()


@pytest.mark.parametrize(("name", "norm"), EVERY)
def test_an_image_misread_already_needs_no_change(name, norm):
    attack = engine(settings(name, norm), labels=(digits()[1] + 1) % 10)
    run(attack)
    frame = attack.frame()
    assert (frame.norms == 0).all()
    assert frame.success.all()
    np.testing.assert_array_equal(frame.adversarial, frame.original)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize(("name", "norm"), EVERY)
def test_a_network_without_a_slope_is_left_alone(name, norm, attached):
    attack = engine(settings(name, norm, steps=12), Indifferent(attached), labels=torch.full((12,), 9))
    records = run(attack)
    frame = attack.frame()
    assert not frame.success.any()
    assert records[0].skipped == 12
    np.testing.assert_array_equal(frame.adversarial, frame.original)


@pytest.mark.parametrize(("name", "norm"), EVERY)
def test_the_same_attack_finds_the_same(name, norm):
    images, labels = digits()
    first, _ = attacked(settings(name, norm), network(), images, labels)
    again, _ = attacked(settings(name, norm), network(), images, labels)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(("name", "norm"), [pair for pair in EVERY if pair[0] != "CarliniWagner"])
def test_a_network_too_sure_to_have_a_slope_of_its_cross_entropy_is_fooled(name, norm):
    images, labels = digits()
    module = network()
    found, _ = attacked(settings(name, norm, steps=100), module, images, labels)
    with torch.no_grad():
        for parameter in module[-1].parameters():
            parameter *= 1e4
        assert (nn.functional.cross_entropy(module(images), labels, reduction="none") == 0).sum() > 6
    sure, _ = attacked(settings(name, norm, steps=100), module, images, labels)
    assert (sure <= 1.3 * found + 0.01).all()


@pytest.mark.parametrize("name", ["DeepFool", "DDN", "FMN"])
def test_one_step_is_enough_to_run(name):
    attack = engine({"method": name, "steps": 1})
    assert len(run(attack)) == 1


@pytest.mark.parametrize("name", ["DeepFool", "DDN", "FMN"])
def test_more_steps_in_the_end_go_on_searching(name):
    attack = engine(settings(name, "L2", steps=20))
    for _ in range(18):
        attack.step()
    attack.apply(attack.config.changed("steps", 60))
    assert len(run(attack)) == 42
    assert attack.frame().success.all()


@pytest.mark.parametrize("name", MINIMAL)
def test_another_target_in_mid_run_is_reached(name):
    images, labels = digits()
    images, labels = images[labels > 3], labels[labels > 3]
    attack = AttackEngine(
        AttackConfig.parse(settings(name, "L2", goal="targeted", target=2, steps=100)),
        network(),
        images,
        labels,
    )
    for _ in range(30):
        attack.step()
    attack.apply(attack.config.changed("target", 3))
    run(attack)
    assert (attack.frame().predictions == 3).all()


def test_confidence_of_carlini_and_wagner_is_a_lead():
    images, labels = digits()
    _, changed = attacked({"method": {**QUICK, "confidence": 0.5}}, network(), images, labels)
    with torch.no_grad():
        logits = network()(changed)
    own = logits.gather(1, labels[:, None]).squeeze(1)
    lead = logits.scatter(1, labels[:, None], -torch.inf).amax(1) - own
    assert lead.min() >= 0.5 - 1e-4
    assert lead.max() < 0.6


def test_overshoot_may_be_as_large_as_one_likes_and_is_undone():
    images, labels = digits()
    usual, _ = attacked({"method": "DeepFool", "steps": 60}, network(), images, labels)
    wide = {"method": {"name": "DeepFool", "overshoot": 1.0}, "steps": 60}
    far, _ = attacked(wide, network(), images, labels)
    assert (far < 1.25 * usual).all()


@pytest.mark.parametrize(("name", "norm"), [("DeepFool", "L1"), ("DDN", "Linf"), ("CarliniWagner", "Linf")])
def test_a_norm_that_a_method_does_not_work_in_is_refused(name, norm):
    with pytest.raises(ValueError, match=r"norm: .* works in"):
        AttackConfig.parse({"method": name, "norm": norm})
