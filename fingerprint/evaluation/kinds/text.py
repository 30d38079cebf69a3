"""What is done to a text to sell it as another: the attacks by which ``text/v1`` was calibrated, and those held back.

Texts are UTF-8, their paragraphs parted by empty lines. Every attack but those that say so leaves the text readable;
translation and retelling in other words are beyond the generator and not among them.
"""

import re
import textwrap
import unicodedata
from collections.abc import Callable, Sequence
from html import escape
from random import Random
from typing import Final

from countermark.fingerprint.evaluation.kinds.attack import Attack, Edit

__all__ = ["ATTACKS"]

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_LOOKALIKES: Final = str.maketrans("aceopxyiABCEHKMOPTX", "асеорхуіАВСЕНКМОРТХ")
_UNSEEN: Final = "\u200b\u200d\u2060\u00ad\ufeff"
_WORD: Final = re.compile(r"\S+")
_SENTENCE_END: Final = re.compile(r"(?<=[.?!])\s+")
_PARAGRAPH_END: Final = re.compile(r"\n\s*\n")

Others = Sequence[str]
Change = Callable[[str, Random, Others], str]
WordChange = Callable[[str, Random, list[str]], str]


def _on_text(change: Change) -> Edit:
    def edit(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
        return change(data.decode(), random, [other.decode() for other in others]).encode()

    return edit


def _some_words(change: WordChange, percent: int) -> Edit:
    """Return an edit that changes so many `percent` of the words, drawn at random."""

    def edit(text: str, random: Random, others: Others) -> str:
        foreign = random.choice(others).split()

        def changed(found: re.Match[str]) -> str:
            return change(found[0], random, foreign) if random.random() * 100 < percent else found[0]

        return _WORD.sub(changed, text)

    return _on_text(edit)


def _replaced(_: str, random: Random, foreign: list[str]) -> str:
    return random.choice(foreign)


def _deleted(_: str, __: Random, ___: list[str]) -> str:
    return ""


def _inserted(word: str, random: Random, foreign: list[str]) -> str:
    return f"{random.choice(foreign)} {word}"


def _mistyped(word: str, random: Random, _: list[str]) -> str:
    at, letter = random.randrange(len(word)), random.choice(_LETTERS)
    return random.choice(
        (word[:at] + letter + word[at + 1 :], word[:at] + letter + word[at:], word[:at] + word[at + 1 :])
    )


def _homoglyphs(word: str, _: Random, __: list[str]) -> str:
    return word.translate(_LOOKALIKES)


def _unseen(word: str, random: Random, _: list[str]) -> str:
    at = random.randint(0, len(word))
    return word[:at] + random.choice(_UNSEEN) + word[at:]


def _neighbours_swapped(percent: int) -> Edit:
    def edit(text: str, random: Random, _: Others) -> str:
        words = text.split()
        for at in range(1, len(words)):
            if random.random() * 100 < percent:
                words[at - 1], words[at] = words[at], words[at - 1]
        return " ".join(words)

    return _on_text(edit)


def _shuffled(end: re.Pattern[str], joint: str, run: int) -> Edit:
    """Return an edit that shuffles runs of so many sentences or paragraphs."""

    def edit(text: str, random: Random, _: Others) -> str:
        parts = end.split(text)
        runs = [joint.join(parts[at : at + run]) for at in range(0, len(parts), run)]
        random.shuffle(runs)
        return joint.join(runs)

    return _on_text(edit)


def _paragraphs_kept(percent: int) -> Edit:
    def edit(text: str, random: Random, _: Others) -> str:
        parts = [paragraph for paragraph in _PARAGRAPH_END.split(text) if paragraph.strip()]
        kept = sorted(random.sample(range(len(parts)), max(1, len(parts) * percent // 100)))
        return "\n\n".join(parts[at] for at in kept)

    return _on_text(edit)


def _part(text: str, random: Random, percent: int) -> list[str]:
    words = text.split(" ")
    length = max(1, len(words) * percent // 100)
    start = random.randint(0, len(words) - length)
    return words[start : start + length]


def _part_kept(percent: int) -> Edit:
    return _on_text(lambda text, random, _: " ".join(_part(text, random, percent)))


def _quoted(percent: int, times: int) -> Edit:
    """Return an edit that puts so much of the text, in three pieces, into `times` as much of others' text."""

    def edit(text: str, random: Random, others: Others) -> str:
        quotation = _part(text, random, percent)
        foreign = " ".join(random.sample(others, len(others))).split(" ")[: times * len(quotation)]
        thirds, quarters = len(quotation) // 3 + 1, len(foreign) // 3 + 1
        pieces = [
            piece
            for at in range(3)
            for piece in (foreign[at * quarters : (at + 1) * quarters], quotation[at * thirds : (at + 1) * thirds])
        ]
        return "\n\n".join(" ".join(piece) for piece in pieces)

    return _on_text(edit)


def _joined(times: int) -> Edit:
    """Return an edit that hides the text among `times` others."""

    def edit(text: str, random: Random, others: Others) -> str:
        chosen = [random.choice(others) for _ in range(times)]
        chosen.insert(random.randint(0, times), text)
        return "\n\n".join(chosen)

    return _on_text(edit)


def _wrapped(width: int) -> Edit:
    def edit(text: str, _: Random, __: Others) -> str:
        return "\n\n".join(textwrap.fill(paragraph, width) for paragraph in _PARAGRAPH_END.split(text))

    return _on_text(edit)


def _hyphenated(width: int) -> Edit:
    """Return an edit that breaks lines at a fixed width, within words with a hyphen."""

    def edit(text: str, _: Random, __: Others) -> str:
        flat = " ".join(text.split())
        lines = [flat[at : at + width] for at in range(0, len(flat), width)]
        broken = [
            line + "-" if line[-1:].isalpha() and following[:1].isalpha() else line
            for line, following in zip(lines, [*lines[1:], ""], strict=True)
        ]
        return "\n".join(broken)

    return _on_text(edit)


def _encoded(encoding: str, *, errors: str = "strict") -> Edit:
    return lambda data, _, __: data.decode().encode(encoding, errors)


def _accents_stripped(text: str, _: Random, __: Others) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def _punctuation_stripped(text: str, _: Random, __: Others) -> str:
    return re.sub(r"[^\w\s]", "", text)


def _marked_up(percent: int) -> Edit:
    """Return an edit that makes a web page of the text, with so many percent of the words in bold."""

    def edit(text: str, random: Random, _: Others) -> str:
        def paragraph(plain: str) -> str:
            words = [f"<b>{word}</b>" if random.random() * 100 < percent else word for word in escape(plain).split()]
            return f'<p class="body">{" ".join(words)}</p>'

        body = "\n".join(map(paragraph, _PARAGRAPH_END.split(text)))
        return f"<!DOCTYPE html>\n<html><head><title>Page</title></head>\n<body>\n{body}\n</body></html>\n"

    return _on_text(edit)


def _one_after_the_other(*edits: Edit) -> Edit:
    def edit(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
        for one in edits:
            data = one(data, random, others)
        return data

    return edit


def _pair(
    name: str, make: Callable[[int], Edit], calibrated: Sequence[int], held_back: Sequence[int]
) -> list[Attack]:
    return [
        Attack(name.format(parameter), make(parameter), held_back=parameter in held_back)
        for parameter in (*calibrated, *held_back)
    ]


def _words(change: WordChange) -> Callable[[int], Edit]:
    return lambda percent: _some_words(change, percent)


def _fixed(name: str, edit: Edit, *, held_back: bool = False) -> Attack:
    return Attack(name, edit, held_back)


ATTACKS: Final = (
    *_pair("{} % of words replaced", _words(_replaced), (10, 25), (5, 20, 30)),
    *_pair("{} % of words deleted", _words(_deleted), (10, 25), (5, 20, 30)),
    *_pair("{} % of words inserted", _words(_inserted), (10, 25), (5, 20, 30)),
    *_pair("typing errors in {} % of words", _words(_mistyped), (10, 25), (5, 20, 30)),
    *_pair("{} % of neighbouring words swapped", _neighbours_swapped, (10,), (5, 20)),
    *_pair("sentences shuffled, {} at a time", lambda run: _shuffled(_SENTENCE_END, " ", run), (1,), (2,)),
    *_pair("paragraphs shuffled, {} at a time", lambda run: _shuffled(_PARAGRAPH_END, "\n\n", run), (1,), (3,)),
    *_pair("{} % of paragraphs kept", _paragraphs_kept, (50, 25), (35, 20)),
    *_pair("a contiguous {} %", _part_kept, (50, 25), (35, 20)),
    *_pair("{} % quoted in as much of others", lambda percent: _quoted(percent, 1), (50,), (30,)),
    *_pair("{} % quoted in 5 times as much of others", lambda percent: _quoted(percent, 5), (50,), (30,)),
    *_pair("among {} others", _joined, (1, 5), (3, 10)),
    *_pair("wrapped at {} columns", _wrapped, (40,), (100,)),
    *_pair("wrapped at {} columns within words", _hyphenated, (60,), (34,)),
    *_pair("unseen characters in {} % of words", _words(_unseen), (100,), (30,)),
    *_pair("look-alike letters in {} % of words", _words(_homoglyphs), (100,), (30,)),
    *_pair("web page with {} % of words in bold", _marked_up, (0,), (20,)),
    _fixed("UTF-16", _encoded("utf-16")),
    _fixed("UTF-16, big-endian, without a mark", _encoded("utf-16-be"), held_back=True),
    _fixed("UTF-32", _encoded("utf-32"), held_back=True),
    _fixed("windows-1252", _encoded("cp1252", errors="ignore")),
    _fixed("lines end by CR and LF", _on_text(lambda text, _, __: text.replace("\n", "\r\n"))),
    _fixed("lines end by CR", _on_text(lambda text, _, __: text.replace("\n", "\r")), held_back=True),
    _fixed("upper case", _on_text(lambda text, _, __: text.upper())),
    _fixed("lower case", _on_text(lambda text, _, __: text.lower()), held_back=True),
    _fixed("punctuation stripped", _on_text(_punctuation_stripped)),
    _fixed("accents stripped", _on_text(_accents_stripped), held_back=True),
    _fixed("decomposed (NFD)", _on_text(lambda text, _, __: unicodedata.normalize("NFD", text))),
    _fixed(
        "10 % of words replaced, sentences shuffled, half kept",
        _one_after_the_other(
            _some_words(_replaced, 10), _shuffled(_SENTENCE_END, " ", 1), _part_kept(50), _encoded("utf-16")
        ),
    ),
    _fixed(
        "typing errors in 10 % of words, upper case, among 2 others",
        _one_after_the_other(_some_words(_mistyped, 10), _on_text(lambda text, _, __: text.upper()), _joined(2)),
        held_back=True,
    ),
)
"""All attacks, each with its calibrated parameters first."""
