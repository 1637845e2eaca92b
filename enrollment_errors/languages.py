"""Which of the site's languages this app has words in."""

from __future__ import annotations

from django.conf import settings
from django.utils import translation

_A_MESSAGE_OF_OURS = "You are already enrolled"


def without_our_words() -> list[str]:
    """The languages that the site offers without a catalog, ours or its own: our pages are English there."""
    if not settings.USE_I18N:
        return []
    return [language for language, _ in settings.LANGUAGES if _is_english(language) and not _is_an_english(language)]


def _is_english(language: str) -> bool:
    with translation.override(language):
        return translation.gettext(_A_MESSAGE_OF_OURS) == _A_MESSAGE_OF_OURS


def _is_an_english(language: str) -> bool:
    return language.partition("-")[0] == "en"
