import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.attack import AttackInputs, norm_of
from optgui.core.attack.bounds import BoundsConfig, BoundsEngine
from optgui.core.attack.config import AttackConfig
from optgui.core.engine import RunFailed, build
from optgui.core.snapshot import NetworkSnapshot, frozen, frozen_copy
from tests.core.attack import linear
from tests.core.attack.samples import MODEL, Indifferent, digits, network

NORMS = ("L2", "Linf", "L1", "L0")


def engine(norm="L2", module=None, label=None, **settings):
    images, labels = digits(1)
    return BoundsEngine(
        BoundsConfig.parse({"norm": norm, **settings}),
        network() if module is None else module,
        images,
        labels if label is None else torch.tensor([label]),
        "run@7",
    )


def run(bounds):
    records = []
    while not bounds.done:
        records.append(bounds.step())
    return records


def reads(module, image):
    with torch.no_grad():
        return module(torch.tensor(image).reshape(1, 1, 28, 28)).argmax(1).item()


@pytest.mark.parametrize(
    ("norm", "tight", "pgd"),
    [("L2", 5e-3, 0.05), ("Linf", 0.01, 0.15), ({"name": "L1", "share": 0.01}, 0.02, 0.25)],
)
@pytest.mark.parametrize("kind", ["grey", "ink"])
def test_bounds_of_a_linear_network_are_the_smallest_changes_there_are(norm, tight, pgd, kind):
    image = linear.images(kind)[[-2]]
    label = linear.labels(image)
    settings = {"norm": norm, "search_steps": 200}
    bounds = BoundsEngine(BoundsConfig.parse(settings), linear.network(), image, label)
    run(bounds)
    frame = bounds.frame()
    for place in (0, 1, 9):
        target = int(frame.targets[place])
        least = linear.smallest(frame.norm, image[0], int(label), None if target < 0 else target)
        assert frame.smallest[place] > least * (1 - 1e-5)
        assert frame.smallest[place] < least * (1 + tight)
        assert frame.pgd[place] < least * (1 + pgd)


@pytest.mark.parametrize("norm", NORMS)
def test_every_bound_is_the_size_of_an_image_that_reaches_its_goal(norm):
    bounds = engine({"name": "L1", "share": 0.01} if norm == "L1" else norm)
    assert not bounds.done
    run(bounds)
    frame = bounds.frame()
    module = network()
    assert frame.targets.tolist() == [-1, *(k for k in range(10) if k != frame.label)]
    assert np.isfinite(frame.smallest).all()
    for target, size, image, answer in zip(
        frame.targets, frame.smallest, frame.images, frame.answers, strict=True
    ):
        assert image.min() >= 0
        assert image.max() <= 1
        assert reads(module, image) == answer != frame.label
        assert target in (-1, answer)
        change = torch.tensor(image - frame.original).reshape(1, 1, 28, 28)
        assert norm_of(norm).norm(change).item() == pytest.approx(size, rel=1e-5)
    np.testing.assert_array_equal(frame.smallest, np.fmin(frame.pgd, frame.minimal))
    assert frame.smallest[0] == frame.smallest[1:].min()
    of = dict(zip(frame.targets.tolist(), frame.smallest, strict=True))
    assert frame.ranking.tolist() == sorted(frame.targets[1:].tolist(), key=of.__getitem__)
    assert not frame.misread
    # Two searches that know little of each other agree on any wrong answer; certain ones are harder for PGD.
    pixel = 1 if norm == "L0" else 0
    assert abs(frame.pgd[0] - frame.minimal[0]) <= 0.1 * frame.minimal[0] + pixel
    assert (frame.pgd <= 2 * frame.minimal + pixel).all()


def test_nothing_is_claimed_before_it_is_found_and_bounds_only_fall():
    bounds = engine(search_steps=40, steps=10)
    frame = bounds.frame()
    for sizes in (frame.pgd, frame.minimal, frame.smallest, frame.images):
        assert np.isnan(sizes).all()
    assert (frame.answers == -1).all()
    assert bounds.status().done == 0
    found, sizes, dones = [], [], []
    while not bounds.done:
        record = bounds.step()
        found.append(record.found)
        sizes.append(bounds.frame().smallest)
        dones.append(bounds.status().done)
    assert found[0] == 0
    assert found[-1] == 10
    assert np.diff(found).min() >= 0
    assert np.diff(dones).min() >= 0
    filled = np.where(np.isnan(sizes), np.inf, sizes)
    assert (filled[1:] <= filled[:-1]).all()
    assert bounds.status().done == bounds.status().total == dones[-1]


