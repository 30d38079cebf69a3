"""Which spellings are the same word, and what is a word at all."""

import sys

import numpy as np
import pytest

from countermark.fingerprint.text.letters import Letters
from countermark.fingerprint.text.markup import without_markup
from countermark.fingerprint.text.shingles import shingles
from countermark.fingerprint.text.words import words

TEXT = "Grey whales migrate along northern coastlines every autumn, feeding krill."


def plain(text: str) -> list[str]:
    return text.translate(Letters()).replace("-\n", "").replace("-", "").split()


def hashes(*texts: str) -> np.ndarray:
    return np.concatenate(list(shingles(texts)))


@pytest.mark.parametrize(
    ("one", "other"),
    {
        "case": ("Straße İSTANBUL ΣΊΣΥΦΟΣ", "STRASSE istanbul σίσυφος"),
        "accents": ("Crème brûlée à l'été", "Creme brulee a lete"),
        "composed and decomposed": ("caf\u00e9 \uac01", "cafe\u0301 \u1100\u1161\u11a8"),
        "compatibility forms": ("ﬁne ＷＩＤＥ 𝐛𝐨𝐥𝐝 x²", "fine wide bold x2"),
        "Cyrillic look-alikes": ("pаypаl ассоunt", "paypal account"),
        "Greek look-alikes": ("αΒο", "abo"),
        "unseen characters": ("se\u200bcr\u2060et\ufeff w\u00adord\u034f \U000e0061a\ufe0fb", "secret word ab"),
        "variation selectors later than Unicode 3.2": ("wo\U000e0100rd", "word"),
        "marks later than Unicode 3.2": ("wo\u1ab0rd\u1dc4", "word"),
        "apostrophes": ("don't don’t donʼt", "dont dont dont"),
        "hyphens": ("well-known well‐known", "wellknown wellknown"),
        "punctuation": ("one,two;three…four—five/six_seven", "one two three four five six seven"),
        "pictures": ("yes🙂no 🏳️‍🌈", "yes no"),
        "stretched Arabic": ("كتـــاب", "كتاب"),
        "vowel points": ("עִבְרִית", "עברית"),
    }.values(),
)
def test_spellings_of_the_same_words(one, other):
    assert plain(one) == plain(other)


@pytest.mark.parametrize(
    ("text", "count"),
    [("日本語のテキスト", 8), ("ﾃｷｽﾄ", 4), ("ภาษาไทย", 7), ("한국어 문장", 2), ("हिन्दी में", 2), ("abc日本def", 4)],
)
def test_scripts_without_blanks_have_a_word_per_character(text, count):
    assert len(plain(text)) == count


def test_bytes_of_windows_1252_are_its_letters():
    assert plain(b"caf\xe9 \x93na\xefve\x94".decode("utf-8", "surrogateescape")) == ["cafe", "naive"]


def test_every_character_has_a_form_and_those_remembered_are_few():
    letters = Letters()
    forms = "".join(chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF).translate(
        letters
    )
    assert len(letters) <= 1 << 18
    assert forms.translate(letters).split() == forms.split(), "a form is its own form"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\n\n"])
def test_word_broken_at_the_end_of_a_line_is_one_word(newline):
    broken = TEXT.replace("coastlines", f"coast-{newline}lines")
    assert np.array_equal(hashes(broken), hashes(TEXT))


def test_words_at_the_borders_of_blocks_are_whole():
    whole = hashes(TEXT * 3)
    for cut in range(len(TEXT)):
        text = TEXT * 3
        assert np.array_equal(hashes(text[:cut], text[cut : 2 * cut], text[2 * cut :]), whole), cut


def test_word_hashes_differ_by_order_length_and_letters():
    (found, rest) = words(["ab ba a aa aaa b c abc acb é "])
    assert len(rest.hashes) == 1  # The last word waits for its end.
    assert len(np.unique(found.hashes)) == len(found.hashes) == 9


@pytest.mark.parametrize(
    ("text", "count"),
    {
        "three words make one": ("whales migrate northwards", 1),
        "two of them tell something": ("whales of the north", 0),
        "one word between": ("whales and dolphins", 1),
        "numbers tell nothing": ("2026 11 28 12 30 05", 0),
        "dates between words": ("whales 2026 11 28 dolphins", 0),
        "Lorem ipsum": ("Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod", 0),
        "a licence": ("/* Permission is hereby granted, free of charge, to any person obtaining a copy */", 0),
        "ideographs": ("日本語のテキス", 2),
        "Thai": ("ภาษาไทยไม่มีช่อง", 5),
    }.values(),
)
def test_groups_that_count(text, count):
    assert len(hashes(text)) == count


@pytest.mark.parametrize(
    ("page", "text"),
    {
        "tags": ('<p class="a" id=b>One <b>two</b></p><br/><hr>three', "One two three"),
        "references": ("caf&eacute; caf&#233; caf&#xE9; a&nbsp;b", "café café café a b"),
        "a formula": ("if a < b && c > d", "if a < b && c > d"),
        "a template": ("map<string, int> list<String>", "map<string, int> list<String>"),
        "a sentence in angles": ("<a sentence of words>", "<a sentence of words>"),
        "unknown references": ("&bogus; &#0; &#xD800; &#9999999;", "&bogus; &#0; &#xD800; &#9999999;"),
    }.values(),
)
def test_web_page_is_the_text_that_it_shows(page, text):
    assert plain(without_markup(page)) == plain(text)
