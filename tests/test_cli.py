"""The command line: what `run` writes, what it refuses, and what is said where no window can open."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from optgui import __version__, preflight
from optgui.cli import main
from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training import digits
from optgui.core.training.models import network_of
from tests.samples import finish, made_up_digits, training

TRAINING = {
    "subject": "training",
    "dataset": "builtin",
    "epochs": 2,
    "optimizer": {"name": "Adam", "lr": 0.001},
    "model": {"name": "MLP", "hidden": [64]},
}
SURFACE = {
    "subject": "surface",
    "surface": {"name": "Quadratic"},
    "start": [1.0, 1.0],
    "steps": 30,
    "racers": [{"optimizer": {"name": "SGD", "lr": 0.05}}, {"optimizer": {"name": "Adam", "lr": 0.1}}],
}
ATTACK = {"subject": "attack", "norm": "Linf", "epsilon": 0.3, "step_size": 0.1, "steps": 5}


@pytest.fixture(autouse=True)
def _small_data(monkeypatch):
    monkeypatch.delenv("OPTGUI_DATA", raising=False)
    monkeypatch.delitem(digits._memory, "mnist", raising=False)  # of an earlier test
    monkeypatch.setitem(digits._memory, "builtin", made_up_digits())


def put(folder, data):
    path = folder / "mine.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return str(path)


def run(tmp_path, data, *more):
    """Exit code of `optgui run`, and the folder it wrote."""
    out = tmp_path / "out"
    return main(["run", put(tmp_path, data), "--out", str(out), *more]), out


def rows_of(out):
    with (out / "records.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def results_of(out):
    return json.loads((out / "results.json").read_text(encoding="utf-8"))


def test_a_training_run_leaves_records_results_and_weights(tmp_path, capsys):
    code, out = run(tmp_path, TRAINING)
    assert code == 0
    assert str(out) in capsys.readouterr().out
    steps = [row for row in rows_of(out) if row["phase"] == "train"]
    assert [int(row["step"]) for row in steps] == list(range(1, 65))
    assert float(steps[-1]["loss"]) < float(steps[0]["loss"])
    results = results_of(out)
    assert (results["step"], results["epoch"]) == (64, 2)
    assert np.sum(results["confusion"]) == 500
    assert (results["config"]["subject"], results["config"]["epochs"]) == ("training", 2)
    snapshot = NetworkSnapshot.load(out / "weights.safetensors")
    assert snapshot.test_accuracy == results["test_accuracy"] > 0.5


def test_the_same_config_gives_the_same_records_and_can_be_run_from_its_results(tmp_path):
    _, out = run(tmp_path, TRAINING)
    first = rows_of(out)
    code, out = run(tmp_path, results_of(out)["config"])
    assert code == 0
    assert rows_of(out) == first


def test_a_race_leaves_a_column_for_each_racer(tmp_path):
    code, out = run(tmp_path, SURFACE)
    assert code == 0
    rows = rows_of(out)
    assert len(rows) == 30
    assert {"step", "losses.0", "losses.1", "lrs.0", "lrs.1"} <= set(rows[0])
    results = results_of(out)
    assert results["losses"] == [float(rows[-1]["losses.0"]), float(rows[-1]["losses.1"])]
    assert np.shape(results["positions"]) == (2, 2)
    assert results["diverged"] == [None, None]


@pytest.fixture
def weights(tmp_path):
    engine = training(epochs=1)
    finish(engine)
    path = tmp_path / "network.safetensors"
    engine.snapshot().save(path)
    return path


def test_an_attack_on_given_weights_leaves_the_images_it_made(tmp_path, weights):
    code, out = run(tmp_path, ATTACK, "--weights", str(weights), "--digits", "20")
    assert code == 0
    results = results_of(out)
    images = load_file(out / "adversarial.safetensors")["adversarial"]
    assert images.shape == (20, 1, 28, 28)
    original = made_up_digits().test_images[:20, None] / 255
    assert np.abs(images - original).max() <= 0.3 + 1e-6
    answers = network_of(NetworkSnapshot.load(out / "weights.safetensors"))(torch.tensor(images)).argmax(1)
    assert answers.tolist() == results["predictions"]
    assert results["success_rate"] == np.mean(np.array(results["predictions"]) != results["labels"])
    assert len(rows_of(out)) == 5


def test_an_attack_without_weights_trains_a_network_first(tmp_path, capsys):
    code, out = run(tmp_path, ATTACK, "--digits", "3")
    assert code == 0
    assert "training the default network on builtin first" in capsys.readouterr().err
    assert len(results_of(out)["predictions"]) == 3


def test_a_run_that_cannot_go_on_keeps_its_records_and_ends_with_one(tmp_path, capsys):
    growth = {"name": "SGD", "lr": 1000.0, "weight_decay": 1.0}
    code, out = run(tmp_path, {**TRAINING, "model": {"hidden": []}, "optimizer": growth})
    assert code == 1
    assert "with learning rate 1000" in capsys.readouterr().err
    results = results_of(out)
    assert "with learning rate 1000" in results["failure"]
    assert len(rows_of(out)) > 2


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("no json", "mine.json: expected a config in JSON"),
        ("[1]", "mine.json: expected an object with named fields, got list"),
        ({"epochs": 2}, "mine.json: subject: expected one of training, surface, attack, got None"),
        ({**TRAINING, "subject": "digits"}, "mine.json: subject: expected one of"),
        ({**TRAINING, "learning_rate": 1}, "mine.json: learning_rate: unknown field; expected optimizer"),
        (
            {**TRAINING, "batch_size": -1},
            "mine.json: batch_size: expected a whole number from 1 to 60000, got -1",
        ),
        ('{"subject": "attack", "epsilon": NaN}', "mine.json: epsilon: expected a number from 0"),
        ('{"subject": "attack", "epsilon": 1e999}', "mine.json: epsilon: expected a number from 0"),
        (
            {**SURFACE, "racers": [{"optimizer": "SDG"}]},
            "mine.json: racers.0.optimizer.name: expected one of SGD",
        ),
        ({**TRAINING, "optimizer": {"nesterov": True}}, "Nesterov"),
        ({**TRAINING, "batch_size": 3000}, "batch_size: expected at most 2000"),
        ({**TRAINING, "dataset": "mnist"}, "dataset: expected the four MNIST files in"),
    ],
)
def test_a_wrong_config_is_refused_in_one_sentence(tmp_path, capsys, data, sentence):
    code, _ = run(tmp_path, data)
    error = capsys.readouterr().err
    assert code in (1, 2)
    assert error.startswith("optgui: ")
    assert sentence in error
    assert "Traceback" not in error
    assert error.count("\n") == 1


def test_a_config_that_is_wrong_in_itself_ends_with_two(tmp_path):
    assert run(tmp_path, {**TRAINING, "batch_size": -1})[0] == 2
    assert run(tmp_path, "no json")[0] == 2


def test_a_missing_file_and_a_folder_that_cannot_be_made_are_named(tmp_path, capsys):
    assert main(["run", str(tmp_path / "gone.json"), "--out", str(tmp_path / "out")]) == 2
    assert "gone.json: expected a readable file: No such file" in capsys.readouterr().err
    (tmp_path / "out").write_text("a file")
    assert run(tmp_path, SURFACE)[0] == 2
    assert "out: expected a folder that can be written" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["0", "501"])
def test_more_digits_than_there_are_are_refused(tmp_path, weights, capsys, count):
    assert run(tmp_path, ATTACK, "--weights", str(weights), "--digits", count)[0] == 2
    assert f"--digits: expected a whole number from 1 to 500, got {count}" in capsys.readouterr().err


def test_a_file_that_is_no_network_is_refused(tmp_path, capsys):
    path = tmp_path / "holiday.safetensors"
    path.write_text("no weights")
    assert run(tmp_path, ATTACK, "--weights", str(path))[0] == 2
    assert "holiday.safetensors: expected the weights of an optgui network" in capsys.readouterr().err


def test_ctrl_c_ends_quietly(tmp_path, capsys, monkeypatch):
    def interrupted(engine):
        raise KeyboardInterrupt

    monkeypatch.setattr("optgui.core.surface.engine.DescentEngine.step", interrupted)
    assert run(tmp_path, SURFACE)[0] == 130
    assert capsys.readouterr().err == "\noptgui: stopped\n"


@pytest.mark.parametrize("size", ["big", "1280", "1280x", "-1x800", "1280x800x3"])
def test_a_size_that_is_none_is_refused(tmp_path, capsys, size):
    assert main(["tour", str(tmp_path), f"--size={size}"]) == 2
    assert f"--size: expected WIDTHxHEIGHT such as 1280x800, got {size}" in capsys.readouterr().err


def program(*arguments, **environment):
    """`python -m optgui` in a process of its own, without a display."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    env = {key: value for key, value in os.environ.items() if key not in hidden}
    return subprocess.run(
        [sys.executable, "-m", "optgui", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**env, **environment},
        check=False,
    )


