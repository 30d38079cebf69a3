"""The generators: which there are, what their fingerprints look like, and the code behind each (loaded when used).

Adding a kind of data (text, tables, bytes, collections) is one `register` call with a layout and a loader; nothing
outside this part names a segment, so neither contracts nor interfaces change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol, runtime_checkable

from countermark.fingerprint.codec import MAX_FINGERPRINT_BYTES, Fingerprint, Segment
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.index.candidates import Index

__all__ = [
    "Generator",
    "Implementation",
    "Indexes",
    "Layout",
    "SegmentRule",
    "TellsFeatureless",
    "generators",
    "implementation_of",
    "layout_of",
    "register",
]


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """What a segment of one name must be.

    Attributes:
        name: The segment's name, ASCII.
        shortest: The fewest payload bytes.
        longest: The most payload bytes.
        valid: Whether a payload of permitted length makes sense; pure and quick.
    """

    name: str
    shortest: int
    longest: int
    valid: Callable[[bytes], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class Layout:
    """The segments of a generator's fingerprints, in order."""

    rules: tuple[SegmentRule, ...]

    def check(self, segments: Sequence[Segment]) -> None:
        """Accept `segments` only if they are exactly those declared.

        Raises:
            FingerprintError: ``fingerprint_malformed``.
        """
        if tuple(segment.name for segment in segments) != tuple(rule.name for rule in self.rules):
            raise FingerprintError(FingerprintErrorCode.FINGERPRINT_MALFORMED, "not the generator's segments")
        for segment, rule in zip(segments, self.rules, strict=True):
            if not (rule.shortest <= len(segment.payload) <= rule.longest and rule.valid(segment.payload)):
                raise FingerprintError(FingerprintErrorCode.FINGERPRINT_MALFORMED, f"segment {rule.name}")


class Implementation(Protocol):
    """The code of a generator: a module or object with these two functions."""

    def compute(self, source: BinaryIO, /) -> Fingerprint:
        """Return the fingerprint of the data that `source` yields."""

    def compare_many(self, query: Fingerprint, references: Sequence[Fingerprint], /) -> list[Comparison]:
        """Return how `query` compares with each of `references`, in their order; all are of this generator."""


@runtime_checkable
class TellsFeatureless(Protocol):
    """What an `Implementation` may have besides: it can tell data without features."""

    def is_featureless(self, fingerprint: Fingerprint, /) -> bool:
        """Return whether the data of a fingerprint of this generator have nothing by which a copy could be known."""


@runtime_checkable
class Indexes(Protocol):
    """What an `Implementation` may have besides: an index of its own. Without one everything is compared."""

    def index(self) -> Index:
        """Return an empty index for fingerprints of this generator."""


@dataclass(frozen=True, slots=True)
class Generator:
    """A registered generator.

    Attributes:
        id: Kind and version, for example ``image/v1``. A published id never changes its bytes: a change is a new id.
        layout: Its segments.
        load: Imports and returns the implementation; called at first use, so that reading fingerprints stays light.
    """

    id: str
    layout: Layout
    load: Callable[[], Implementation]

    @property
    def kind(self) -> str:
        """The kind of data it takes, for example ``image``."""
        return self.id.partition("/")[0]


_generators: dict[str, Generator] = {}


def register(generator: Generator) -> None:
    """Make `generator` known under its id.

    Raises:
        ValueError: The id is taken, is not short ASCII of the form ``kind/version``, or its fingerprints could be
            longer than any may be: mistakes of the program, not of its input.
    """
    kind, slash, version = generator.id.partition("/")
    if not (kind and slash and version and generator.id.isascii() and len(generator.id) <= 64):
        raise ValueError(f"not a generator id: {generator.id!r}")
    if generator.id in _generators:
        raise ValueError(f"generator {generator.id} is registered already")
    longest = sum(rule.longest + len(rule.name) + 5 for rule in generator.layout.rules) + len(generator.id) + 7
    if longest > MAX_FINGERPRINT_BYTES:
        raise ValueError(f"fingerprints of {generator.id} could be {longest} bytes long")
    _generators[generator.id] = generator


def generators() -> tuple[str, ...]:
    """Return the ids of all generators, sorted."""
    return tuple(sorted(_generators))


def layout_of(generator: str) -> Layout:
    """Return the layout of the fingerprints of `generator`.

    Raises:
        FingerprintError: ``unknown_generator``.
    """
    return _find(generator).layout


def implementation_of(generator: str) -> Implementation:
    """Return the code of `generator`, importing what it needs.

    Raises:
        FingerprintError: ``unknown_generator``.
    """
    return _find(generator).load()


def _find(generator: str) -> Generator:
    try:
        return _generators[generator]
    except KeyError:
        # The id may come from a stranger: at most its start goes into the message.
        raise FingerprintError(FingerprintErrorCode.UNKNOWN_GENERATOR, ascii(generator[:64])) from None
