"""The shelf: what is kept, where it is found, and what it says without reading weights."""

import dataclasses

import numpy as np
import pytest

from optgui.gui.networks import KEPT, NetworkShelf
from tests.gui.attack.attacked import learned


def named(identity, seed=0):
    return dataclasses.replace(learned(seed=seed), id=identity)


@pytest.fixture
def shelf(qapp):
    return NetworkShelf()


def test_the_newest_is_current_and_older_ones_wait_on_disk(shelf):
    for number in range(KEPT + 3):
        shelf.add(named(f"run-{number}@1"))
    assert shelf.current.id == f"run-{KEPT + 2}@1"
    assert shelf.ids == tuple(f"run-{number}@1" for number in range(KEPT + 3))
    for name, array in learned().arrays.items():
        np.testing.assert_array_equal(shelf.get("run-0@1").arrays[name], array)


def test_a_stored_network_that_comes_again_is_there_once(shelf):
    for number in range(KEPT + 1):
        shelf.add(named(f"run-{number}@1"))
    added = []
    shelf.added.connect(added.append)
    shelf.add(named("run-0@1"))
    assert added == []
    assert sorted(shelf.ids) == sorted({f"run-{number}@1" for number in range(KEPT + 1)})
    assert shelf.current.id == "run-0@1"


def test_what_is_known_of_a_network_needs_no_weights(shelf):
    shelf.add(named("run-1@1"))
    about = shelf.about("run-1@1")
    assert (about.model, about.dataset, about.arrays) == (learned().model, "builtin", {})


def test_the_same_network_pinned_twice_is_one(shelf):
    assert shelf.pin(named("best@1")) == shelf.pin(named("best@1")) == "best@1"
    assert shelf.ids == ("best@1",)
    assert shelf.current is None


def test_another_network_of_the_same_name_gets_a_number(shelf):
    shelf.pin(named("best@1"))
    assert shelf.pin(named("best@1", seed=1)) == "best@1 (2)"
    assert shelf.pin(named("best@1", seed=1)) == "best@1 (2)"
    assert shelf.ids == ("best@1", "best@1 (2)")


def test_a_network_that_is_not_there_is_a_key_error(shelf):
    with pytest.raises(KeyError):
        shelf.get("run-9@9")
