"""Finds the names in the documentation's prose (everything in backticks), and checks that the code has them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from functools import cache

from django.apps import apps
from django.conf import global_settings
from django.core.management import get_commands
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import NoReverseMatch, reverse

from enrollment_errors.conf import Settings

from .blocks import FENCE, ROOT
from .processors_page import PROCESSORS

SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
WORD = re.compile(r"[A-Za-z_]\w*")
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "dependencies.md"),
]
"""Not docs/dependencies.md, which has its own test, and not the changelog, which names things that no longer exist."""

SOURCES = ("enrollment_errors/**/*.py", "templates/**/*.html", "enrollment_errors/static/**/*.[jc]s*", "pyproject.toml")
OF_OTHERS = {
    "Django": "CONN_MAX_AGE SILENCED_SYSTEM_CHECKS createcachetable get_language_info logout startproject"
    " makemigrations",
    "HTTP": "HttpOnly SameSite Secure",
    "SQL": "SELECT FOR UPDATE SKIP LOCKED INSERT",
    "the operating system": "fsync mkdir",
    "gettext": "LC_MESSAGES mo po",
    "languages": "fil hans hant tl vi zh",
    "the documentation's own site": "mysite AgencyAdmin agency_of digital door hand_written switched_agency",
    "this project's tools": "cpu latency tests docs errors_page",
}
"""Words that are not in the package's sources, by where they come from."""


def named() -> Iterator[tuple[str, str]]:
    """The location and the text of each code span outside of blocks."""
    for page in PAGES:
        text = FENCE.sub(lambda block: "\n" * block[0].count("\n"), page.read_text())
        for span in SPAN.finditer(text):
            line = text.count("\n", 0, span.start()) + 1
            yield f"{page.relative_to(ROOT)}:{line}", " ".join(span[1].split())


@cache
def sources() -> str:
    return "\n".join(path.read_text() for pattern in SOURCES for path in sorted(ROOT.glob(pattern)))


@cache
def words() -> frozenset[str]:
    tables = {model._meta.db_table for model in apps.get_models()}
    extra = {f"ledger_{field.name}" for field in apps.get_model("enrollment_ledger", "Entry")._meta.get_fields()}
    return frozenset({*WORD.findall(sources()), *" ".join(OF_OTHERS.values()).split(), *tables, *extra})


def is_importable(path: str) -> bool:
    """Whether the path names a module, or an attribute of a module or a class."""
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ImportError as error:
            if (error.name or "").startswith("django."):
                return True  # it needs a newer Django
            continue
        for name in parts[end:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


def is_permission(name: str) -> bool:
    label, _, codename = name.partition(".")
    if label not in {config.label for config in apps.get_app_configs()}:
        return False
    models = [model._meta for model in apps.get_app_config(label).get_models(include_auto_created=True)]
    known = {f"{action}_{meta.model_name}" for meta in models for action in meta.default_permissions}
    return codename in known | {code for meta in models for code, _ in meta.permissions} | {
        m.model_name for m in models
    }


def is_check(name: str) -> bool:
    return f'"{name.rpartition(".")[2]}"' in sources()


def is_url_name(name: str) -> bool:
    try:
        return bool(reverse(name))
    except NoReverseMatch:
        return False


def is_file(name: str) -> bool:
    """Whether the repository has the file, under that name or in one of the folders that pages leave out."""
    before = ("", "enrollment_errors/", "templates/", "templates/enrollment_errors/", "enrollment_errors/static/")
    before += ("enrollment_errors/static/enrollment_errors/",)
    return any((ROOT / place / name).exists() for place in before) or is_template(name)


def is_template(name: str) -> bool:
    """Whether Django has the template, such as one of the admin's."""
    try:
        return bool(get_template(name))
    except TemplateDoesNotExist:
        return False


def is_setting(name: str) -> bool:
    """Whether it is a key of ENROLLMENT_ERRORS, a processor's option, a Django setting, or a word in the sources."""
    options = {option.name for processor in PROCESSORS for option in processor.account_options}
    return name in Settings.__dataclass_fields__ or name in options or hasattr(global_settings, name) or name in words()


def is_command(line: str) -> bool:
    name, *arguments = line.removeprefix("python ").removeprefix("manage.py ").split()
    flags = [argument for argument in arguments if argument.startswith("--")]
    return name in get_commands() and all(
        flag in sources() or flag in {"--deploy", "--fail-level", "--noinput"} for flag in flags
    )


def is_target(line: str) -> bool:
    return re.search(rf"^{line.split()[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE) is not None


def has_known_words(text: str) -> bool:
    return all(word in words() or hasattr(global_settings, word) for word in WORD.findall(text))


KINDS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    (r"500\.html|mysite/[\w/]+\.html|(?:python -m )?pip install .*", lambda name: True),  # a site's own files; pip
    (r"(?:python )?manage\.py \w.*", is_command),
    (r"make [\w-]+", is_target),
    (r"enrollment_errors\.[EW]\d{3}|[EW]\d{3}", is_check),
    (r"enrollment_errors(?:_in_person)?:\w+", is_url_name),
    (r"(?:enrollment_errors|tests|bench)[\w/]*/[\w/.-]+\.(?:html|py|js|css)|[\w/]+\.(?:html|js|toml)", is_file),
    (r"enrollment_(?!errors\b)\w+\.\w+", is_permission),
    (r"enrollment_errors(?:\.\w+)+", lambda name: is_importable(name) or is_permission(name)),
    (r"[A-Z][A-Z_]{2,}", is_setting),
    (r".*", has_known_words),
)
"""The first pattern that matches a whole span decides. Quotes and the parentheses of a call do not count."""


def is_known(text: str) -> bool:
    name = re.sub(r"\((?:[^()]|\([^()]*\))*\)$", "", text.strip('"'))
    return next(known for pattern, known in KINDS if re.fullmatch(pattern, name))(name)