def test_the_status_says_what_is_looked_for():
    bounds = engine(label=None, search_steps=4, steps=1)
    texts = []
    while not bounds.done:
        bounds.step()
        texts.append(bounds.status().text)
    assert texts[0] == "Fast minimum norm (FMN): any wrong answer"
    assert any(text.startswith("PGD: read as ") for text in texts)
    assert texts[-1] == ""


def test_a_misread_digit_has_a_bound_of_zero_and_says_so():
    answer = engine().frame().answer
    label = (answer + 1) % 10
    bounds = engine(label=label, search_steps=60, steps=20)
    frame = bounds.frame()
    assert frame.misread
    assert frame.smallest[0] == 0
    assert frame.smallest[frame.targets == answer] == 0
    np.testing.assert_array_equal(frame.images[0], frame.original)
    run(bounds)
    assert bounds.status().text == f"misread as {answer} without any change"
    frame = bounds.frame()
    assert frame.ranking[0] == answer
    assert np.isfinite(frame.smallest).all()
    assert (frame.smallest > 0).sum() == 8


def test_a_network_that_cannot_be_fooled_has_no_bounds():
    bounds = engine(module=Indifferent(True), label=9, search_steps=4, steps=2)
    records = run(bounds)
    frame = bounds.frame()
    assert np.isnan(frame.smallest).all()
    assert np.isnan(records[-1].bound)
    assert records[-1].found == 0
    assert sorted(frame.ranking.tolist()) == list(range(9))


@pytest.mark.parametrize("norm", NORMS)
def test_the_same_seed_finds_the_same(norm):
    first, again = (engine(norm, restarts=2, search_steps=20, steps=10) for _ in range(2))
    assert [repr(record) for record in run(first)] == [repr(record) for record in run(again)]
    np.testing.assert_array_equal(first.frame().images, again.frame().images)


def test_more_bisections_bring_pgd_nearer():
    coarse, fine = (engine(bisections=count, search_steps=40, steps=20) for count in (1, 3))
    run(coarse)
    run(fine)
    assert (fine.frame().pgd <= coarse.frame().pgd).all()
    assert fine.frame().pgd.mean() < coarse.frame().pgd.mean()


def test_frozen_inputs_make_the_engine():
    images, labels = digits(1)
    arrays = {name: frozen_copy(value) for name, value in network().state_dict().items()}
    snapshot = NetworkSnapshot("run@7", MODEL.model_dump(), arrays, "mnist", 7)
    inputs = AttackInputs(snapshot, frozen(images.numpy()), frozen(labels.numpy()))
    bounds = build("bounds", BoundsConfig(search_steps=4, steps=1), inputs)
    own = engine(search_steps=4, steps=1)
    assert [repr(record) for record in run(bounds)] == [repr(record) for record in run(own)]
    frame = bounds.frame()
    assert frame.network_id == "run@7"
    for array in (frame.pgd, frame.minimal, frame.smallest, frame.images, frame.answers, frame.ranking):
        assert not array.flags.writeable


def test_what_is_asked_wrongly_is_refused_with_a_sentence():
    images, labels = digits(2)
    with pytest.raises(ValueError, match="images: expected one digit, got 2"):
        BoundsEngine(BoundsConfig(), network(), images, labels)
    with pytest.raises(ValueError, match="labels: expected 1 whole number"):
        BoundsEngine(BoundsConfig(), network(), images[:1], labels)
    with pytest.raises(ValueError, match="network: expected logits"):
        BoundsEngine(BoundsConfig(), nn.Flatten(), images[:1], labels[:1])
    with pytest.raises(ValueError, match="norm: bounds work in"):
        BoundsConfig.parse({"norm": "Subspace"})
    bounds = engine(search_steps=4, steps=1)
    with pytest.raises(ValueError, match="steps: takes effect at the next start"):
        bounds.apply(bounds.config.changed("steps", 50))
    bounds.apply(bounds.config)
    with pytest.raises(ValueError, match="request"):
        bounds.answer(AttackConfig())
    run(bounds)
    with pytest.raises(RunFailed, match="bounds"):
        bounds.step()
