"""A pytest plugin: each test starts as if in a new process, no matter what earlier tests enrolled."""

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
    translation.deactivate()  # the last request left its language active
    cache.clear()
    for kept in locmem._caches.values():  # under every name, because Django does not list them
        kept.clear()
    budgets.clear()
    for module, name, value in _kept(len(sys.modules)):
        if isinstance(value, PerProcess):
            setattr(module, name, PerProcess())
        else:
            value.cache_clear()


@lru_cache(maxsize=1)
def _kept(modules: int) -> list[tuple[ModuleType, str, Any]]:
    """Our cached functions and per-process values. ``modules``, how many are imported, is only a cache key."""
    ours = [module for name, module in sys.modules.items() if name.startswith("enrollment_errors.")]
    return [
        (module, name, value)
        for module in ours
        for name, value in vars(module).items()
        if isinstance(value, PerProcess)
        or (hasattr(type(value), "cache_clear") and value.__module__ == module.__name__)
    ]
