"""Which names of the libraries below the package uses that those do not promise: found in its classes and its code."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import enrollment_errors

PACKAGE = Path(enrollment_errors.__file__).parent

HOOKS_PROMISED = ("django", "amplitude", "logging", "io", "socket", "ssl", "threading", "json", "enum", "typing")
"""What a class of ours overrides there by a public name is documented. Elsewhere each hook counts."""


def modules() -> Iterator[str]:
    for found in pkgutil.walk_packages([str(PACKAGE)], "enrollment_errors."):
        # Migrations import themselves, and what is for development depends on nothing that a rider does.
        if not found.name.startswith(("enrollment_errors.migrations", "enrollment_errors.testing")):
            yield found.name


def overridden() -> set[str]:
    """What classes of ours have in the place of what a class of others has."""
    names = set()
    for module in map(importlib.import_module, modules()):
        for ours in vars(module).values():
            if isinstance(ours, type) and ours.__module__ == module.__name__:
                names |= {name for name in vars(ours) if _is_a_hook_of_others(ours, name)}
    return names


def _is_a_hook_of_others(ours: type, name: str) -> bool:
    if name.startswith("__"):
        return False
    others = [base for base in ours.__mro__ if not base.__module__.startswith("enrollment_errors") and name in vars(base)]
    if name.startswith("_"):
        return bool(others)
    return any(base.__module__.partition(".")[0] not in HOOKS_PROMISED for base in others)
