"""A pytest plugin: each test begins as in a process that has just started, whatever was enrolled in it before."""

from __future__ import annotations

import sys
from functools import lru_cache
from types import ModuleType
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache.backends import locmem
from django.utils import translation

from enrollment_errors.processes import PerProcess
from enrollment_errors.reporting.budgets import budgets


@pytest.fixture(autouse=True)
def afresh() -> None:
    translation.deactivate()  # the last request's
    cache.clear()
    for kept in locmem._caches.values():  # in memory, under whatever name: Django does not tell which there are
        kept.clear()
    budgets.clear()
    for module, name, value in _kept(len(sys.modules)):
        if isinstance(value, PerProcess):
            setattr(module, name, PerProcess())
        else:
            value.cache_clear()


@lru_cache(maxsize=1)
def _kept(modules: int) -> list[tuple[ModuleType, str, Any]]:
    """Our functions that remember, and what each process has its own of. ``modules``: how many there are to search."""
    ours = [module for name, module in sys.modules.items() if name.startswith("enrollment_errors.")]
    return [
        (module, name, value)
        for module in ours
        for name, value in vars(module).items()
        if isinstance(value, PerProcess)
        or (hasattr(type(value), "cache_clear") and value.__module__ == module.__name__)
    ]
