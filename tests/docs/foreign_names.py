"""Finds the names of other libraries that the package's classes and code use, for docs/dependencies.md."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import django

import enrollment_errors

PACKAGE = Path(enrollment_errors.__file__).parent
DEVELOPMENT = ("enrollment_errors.sandbox", "enrollment_errors.testing", "enrollment_errors.management")
"""No rider's request runs this code."""

HOOKED = ("urllib3", "requests", "http.client", "sentry_sdk")
"""Every name that our classes override in these libraries counts. In other libraries, only names with an underscore
count, because the rest are documented."""

PROMISED = {"_meta", "_default_manager", "_replace", "_value2member_map_", "_minutes"}
"""Names with an underscore that do not count: Django or Python documents them, only the sandbox uses them, or they are
just the end of one of our own names."""


def modules() -> Iterator[str]:
    for found in pkgutil.walk_packages([str(PACKAGE)], "enrollment_errors."):
        is_for_another_django = found.name.endswith(".tasks") and django.VERSION < (6,)
        if not is_for_another_django and not found.name.startswith((*DEVELOPMENT, "enrollment_errors.migrations")):
            yield found.name


def overridden() -> set[str]:
    """The names that our classes override in classes of other libraries."""
    names = set()
    for module in map(importlib.import_module, modules()):
        for ours in vars(module).values():
            if isinstance(ours, type) and ours.__module__ == module.__name__:
                names |= {name for name in vars(ours) if _is_a_hook_of_others(ours, name)}
    return names


def _is_a_hook_of_others(ours: type, name: str) -> bool:
    # Python itself adds such names to an Enum or an ABC.
    if name.startswith("__") or name.endswith("_") or name == "_abc_impl":
        return False
    having = [base.__module__ for base in ours.__mro__ if name in vars(base)]
    others = [module for module in having if not module.startswith("enrollment_errors")]
    return bool(others) if name.startswith("_") else any(module.startswith(HOOKED) for module in others)


def reached_for() -> set[str]:
    """Names with a leading underscore: those that our code uses, after a dot or as a string, but does not define, and
    methods that it defines but does not use, because other libraries call them."""
    defined, methods, used = set(), set(), set()
    for node in _nodes():
        match node:
            case ast.ClassDef(name=name, body=body):
                defined.add(name)
                methods |= {each.name for each in body if isinstance(each, ast.FunctionDef)}
            case ast.FunctionDef(name=name) | ast.arg(arg=name):
                defined.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                defined.add(name)
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name) | ast.Constant(value=str(name)):
                used.add(name)
    return {name for name in (used - defined) | (methods - used) if _is_private(name)} - PROMISED


def _nodes() -> Iterator[ast.AST]:
    for path in PACKAGE.rglob("*.py"):
        yield from ast.walk(ast.parse(path.read_text()))


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name.isidentifier()


def imported(library: str) -> set[str]:
    """The imports from a library, as the page writes them: ``library.module.Name``, or the module itself."""
    names = set()
    for node in _nodes():
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if _is_in(alias.name, library)}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and _is_in(node.module or "", library):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _is_in(module: str, library: str) -> bool:
    return module == library or module.startswith(f"{library}.")
