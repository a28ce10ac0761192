"""Tests of the window collect garbage between themselves, as the window does from a timer.

A collection in the middle of a call of Qt may end an object while Qt holds a lock that its end wants.
"""

import gc

import pytest


@pytest.fixture(scope="session", autouse=True)
def _what_is_loaded_is_never_garbage():
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_collection_within_a_test():
    gc.disable()
    yield
    gc.enable()
    gc.collect()