def test_the_version_is_said():
    done = program("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"optgui {__version__}")


def test_help_names_every_command():
    done = program("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("run", "tour", "install-desktop"))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
def test_without_a_display_a_sentence_offers_the_tour():
    done = program()
    assert done.returncode == 2
    assert done.stderr.startswith("optgui: No display")
    assert "optgui tour" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is short of libraries")
@pytest.mark.parametrize(
    ("library", "package"),
    [("libxcb-cursor.so.0", "libxcb-cursor0"), ("libEGL.so.1", "libegl1"), ("libodd.so.7", None)],
)
def test_a_missing_library_is_named_with_its_package(monkeypatch, library, package):
    def load(name):
        if name == library or (library.startswith(("libxcb", "libodd")) and "libqxcb" in name):
            raise OSError(f"{library}: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(preflight.ctypes, "CDLL", load)
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    sentence = preflight.missing_library()
    assert f"A system library is missing: {library}." in sentence
    assert (f"sudo apt install {package}" if package else "Install the package that has it") in sentence


def test_where_nothing_is_missing_nothing_is_said(monkeypatch):
    monkeypatch.setattr(preflight.ctypes, "CDLL", lambda name: None)
    monkeypatch.setenv("DISPLAY", ":7")
    assert preflight.missing_library() == ""
    assert preflight.missing_display() == ""


@pytest.mark.parametrize(
    ("platform", "display", "wayland", "is_missing"),
    [
        ("", "", "", True),
        ("xcb", "", "", True),
        ("wayland", "", "", True),
        ("offscreen", "", "", False),
        ("", ":0", "", False),
        ("", "", "wayland-0", False),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
def test_a_display_is_missing_only_where_one_is_needed(monkeypatch, platform, display, wayland, is_missing):
    monkeypatch.setenv("QT_QPA_PLATFORM", platform)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setenv("WAYLAND_DISPLAY", wayland)
    assert bool(preflight.missing_display()) == is_missing


def test_the_binding_in_use_keeps_its_references():
    assert preflight.unsound_binding() == ""
