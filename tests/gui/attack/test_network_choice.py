"""Which networks are offered, and what becomes of a file."""

import dataclasses

import numpy as np
import pytest

from optgui.gui.attack.network_choice import LIVE, NetworkChoice, words_of
from optgui.gui.networks import KEPT, NetworkShelf
from tests.gui.attack.attacked import learned


@pytest.fixture
def choice(qtbot):
    made = NetworkChoice(NetworkShelf(), "attack.network")
    qtbot.addWidget(made)
    made.heard, made.complaints = [], []
    made.chosen.connect(made.heard.append)
    made.refused.connect(made.complaints.append)
    return made


def offered(choice):
    return [choice.box.itemData(index) for index in range(choice.box.count())]


def named(identity, **values):
    return dataclasses.replace(learned(), id=identity, **values)


def test_the_newest_network_of_training_comes_first(choice):
    assert offered(choice) == [LIVE]
    assert choice.selected == LIVE
    choice.shelf.add(named("run-1@1"))
    choice.shelf.add(named("run-2@1"))
    assert offered(choice) == [LIVE, "run-2@1", "run-1@1"]
    assert choice.selected == LIVE


def test_a_choice_survives_what_comes_to_the_shelf(choice):
    choice.shelf.add(named("run-1@1"))
    choice.select("run-1@1")
    choice.shelf.add(named("run-2@1"))
    assert choice.selected == "run-1@1"
    assert choice.heard == []


def test_the_list_is_left_alone_when_nothing_is_new(choice):
    choice.shelf.add(named("run-1@1"))
    reset = []
    choice.box.model().rowsInserted.connect(lambda *_: reset.append(True))
    choice.shelf.add(named("run-1@1"))
    assert reset == []


def test_a_network_is_said_with_what_it_is_and_how_good():
    snapshot = named("run-1@9", model={"name": "MLP", "hidden": [64, 32]}, test_accuracy=0.9512)
    assert words_of(snapshot) == "run-1@9: MLP 64 × 32, 95.12 %"


def test_networks_on_disk_are_offered_without_being_read(choice, monkeypatch):
    for number in range(KEPT + 5):
        choice.shelf.add(named(f"run-{number}@1"))
    monkeypatch.setattr(choice.shelf, "get", lambda _: pytest.fail("read from disk"))
    choice.shelf.add(named("run-new@1"))
    assert choice.box.count() == KEPT + 7


def test_a_file_is_opened_and_chosen(choice, tmp_path):
    path = tmp_path / "best.safetensors"
    named("run-1@9").save(path)
    choice.open_file(str(path))
    assert choice.heard == [choice.selected] == ["run-1@9"]
    choice.open_file(str(path))
    assert offered(choice) == [LIVE, "run-1@9"]


def test_a_file_that_is_called_like_another_network_gets_a_name_of_its_own(choice, tmp_path):
    choice.shelf.add(named("run-1@9"))
    path = tmp_path / "best.safetensors"
    dataclasses.replace(learned(seed=1), id="run-1@9").save(path)
    choice.open_file(str(path))
    assert choice.selected == "run-1@9 (2)"
    opened = choice.shelf.get("run-1@9 (2)")
    for name, array in learned(seed=1).arrays.items():
        np.testing.assert_array_equal(opened.arrays[name], array)
    assert choice.shelf.get("run-1@9").arrays.keys() == learned().arrays.keys()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected the weights of an optgui network"),
        (b'\x10\0\0\0\0\0\0\0{"a": 1', "expected the weights of an optgui network"),
        (b"no weights at all, only words", "expected the weights of an optgui network"),
    ],
)
def test_a_damaged_file_is_a_sentence(choice, tmp_path, content, words):
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(content)
    choice.open_file(str(path))
    assert len(choice.complaints) == 1
    assert choice.complaints[0].startswith(f"damaged.safetensors: {words}")
    assert choice.selected == LIVE


def test_half_a_file_a_missing_one_and_another_format_are_sentences(choice, tmp_path):
    path = tmp_path / "half.safetensors"
    learned().save(path)
    path.write_bytes(path.read_bytes()[:-100])
    choice.open_file(str(path))
    choice.open_file(str(tmp_path / "missing.safetensors"))
    choice.open_file(str(tmp_path / "weights.pt"))
    assert [sentence.split(":")[0] for sentence in choice.complaints] == [
        "half.safetensors",
        "missing.safetensors",
        "weights.pt",
    ]


def test_a_network_of_an_unknown_data_set_is_refused_at_the_door(choice, tmp_path):
    path = tmp_path / "far.safetensors"
    named("run-1@9", dataset="weather").save(path)
    choice.open_file(str(path))
    assert choice.complaints[0].startswith("far.safetensors: expected one trained on mnist")
    assert choice.shelf.ids == ()


def test_without_a_live_network_it_says_whether_there_is_one_to_choose(qtbot):
    choice = NetworkChoice(NetworkShelf(), "attack.other", live=False)
    qtbot.addWidget(choice)
    assert choice.box.placeholderText() == "None yet"
    choice.shelf.add(named("run-1@1"))
    assert choice.box.placeholderText() == "None chosen"
    assert choice.selected == LIVE
