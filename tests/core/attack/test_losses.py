import pytest
import torch
from torch import nn

from optgui.core.attack import LOSSES, Goal

LOGITS = 3 * torch.randn(40, 10, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(40) % 10
TARGETS = (LABELS + 1 + torch.arange(40) // 10) % 10


def written_out(name, logits, labels, targets):
    """The three losses, from their papers."""
    rows = torch.arange(len(logits))
    if name == "CrossEntropy":
        if targets is None:
            return nn.functional.cross_entropy(logits, labels, reduction="none")
        return -nn.functional.cross_entropy(logits, targets, reduction="none")
    best = logits.sort(1, descending=True).values
    own = labels if targets is None else targets
    others = logits.clone()
    others[rows, own] = -torch.inf
    if name == "Margin":
        lead = others.max(1).values - logits[rows, own]
        return lead if targets is None else -lead
    if targets is None:
        return -(logits[rows, labels] - others.max(1).values) / (best[:, 0] - best[:, 2])
    spread = best[:, 0] - (best[:, 2] + best[:, 3]) / 2
    return -(logits[rows, labels] - logits[rows, targets]) / spread


@pytest.mark.parametrize("targets", [None, TARGETS], ids=["untargeted", "targeted"])
@pytest.mark.parametrize("name", LOSSES)
def test_values_and_slopes_are_those_of_autograd(name, targets):
    logits = LOGITS.clone().requires_grad_()
    expected = written_out(name, logits, LABELS, targets)
    (slopes,) = torch.autograd.grad(expected.sum(), logits)
    values, own = LOSSES[name].loss(LOGITS, Goal(LABELS, targets))
    torch.testing.assert_close(values, expected.detach())
    torch.testing.assert_close(own, slopes)


@pytest.mark.parametrize("targets", [None, TARGETS], ids=["untargeted", "targeted"])
@pytest.mark.parametrize("name", LOSSES)
def test_equal_or_huge_logits_give_finite_numbers(name, targets):
    for logits in (torch.zeros(40, 10), 1e4 * LOGITS):
        for numbers in LOSSES[name].loss(logits, Goal(LABELS, targets)):
            assert numbers.isfinite().all()


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_ratio_of_logits_does_not_depend_on_their_scale(scale):
    loss = LOSSES["DLR"].loss
    torch.testing.assert_close(loss(scale * LOGITS, Goal(LABELS))[0], loss(LOGITS, Goal(LABELS))[0])


def test_a_goal_is_reached_by_any_wrong_answer_or_by_the_target():
    answers = LOGITS.argmax(1)
    assert torch.equal(Goal(LABELS).reached(LOGITS), answers != LABELS)
    assert torch.equal(Goal(LABELS, TARGETS).reached(LOGITS), answers == TARGETS)
    assert torch.equal(Goal(LABELS, TARGETS, any_wrong=True).reached(LOGITS), answers != LABELS)
    kept = torch.tensor([3, 7])
    assert torch.equal(
        Goal(LABELS, TARGETS, True).keep(kept).reached(LOGITS[kept]), (answers != LABELS)[kept]
    )
