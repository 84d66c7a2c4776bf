import ctypes
import sys
from types import SimpleNamespace

import pytest

from keras_alexnet.training import allocator
from keras_alexnet.training.allocator import keep_freed_memory


class Library:
    """A C library that notes what it is told."""

    def __init__(self, answer=1):
        self.told = {}
        self.answer = answer

    def mallopt(self, name, value):
        self.told[name] = value
        return self.answer


@pytest.fixture
def library(monkeypatch):
    """Return what makes the C library another one, on Linux."""
    monkeypatch.setattr(sys, "platform", "linux")
    return lambda it: monkeypatch.setattr(ctypes, "CDLL", lambda name: it)


def test_nothing_is_mapped_apart_and_nothing_goes_back(library):
    glibc = Library()
    library(glibc)
    assert keep_freed_memory() is True
    assert glibc.told == {
        allocator.MMAP_MAX: 0,
        allocator.TRIM_THRESHOLD: 2**31 - 1,
        allocator.TOP_PAD: 64 * 2**20,
        allocator.ARENA_MAX: 1,
    }


def test_every_setting_is_tried_though_one_is_refused(library):
    refusing = Library(answer=0)
    library(refusing)
    assert keep_freed_memory() is False
    assert len(refusing.told) == 4


def test_other_c_libraries_are_left_alone(library):
    library(SimpleNamespace())  # musl has no mallopt
    assert keep_freed_memory() is False


def test_other_systems_are_left_alone(library, monkeypatch):
    glibc = Library()
    library(glibc)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False and glibc.told == {}
