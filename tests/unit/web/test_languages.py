"""Languages: which one, what it says, and that no text is without a translation."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.generate_catalogues import FOLDER, render, texts
from limen.web.languages.catalogue import (
    catalogue_of,
    parse_catalogue,
    say_in,
    say_words,
)
from limen.web.languages.negotiate import DEFAULT, SPOKEN, choose, read_accepted
from limen.web.languages.words import Words

TRANSLATED = tuple(language for language in SPOKEN if language != DEFAULT)
VALUE = re.compile(r"%\(\w+\)s")
MARKUP = re.compile(r"<[^>]+>")


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_has_every_text_and_none_that_nobody_says(language: str) -> None:
    kept = (FOLDER / f"{language}.po").read_text(encoding="utf-8")
    assert kept == render(language), "run `make docs`, and translate what is new"
    known = parse_catalogue(kept)
    assert [text for text in texts() if not known.get(text)] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_names_the_same_values_and_has_the_same_markup(language: str) -> None:
    for text, said in catalogue_of(language).items():
        for what in (VALUE, MARKUP):
            assert sorted(what.findall(text)) == sorted(what.findall(said)), text
        assert said.count("%") == len(VALUE.findall(said)), text


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", ""),
        ("de", "de"),
        ("de-CH, en;q=0.9", "de"),
        ("EN-gb;q=0.5, FR-ca;q=0.8", "fr"),
        ("ja, es;q=0.1", "es"),
        ("de;q=0, fr", "fr"),
        ("de;q=x, fr;q=0.2", "fr"),
        ("de;level=1", ""),
        ("*, de;q=0.3", "de"),
        (", ;q=1, ,", ""),
        ("zz," * 5000 + "de", ""),
        ("de;q=0.²", ""),
    ],
    ids=range(12),
)
def test_which_language_a_header_asks_for(header: str, language: str) -> None:
    assert choose(read_accepted(header)) == language


def test_which_language_tags_ask_for() -> None:
    assert choose(["xx", "pt-BR", "es-419"]) == "es"
    assert choose(["english", "d", ""]) == ""
    assert choose(["xx"] * 20 + ["de"]) == ""  # so far and no further


@given(st.text(max_size=300))
def test_no_header_is_a_reason_to_fail(header: str) -> None:
    assert choose(read_accepted(header)) in {"", *SPOKEN}


@given(st.text(max_size=300))
def test_a_file_is_a_catalogue_or_refused(text: str) -> None:
    try:
        found = parse_catalogue(text)
    except ValueError:
        return
    assert all(found.values())


def test_a_catalogue_is_read_as_gettext_writes_it() -> None:
    written = (
        'msgid ""\nmsgstr "Language: de\\n"\n\n'
        '#: a.html:1\nmsgid ""\n"One "\n"two"\nmsgstr "Eins \\"zwei\\""\n\n'
        '#, fuzzy\nmsgid "Three"\nmsgstr "Vier"\n\nmsgid "Five"\nmsgstr ""\n'
    )
    assert parse_catalogue(written) == {"One two": 'Eins "zwei"'}
    for broken in ("Three", "msgid 3", 'msgid_plural "x"', 'msgid "x'):
        with pytest.raises(ValueError, match="no "):
            parse_catalogue(broken)


def test_what_is_unknown_stays_english_and_values_are_filled_in() -> None:
    say = say_in("de")
    assert say("Sign out") == "Abmelden"
    assert say("nobody says this") == "nobody says this"
    assert say_in("xx")("Sign out") == "Sign out"
    words = Words("Your answer goes to %(host)s.", {"host": "100%(x)s"})
    assert say_words(say, words) == "Ihre Antwort geht an 100%(x)s."
    assert str(words) == "Your answer goes to 100%(x)s."


def test_n234_any_number_of_languages_leaves_memory_flat() -> None:
    def ask(numbers: range) -> None:
        for number in numbers:
            assert choose([f"x{number}-yy"]) == ""
            assert choose(read_accepted(f"q{number}, r{number};q=0.5")) == ""
            say_in(f"x{number}")("Sign out")

    for language in TRANSLATED:
        catalogue_of(language)
    ask(range(1000))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        ask(range(1000, 21_000))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000
    assert catalogue_of.cache_info().currsize == len(TRANSLATED)
