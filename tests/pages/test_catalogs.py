"""Each catalog is complete, agrees with the sources and with the other catalogs, and ships compiled."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf.locale import LANG_INFO
from django.test import RequestFactory
from django.utils import translation
from django.utils.formats import date_format

from . import catalogs, for_translators, gallery, sightings, unseen

IN_SOURCES = set().union(*catalogs.messages_in_sources().values())
PLACEHOLDER = re.compile(r"%\(\w+\)s")

each_catalog = pytest.mark.parametrize("locale", catalogs.LOCALES)


def ours(locale: str) -> list[catalogs.Entry]:
    """A catalog's entries, without the month names that the Tagalog catalog has for Django."""
    return [entry for entry in catalogs.entries(locale) if entry.sources]


def translated(locale: str) -> list[catalogs.Entry]:
    """The entries that need a translation. What only operators read is translated only into Spanish."""
    return [entry for entry in catalogs.entries(locale) if locale == "es" or not catalogs.is_for_operators(entry)]


def test_the_largest_home_languages_of_california_are_there() -> None:
    assert catalogs.LOCALES == ["es", "ko", "tl", "vi", "zh_Hans", "zh_Hant"]


@each_catalog
def test_a_catalog_has_every_message_that_riders_may_read(locale: str) -> None:
    assert {entry.message for entry in ours(locale)} >= IN_SOURCES


@each_catalog
def test_a_catalog_has_every_message_in_python(locale: str) -> None:
    """Before its version 1.0, xgettext does not look into f-strings."""
    in_catalog = {entry.message for entry in catalogs.entries(locale)}
    assert catalogs.written_out_in_python() - in_catalog == set()


@each_catalog
def test_a_catalog_has_no_message_that_nobody_asks_for(locale: str) -> None:
    asked_by_templates = [
        entry
        for entry in ours(locale)
        if any(path.startswith("templates/enrollment_errors/") for path in entry.sources)
    ]
    assert [entry.message for entry in asked_by_templates if entry.message not in IN_SOURCES] == []


@each_catalog
def test_a_catalog_has_no_empty_entry(locale: str) -> None:
    assert [entry.message for entry in translated(locale) if not entry.translation] == []


@pytest.mark.parametrize("locale", [locale for locale in catalogs.LOCALES if locale != "es"])
def test_what_only_operators_read_is_in_english_and_spanish_alone(locale: str) -> None:
    needless = [entry.message for entry in ours(locale) if catalogs.is_for_operators(entry) and entry.translation]
    assert needless == []


@each_catalog
def test_a_catalog_has_no_fuzzy_entry(locale: str) -> None:
    assert [entry.message for entry in catalogs.entries(locale) if "fuzzy" in entry.flags] == []


@each_catalog
def test_placeholders_match(locale: str) -> None:
    for entry in translated(locale):
        assert sorted(PLACEHOLDER.findall(entry.translation)) == sorted(PLACEHOLDER.findall(entry.message)), (
            entry.message
        )


@each_catalog
def test_only_names_are_left_untranslated(locale: str) -> None:
    same = {entry.message for entry in ours(locale) if entry.translation == entry.message}
    assert same <= {"Reference:"}


@each_catalog
def test_the_ready_text_names_the_button_as_the_button_is_named(locale: str) -> None:
    translations = {entry.message: entry.translation for entry in ours(locale)}
    assert translations["Enroll"] in translations["Ready. Select Enroll to go on."]


STIFF = {
    "es": ["Elija", "agencia de tránsito", "revisando"],  # the second is the traffic police to many
    "zh_Hans": ["注册"],  # to sign up for an account; a card is 登记
    "zh_Hant": ["註冊"],
}


@pytest.mark.parametrize("locale", STIFF)
def test_no_message_has_a_word_that_native_speakers_read_differently(locale: str) -> None:
    found = [entry.message for entry in ours(locale) for word in STIFF[locale] if word in entry.translation]
    assert found == []


@pytest.mark.parametrize("locale", catalogs.LOCALES)
def test_a_message_of_few_words_has_a_context_so_that_a_sites_own_does_not_mix_with_it(locale: str) -> None:
    without = [
        entry.message
        for entry in ours(locale)
        if entry.context != catalogs.CONTEXT
        and len(entry.message.split()) <= 3
        and any(source.startswith("templates/enrollment_errors/") for source in entry.sources)
        and "%(" not in entry.message
    ]
    assert without == []


