"""Made-up prose of which there is as much as an evaluation wants: subjects with words of their own, and grammar.

Two texts by different seeds have nothing in common but their language and, if they are on one subject, its words.
"""

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final

__all__ = ["Subject", "prose"]

_ONSETS: Final = (
    "b",
    "br",
    "c",
    "cl",
    "d",
    "f",
    "g",
    "gr",
    "h",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
)
_VOWELS: Final = ("a", "e", "i", "o", "u", "ea", "ou", "é")
_CODAS: Final = ("", "", "l", "n", "r", "s", "t", "nd", "ck")
_DETERMINERS: Final = ("the", "the", "the", "a", "this", "each", "its", "their", "some", "no")
_PREPOSITIONS: Final = ("of", "of", "in", "to", "with", "for", "on", "from", "by", "under", "between")
_JOINTS: Final = ("and", "but", "because", "which", "when", "so that", "while", "if")
_STEADY: Final = 1.0
"""Exponent of Zipf's law, by which words of natural languages are distributed."""


@dataclass(frozen=True, slots=True)
class _Lexicon:
    words: tuple[str, ...]
    weights: tuple[float, ...]

    @classmethod
    def made(cls, random: Random, count: int, ending: str) -> "_Lexicon":
        words = dict.fromkeys(_word(random) + ending for _ in range(count))
        return cls(tuple(words), tuple(accumulate(1 / (rank + 3) ** _STEADY for rank in range(len(words)))))

    def draw(self, random: Random) -> str:
        return random.choices(self.words, cum_weights=self.weights)[0]


class Subject:
    """A subject of texts: its nouns, verbs and adjectives, some often and most seldom."""

    def __init__(self, seed: int, *, words: int = 3000) -> None:
        """Make up a vocabulary of about so many `words`."""
        random = Random(f"subject {seed}")  # noqa: S311 - words, not secrets
        self.nouns = _Lexicon.made(random, words // 2, "")
        self.verbs = _Lexicon.made(random, words // 4, "s")
        self.adjectives = _Lexicon.made(random, words // 4, "y")


def prose(subject: Subject, seed: int, words: int) -> str:
    """Return paragraphs on `subject` of about so many `words`."""
    random = Random(f"prose {seed}")  # noqa: S311 - words, not secrets
    paragraphs, written = [], 0
    while written < words:
        sentences = [_sentence(subject, random) for _ in range(random.randint(3, 8))]
        written += sum(sentence.count(" ") + 1 for sentence in sentences)
        paragraphs.append(" ".join(sentences))
    return "\n\n".join(paragraphs) + "\n"


def _sentence(subject: Subject, random: Random) -> str:
    parts = [_clause(subject, random)]
    while random.random() < 0.4:
        parts.append(f"{random.choice(_JOINTS)} {_clause(subject, random)}")
    sentence = ", ".join(parts)
    return sentence[0].upper() + sentence[1:] + random.choice("....?!")


def _clause(subject: Subject, random: Random) -> str:
    clause = f"{_thing(subject, random)} {subject.verbs.draw(random)} {_thing(subject, random)}"
    while random.random() < 0.4:
        clause += f" {random.choice(_PREPOSITIONS)} {_thing(subject, random)}"
    return clause


def _thing(subject: Subject, random: Random) -> str:
    adjective = subject.adjectives.draw(random) + " " if random.random() < 0.5 else ""
    return f"{random.choice(_DETERMINERS)} {adjective}{subject.nouns.draw(random)}"


def _word(random: Random) -> str:
    return "".join(
        random.choice(_ONSETS) + random.choice(_VOWELS) + random.choice(_CODAS) for _ in range(random.randint(1, 3))
    )
