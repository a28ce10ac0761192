"""A schedule is what torch's scheduler makes of a rate of 1."""

import pytest
import torch

from optgui.core.schedulers import SCHEDULERS, Schedule, SchedulerConfig
from tests.configs import leaves

EPOCHS = 6
WITH_TORCH = [name for name, entry in SCHEDULERS.items() if entry.make is not None]


def torchs_rates(name, values, base=1.0):
    """The rate in each epoch of a plain torch loop."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **values)
    rates = []
    for _ in range(EPOCHS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def our_factors(config):
    schedule = Schedule(SchedulerConfig.parse(config))
    factors = []
    for _ in range(EPOCHS):
        factors.append(schedule.factor)
        schedule.advance()
    return factors


@pytest.mark.parametrize("name", WITH_TORCH)
def test_every_schedule_with_its_defaults_is_torchs_own(name):
    values = SchedulerConfig.parse({"name": name}).values
    assert our_factors({"name": name}) == torchs_rates(name, values)


@pytest.mark.parametrize(
    ("milestones", "gamma"), [((1,), 0.1), ((2, 4), 0.5), ((1, 2, 3, 4, 5), 0.9), ((4, 2, 2), 0.1), ((), 0.1)]
)
def test_milestones_multiply_the_factor_at_the_ends_of_their_epochs(milestones, gamma):
    config = {"name": "MultiStepLR", "milestones": milestones, "gamma": gamma}
    factors = our_factors(config)
    assert factors == torchs_rates("MultiStepLR", {"milestones": list(milestones), "gamma": gamma})
    expected = [gamma ** sum(epoch >= milestone for milestone in milestones) for epoch in range(EPOCHS)]
    assert factors == pytest.approx(expected)


def test_base_rate_times_factor_is_torchs_rate_at_that_base():
    values = {"milestones": [1, 3], "gamma": 0.3}
    factors = our_factors({"name": "MultiStepLR", **values})
    assert [0.05 * factor for factor in factors] == pytest.approx(
        torchs_rates("MultiStepLR", values, base=0.05), rel=1e-15
    )


def test_no_schedule_keeps_the_rate():
    assert our_factors({"name": "None"}) == [1.0] * EPOCHS
    assert list(leaves(SchedulerConfig.parse("None"))) == []