def test_a_site_that_says_enroll_in_its_own_words_leaves_ours_alone(settings: Any, tmp_path: Path) -> None:
    """Django joins all catalogs of a site, and the first one that has a message wins."""
    folder = tmp_path / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    header = "Content-Type: text/plain; charset=UTF-8\n"
    entries = [("", header), ("Enroll", "Matricularse"), ("Try again", "Otra vez")]
    (folder / "django.mo").write_bytes(catalogs.compile_entries(entries))
    settings.LOCALE_PATHS = [str(tmp_path)]
    with translation.override("es"):
        assert translation.gettext("Enroll") == "Matricularse"
        html = gallery.render("enroll")
    assert "Matricularse" not in html
    assert "Otra vez" not in html
    assert "Inscribir" in html


@each_catalog
def test_a_header_says_that_a_native_speaker_has_to_review_it(locale: str) -> None:
    assert "# Awaits review by a native speaker." in catalogs.header(locale)


@each_catalog
def test_the_compiled_catalog_is_up_to_date(locale: str) -> None:
    written = {
        (entry.context, entry.message): entry.translation for entry in catalogs.entries(locale) if entry.translation
    }
    assert catalogs.compiled(locale) == written


def test_tagalog_dates_name_the_month_in_tagalog() -> None:
    with translation.override("tl"):
        assert date_format(date(2027, 1, 31), "DATE_FORMAT") == "Enero 31, 2027"
        assert date_format(date(2027, 8, 1), "F j, Y") == "Agosto 1, 2027"


def test_a_browser_set_to_filipino_gets_tagalog_once_django_knows_of_it(monkeypatch: Any, settings: Any) -> None:
    monkeypatch.setitem(LANG_INFO, "fil", {"fallback": ["tl"]})
    settings.LANGUAGES = [("en", "English"), ("tl", "Tagalog")]
    request = RequestFactory().get("/", headers={"accept-language": "fil-PH,fil;q=0.9,en;q=0.5"})
    assert translation.get_language_from_request(request) == "tl"


@pytest.mark.parametrize(
    ("language", "theirs", "ours"), [("en", "Join", "Try again"), ("es", "Unirse", "Volver al inicio")]
)
def test_a_site_has_its_own_words_in_a_language_and_ours_for_the_rest(
    language: str, theirs: str, ours: str, settings: Any, tmp_path: Path
) -> None:
    catalog = tmp_path / language / "LC_MESSAGES" / "django.mo"
    catalog.parent.mkdir(parents=True)
    header = ("", "Content-Type: text/plain; charset=UTF-8\n")
    catalog.write_bytes(catalogs.compile_entries([header, (f"{catalogs.CONTEXT}\x04Enroll", theirs)]))
    settings.LOCALE_PATHS = [tmp_path]
    with translation.override(language):
        page = gallery.render("enroll")
    assert f">{theirs}<" in re.sub(r"\s*([<>])\s*", r"\1", page)
    assert ours in page


def test_a_translator_finds_the_pages_that_show_a_message() -> None:
    texts = {
        "enroll": "Enroll your card\n Enroll \nNeed help? Call 555-0100",
        "success": "Enroll again\nYour card is enrolled",
        "leave": "Call 555-0111",
    }

    assert sightings.of("Enroll", texts) == ["enroll"]
    assert sightings.of("Need help?", texts) == ["enroll"]
    assert sightings.of('Call <bdi dir="ltr">%(phone)s</bdi>', texts) == ["leave"]
    assert sightings.of("card", texts) == ["enroll", "success"]
    assert sightings.of("Reference:", texts) == []


def test_a_line_of_a_page_ends_where_a_block_does_and_not_at_a_tag_within_a_sentence() -> None:
    html = """<style>p { color: red }</style><h1>Enroll <strong>your</strong>
      card</h1><p>Call <a href="tel:1"><bdi dir="ltr">555-0100</bdi></a><br>or come back</p>
      <button aria-label="Close the page">✕</button><template>Later</template><input type="submit" value="Go on">"""
    lines = [" ".join(line.split()) for line in sightings.text_of(html).splitlines()]
    assert [line for line in lines if line] == [
        *("Enroll your card", "Call 555-0100", "or come back", "✕", "Later"),
        *("Close the page", "Go on"),
    ]


def test_a_picture_shows_every_message_of_riders_and_staff_or_the_index_says_where_it_is() -> None:
    pages = {name: for_translators.render(name) for name in (*gallery.ALL, *for_translators.PICTURES)}
    pages |= {f"{name}, signed in": gallery.render(name, signed_in=True) for name in gallery.SIGN_IN_MATTERS}
    texts = {name: sightings.text_of(html) for name, html in pages.items()}
    nowhere = [
        entry.message
        for entry in catalogs.entries("es")
        if not (catalogs.is_for_operators(entry) or sightings.of(entry.message, texts) or unseen.where(entry))
    ]
    assert nowhere == []
