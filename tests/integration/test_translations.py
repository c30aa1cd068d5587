"""Every language says what the English text says: the same keys, the same placeholders, and no text left in English."""

import json
from typing import Any

import pytest

from .metadata import ROOM, TEXTS, leaves, placeholders

LANGUAGES = ("de", "es", "fr", "it", "nl")
SENTENCE = 35  # characters; what is shorter may be a word that both languages have
ENGLISH = dict(leaves(TEXTS))


def texts_of(language: str) -> dict[str, Any]:
    return dict(leaves(json.loads((ROOM / "translations" / f"{language}.json").read_text(encoding="utf-8"))))


def test_all_languages_are_tested() -> None:
    assert {path.stem for path in (ROOM / "translations").glob("*.json")} == {"en", *LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_same_keys_in_the_same_order(language: str) -> None:
    assert list(texts_of(language)) == list(ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
def test_same_placeholders_and_paragraphs(language: str) -> None:
    texts = texts_of(language)
    differing = [key for key, text in ENGLISH.items() if placeholders(texts[key]) != placeholders(text)]
    differing += [key for key, text in ENGLISH.items() if texts[key].count("\n") != text.count("\n")]
    assert differing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_in_english(language: str) -> None:
    texts = texts_of(language)
    assert [key for key, text in ENGLISH.items() if len(text) > SENTENCE and texts[key] == text] == []
