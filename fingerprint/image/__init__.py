"""Generators for photographs: the paper's to the letter, ours, and one for sensitive ones.

``image/paper-v0``, ``image/v1`` and ``image/no-thumbnail-v1``, from whose fingerprints no picture can be drawn.

This module declares their layouts and loads nothing; the code is in the sub-modules.
"""

from countermark.fingerprint.registry import Generator, Implementation, Layout, SegmentRule, register

__all__ = [
    "ASPECT_UNIT",
    "COLOUR_LEVELS",
    "CORNER_BYTES",
    "DESCRIPTOR_BITS",
    "DIRECTIONS",
    "FEATURES",
    "FEATURE_LENGTHS",
    "GROUP_BITS",
    "HISTOGRAM_BINS",
    "LEVELS",
    "MOST_CORNERS",
    "PAPER_THUMBNAIL_SIDE",
    "THUMBNAIL_SIDE",
    "UNPLACED_BYTES",
    "UNPLACED_LEVELS",
    "UNPLACED_MOST",
    "UNSURE",
    "VIEW_COUNT",
    "register_generators",
]

HISTOGRAM_BINS = 64
"""Four levels of each of red, green and blue; a bin is a u16 share of 65,535."""

PAPER_THUMBNAIL_SIDE = 32
"""Side of the grey thumbnail of ``image/paper-v0``, in pixels of one byte."""

THUMBNAIL_SIDE = 56
"""Side of the grey thumbnail of ``image/v1``, in pixels of one byte."""

VIEW_COUNT = 35
"""How many views of an image ``image/v1`` keeps a 64-bit hash of."""

COLOUR_LEVELS = 6
"""Mean and standard deviation of red, green and blue, a byte each."""

ASPECT_UNIT = 1024
"""Width over height is kept in units of 1/1024, as a u32."""

LEVELS = 6
"""Sizes at which ``image/v1`` looks for corners, each smaller than the one before by the root of 2."""

DIRECTIONS = 64
"""Directions of a corner are told apart by 1/64 of a full turn."""

DESCRIPTOR_BITS = 128
"""Bits that describe the surroundings of a corner."""

GROUP_BITS = 16
"""Bits that together are a key under which a corner is found again."""

UNSURE = 3
"""How many bits of each group are marked as unsure: the points that they compare differ least."""

MOST_CORNERS = 100
"""Corners of a picture that are kept."""

CORNER_BYTES = 6 + 2 * DESCRIPTOR_BITS // 8
"""A corner: x and y in 1/65,536 of width and height (u16 each), level and direction (a byte each), bits, and as many
bits that say which of them are unsure."""

UNPLACED_LEVELS = 4
"""Of how many sizes, the finest first, ``image/no-thumbnail-v1`` keeps corners: on a coarser one the surroundings of
a corner are a third of the picture's side and more."""

UNPLACED_MOST = 100
"""Corners of a picture that it keeps."""

UNPLACED_BYTES = CORNER_BYTES - 4
"""Such a corner: the same without x and y."""


def _sensible_aspect(payload: bytes) -> bool:
    # A square is 1024. Longer pictures than 1:64 get the aspect 1:64, so one beyond it was not computed.
    return ASPECT_UNIT // 64 <= int.from_bytes(payload) <= ASPECT_UNIT * 64


def _exactly(name: str, length: int) -> SegmentRule:
    return SegmentRule(name, length, length)


_PAPER_V0 = Layout(
    (
        _exactly("histogram", 2 * HISTOGRAM_BINS),
        _exactly("dct64", 8),
        _exactly("thumbnail", PAPER_THUMBNAIL_SIDE**2),
    )
)
_V1_FEATURES = (
    SegmentRule("aspect", 4, 4, _sensible_aspect),
    _exactly("histogram", 2 * HISTOGRAM_BINS),
    _exactly("dct64", 8 * VIEW_COUNT),
    _exactly("thumbnail", THUMBNAIL_SIDE**2),
)
FEATURES = tuple(rule.name for rule in _V1_FEATURES)
"""The segments of ``image/v1`` that describe the whole picture; the segment ``content`` joins another set of them."""

FEATURE_LENGTHS = tuple(rule.longest for rule in _V1_FEATURES)
"""How many bytes each of them has."""


def _sensible_content(payload: bytes) -> bool:
    return not payload or (len(payload) == sum(FEATURE_LENGTHS) and _sensible_aspect(payload[:4]))


def _sensible_corners(payload: bytes) -> bool:
    corners = [payload[start : start + CORNER_BYTES] for start in range(0, len(payload), CORNER_BYTES)]
    return len(payload) % CORNER_BYTES == 0 and all(
        corner[4] < LEVELS and corner[5] < DIRECTIONS for corner in corners
    )


_V1 = Layout(
    (
        *_V1_FEATURES,
        _exactly("levels", COLOUR_LEVELS),
        SegmentRule("content", 0, sum(FEATURE_LENGTHS), _sensible_content),
        SegmentRule("local", 0, MOST_CORNERS * CORNER_BYTES, _sensible_corners),
    )
)


def _sorted_corners(payload: bytes) -> bool:
    corners = [payload[start : start + UNPLACED_BYTES] for start in range(0, len(payload), UNPLACED_BYTES)]
    # In another order they could tell where they lie.
    return (
        len(payload) % UNPLACED_BYTES == 0
        and all(corner[0] < UNPLACED_LEVELS and corner[1] < DIRECTIONS for corner in corners)
        and corners == sorted(corners)
    )


_NO_THUMBNAIL_V1 = Layout(
    (
        _exactly("levels", COLOUR_LEVELS),
        SegmentRule("corners", 0, UNPLACED_MOST * UNPLACED_BYTES, _sorted_corners),
    )
)


def _load_paper_v0() -> Implementation:
    from countermark.fingerprint.image import paper_v0

    return paper_v0


def _load_v1() -> Implementation:
    from countermark.fingerprint.image import v1

    return v1


def _load_no_thumbnail_v1() -> Implementation:
    from countermark.fingerprint.image import no_thumbnail_v1

    return no_thumbnail_v1


def register_generators() -> None:
    """Register the image generators."""
    register(Generator("image/paper-v0", _PAPER_V0, _load_paper_v0))
    register(Generator("image/v1", _V1, _load_v1))
    register(Generator("image/no-thumbnail-v1", _NO_THUMBNAIL_V1, _load_no_thumbnail_v1))
