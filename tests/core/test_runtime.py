"""The one door to torch and torchvision."""

import importlib
import sys
import threading
import types

import pytest
import torch

from optgui.core import runtime

NMS = "operator torchvision::nms does not exist"


class Imports:
    """Stands in for importlib inside `runtime`: fails as a list of errors says, then gives a module."""

    def __init__(self, *errors):
        self.errors, self.asked, self.module = list(errors), [], types.ModuleType("torchvision.datasets")

    def import_module(self, name):
        self.asked.append((name, "torchvision.half_done" in sys.modules))
        if self.errors:
            raise self.errors.pop(0)
        return self.module


class Library:
    """Stands in for torch.library.Library, whose real operators may be there already."""

    made = ()

    def __init__(self, namespace, kind):
        self.namespace, self.kind, self.operators = namespace, kind, []
        Library.made.append(self)

    def define(self, signature):
        self.operators.append(signature.partition("(")[0])


@pytest.fixture
def door(monkeypatch):
    """Opens the door with imports that fail; returns what was asked for and declared."""
    monkeypatch.setattr(Library, "made", [])
    monkeypatch.setattr(torch.library, "Library", Library)
    monkeypatch.setattr(runtime, "_kept", [])
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torchvision.half_done", types.ModuleType("torchvision.half_done"))

    def open_it(*errors):
        imports = Imports(*errors)
        monkeypatch.setattr(runtime, "importlib", imports)
        return imports

    return open_it


def test_the_door_gives_torchvision_as_it_is_where_the_import_works(door):
    imports = door()
    assert runtime.torchvision("datasets") is imports.module
    assert Library.made == []


def test_missing_operators_are_declared_and_the_import_is_tried_again(door):
    imports = door(RuntimeError(NMS))
    assert runtime.torchvision("datasets") is imports.module
    assert [library.operators for library in Library.made] == [["nms", "qnms"]]
    assert runtime._kept == Library.made  # a collected library takes its operators with it
    assert imports.asked == [("torchvision.datasets", True), ("torchvision.datasets", False)]


@pytest.mark.parametrize("error", [RuntimeError("CUDA error"), ImportError("No module named torchvision")])
def test_any_other_failure_is_passed_on(door, error):
    door(error)
    with pytest.raises(type(error), match=str(error)):
        runtime.torchvision("datasets")
    assert Library.made == []


def test_the_real_torchvision_opens():
    assert runtime.torchvision("datasets") is importlib.import_module("torchvision.datasets")
    assert hasattr(runtime.torchvision("datasets"), "MNIST")


def test_load_says_what_was_loaded():
    assert runtime.load() == f"torch {torch.__version__}"


def test_the_thread_count_of_one_job_is_not_that_of_another():
    """Different counts give different bits, so a job must not change another's."""
    set_one, set_two, counts = threading.Event(), threading.Event(), []

    def attack():
        runtime.use_threads(1)
        set_one.set()
        assert set_two.wait(5)
        counts.append(torch.get_num_threads())

    def training():
        assert set_one.wait(5)
        runtime.use_threads(2)
        set_two.set()
        counts.append(torch.get_num_threads())

    threads = [threading.Thread(target=job) for job in (attack, training)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [1, 2]


def test_the_cpu_is_always_there(monkeypatch):
    assert runtime.device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert runtime.device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert runtime.device("auto") == torch.device("cuda")


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_by_name(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=f"^device: expected one on this computer, got {name}"):
        runtime.device(name)


def test_every_offered_device_is_known_to_the_door(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert {runtime.device(name).type for name, _ in runtime.DEVICES} == {"cpu", "cuda", "mps"}


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_memory_that_ends_is_known_by_type_and_by_words(error, is_it):
    assert runtime.out_of_memory(error) is is_it
