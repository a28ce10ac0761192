"""A GPU in name only, and memory that ends when a test says so."""

import torch


class Named(str):
    """A device that calls itself a GPU and keeps its tensors on the CPU."""

    type = "cuda"


GPU = Named("cpu")


def fail_once(monkeypatch, owner, name, error=None, *, before=0, after_work=True):
    """Let a method fail at its call number `before`, with its work done or not."""
    method, calls = getattr(owner, name), []

    def failing(*args, **values):
        calls.append(None)
        if len(calls) != before + 1:
            return method(*args, **values)
        if after_work:
            method(*args, **values)
        raise error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(owner, name, failing)
