"""Thresholds against arithmetic of their own: every claim has an image, and a linear network's are known."""

import numpy as np
import pytest
import torch

from optgui.core.attack.robust.thresholds import Thresholds
from optgui.core.attack.victim import Victim
from optgui.core.training.models import network_of
from tests.core.attack.robust.networks import learned
from tests.samples import made_up_digits

NORMS = {"L2": 2, "Linf": np.inf, "L1": 1}
RADII = {"L2": 8.0, "Linf": 0.4, "L1": 80.0}


class Witnessed(Thresholds):
    """Keeps the image behind every claim."""

    def _take(self, rows, delta):
        before = self.found.clone()
        super()._take(rows, delta)
        if not hasattr(self, "witnesses"):
            self.witnesses = self.images.clone()
        for place, row in enumerate(rows.tolist()):
            if self.found[row] < before[row]:
                self.witnesses[row] = (self.images[row] + delta[place]).clamp(0, 1)


def search(network, images, labels, norm, count=12, steps=15):
    radii = torch.linspace(0, RADII[norm], count + 1, dtype=torch.float64)[1:]
    thresholds = Witnessed(Victim(network), images, labels, norm, radii, steps, 0)
    for _ in thresholds.search():
        pass
    return thresholds


def first_digits(count=40):
    digits = made_up_digits()
    images = torch.from_numpy(digits.test_images[:count].astype(np.float32))[:, None] / 255
    return images, torch.from_numpy(digits.test_labels[:count].copy())


@pytest.mark.parametrize("norm", NORMS)
def test_behind_every_claim_is_an_image_of_that_size_which_the_network_misreads(norm):
    network = network_of(learned())
    images, labels = first_digits()
    result = search(network, images, labels, norm)
    found = result.found.isfinite()
    assert found.float().mean() > 0.9
    changed = result.witnesses.numpy().astype(np.float64)
    assert changed.min() >= 0
    assert changed.max() <= 1
    with torch.no_grad():
        answers = network(result.witnesses).argmax(1)
    assert torch.equal(answers != labels, found)
    change = (changed - images.numpy()).reshape(len(images), -1)
    sizes = np.linalg.norm(change, ord=NORMS[norm], axis=1)
    np.testing.assert_allclose(result.found[found], sizes[found.numpy()], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
def test_a_success_at_the_edge_of_a_ball_counts_within_it(norm):
    """Rounding would put it outside by a hair: no threshold lies just above a radius."""
    images, labels = first_digits()
    result = search(network_of(learned()), images, labels, norm, count=40)
    radii = np.linspace(0, RADII[norm], 41)[1:]
    above = (result.found.numpy()[:, None] - radii) / radii
    assert not ((above > 0) & (above < 1e-6)).any()


@pytest.mark.parametrize("norm", ["L2", "Linf"])
def test_thresholds_of_a_linear_network_are_its_margins_over_the_dual_norm(norm):
    """min over the classes k of (z_y - z_k) / ‖w_k - w_y‖_q, 1/p + 1/q = 1; grey images touch no wall."""
    network = network_of(learned("Softmax"))
    images = 0.35 + 0.3 * torch.rand((30, 1, 28, 28), generator=torch.Generator().manual_seed(2))
    basis = torch.cat([torch.zeros(1, 784), torch.eye(784)]).view(-1, 1, 28, 28)
    with torch.no_grad():
        answers = network.double()(basis.double()).numpy()
        logits = network(images.double()).numpy()
    network.float()
    weights = (answers[1:] - answers[0]).T  # (10, 784), by pixels
    labels = logits.argmax(1)
    exact = np.empty(len(images))
    for place, label in enumerate(labels):
        others = [k for k in range(10) if k != label]
        dual = np.linalg.norm(weights[others] - weights[label], ord={"L2": 2, "Linf": 1}[norm], axis=1)
        exact[place] = ((logits[place, label] - logits[place, others]) / dual).min()
    assert exact.max() < {"L2": 1.0, "Linf": 0.3}[norm]
    result = search(network, images, torch.from_numpy(labels), norm, steps=40)
    found = result.found.numpy()
    assert (found >= exact * (1 - 1e-5)).all()
    assert (found <= exact * 1.02 + 1e-4).all()


def test_a_network_that_cannot_be_fooled_has_no_thresholds():
    network = network_of(learned("Softmax"))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network[-1].bias[3] = 1
    images, labels = first_digits(10)
    result = search(network, images, torch.full_like(labels, 3), "L2")
    assert result.found.isinf().all()
