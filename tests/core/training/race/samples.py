"""Races on the made-up digits."""

from optgui.core.training.race import RaceConfig, RaceEngine
from tests.samples import made_up_digits


def race(entrants, **config):
    """An engine on the made-up digits."""
    settings = {"dataset": "builtin", "epochs": 1, "entrants": entrants, **config}
    return RaceEngine(RaceConfig.parse(settings), made_up_digits())


def entrants_of(*optimizers, **shared):
    return [{"optimizer": optimizer, **shared} for optimizer in optimizers]


def losses(records, entrant):
    """The losses of one entrant, step by step."""
    return [r.losses[r.ids.index(entrant)] for r in records if r.phase == "train" and entrant in r.ids]
