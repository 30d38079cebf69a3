"""Weights and thresholds of the image generators: versioned, each with an id that goes with every decision.

A published id never changes its numbers. How they were calibrated: docs/fingerprints.md.
"""

from dataclasses import dataclass
from typing import Final

from countermark.fingerprint.comparison import Thresholds

__all__ = [
    "CONFIGS",
    "NO_THUMBNAIL_V1",
    "PAPER_V0",
    "SHORT_OF_MATCH",
    "V1",
    "CandidateRule",
    "ConsensusRule",
    "ContentRule",
    "ImageConfig",
    "PartRule",
    "PlainRule",
    "Round",
    "UnplacedConfig",
    "ViewsConfig",
    "WeightedConfig",
    "Weights",
]

SHORT_OF_MATCH: Final = 0.01
"""How far below the threshold a score is kept that is not to be a match: a person looks."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of the three similarities; they add up to 1."""

    histogram: float
    dct64: float
    ssim: float


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """How the comparison of two images becomes a decision.

    Attributes:
        id: Names these numbers for ever.
        thresholds: Scores from which a pair is a match or to be reviewed.
    """

    id: str
    thresholds: Thresholds


@dataclass(frozen=True, slots=True)
class WeightedConfig(ImageConfig):
    """The same where three similarities are added up.

    Attributes:
        weights: Of histogram intersection, equal bits and structural similarity.
    """

    weights: Weights


@dataclass(frozen=True, slots=True)
class Round:
    """One attempt to bring two images into register.

    Attributes:
        views: How many pairs of views are tried, the nearest by their hashes first.
        steps: Sides of the views that are aligned, in pixels, with the number of steps on each; none: no alignment.
    """

    views: int
    steps: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ContentRule:
    """When a content within plain margins is a match: comparing it is a second chance to resemble something.

    Attributes:
        match: Least score of a content with another content or a whole.
        flat: Share of the thumbnail of one level from which a content is a drawing. Of two drawings one must lie in
            the other as a whole.
        colour: Least similarity of two drawings' histograms without the colour that they share most of.
        blank: Share of the thumbnail of one level from which a whole picture is mostly margin.
    """

    match: float
    flat: float
    colour: float
    blank: float


@dataclass(frozen=True, slots=True)
class PlainRule:
    """When two pictures without texture are to be reviewed.

    Attributes:
        colour_levels: Most difference in levels of the mean or spread of a colour channel.
        form_levels: Most difference in levels of any 1/64 of the normalised thumbnails.
    """

    colour_levels: int
    form_levels: int


@dataclass(frozen=True, slots=True)
class ConsensusRule:
    """When the corners of two pictures agree.

    Attributes:
        bits: Most differing bits of two corners' surroundings.
        most_pairs: How many pairs of corners are considered, the nearest first.
        place: How far a corner may lie off, in the longer side, times the size at which it was found.
        drift: How much more for each distance from the corner that proposes.
        steps: Most difference in size, in roots of 2.
        turn: Most difference in direction, in 1/64 of a full turn.
        least_support: Fewest corners at different places that support a map.
        most_maps: How many maps are tried, the best supported first.
    """

    bits: int
    most_pairs: int
    place: float
    drift: float
    steps: int
    turn: int
    least_support: int
    most_maps: int


@dataclass(frozen=True, slots=True)
class PartRule:
    """When a part of one picture that lies in another is a match.

    Attributes:
        consensus: When corners agree on where it lies.
        detail: Sides of the part in pixels of the coarser thumbnail, rising, with the similarity of fine detail that
            each takes; linear between them, constant beyond. A coarse part has less of it in any case.
        differing: Largest share of the part that may differ in fine detail, as text over it does.
        structure: Or numbers of corners that agree, rising, with the structural similarity that each takes; linear
            between them, constant beyond. Text over a picture spoils its detail; floors rarely have as many corners.
        flat: Share of a thumbnail of one level from which a picture is a drawing.
        drawn: How much more similar parts of two drawings must be.
        blank: Share of one level from which two pictures share nothing but that: their contents are compared instead.
        covered: Least share of one of the pictures that the part is, where fewer than `many` corners agree: a copy
            lies in its original, or the original in the copy, but parts of strangers lie anywhere in both.
        many: How many corners that is.
        rough: Least correlation of a few pixels of the part for it to be compared.
        worth_aligning: Structural similarity from which alignment may still help.
        aligned: How it is then aligned.
    """

    consensus: ConsensusRule
    detail: tuple[tuple[float, float], ...]
    differing: float
    structure: tuple[tuple[int, float], ...]
    flat: float
    drawn: float
    blank: float
    covered: float
    many: int
    rough: float
    worth_aligning: float
    aligned: Round


@dataclass(frozen=True, slots=True)
class CandidateRule:
    """Which of very many pictures are compared with one.

    Attributes:
        view_bits: Most different bits of two views.
        corner_bits: Most different bits of two corners' surroundings.
        bits_a_vote: A pair of corners has one vote, and one more for each time so many bits fewer differ.
        votes: Fewest votes of corners that propose about the same.
        colour_levels: Most difference in levels of the colours of pictures without texture.
        most: Most candidates.
        most_pairs: Most pairs of views, and of corners, that are looked at in a segment of the index.
        quick_pairs: The same where the picture is one of very many that are asked together.
    """

    view_bits: int
    corner_bits: int
    bits_a_vote: int
    votes: int
    colour_levels: int
    most: int
    most_pairs: int
    quick_pairs: int


@dataclass(frozen=True, slots=True)
class ViewsConfig(WeightedConfig):
    """The same for generators that compare many views.

    Attributes:
        detail: Least similarity of the fine detail of two views that are a match.
        differing: Largest share of them that may differ in it.
        candidate_bits: Most different bits of two views' hashes for the views to be looked at more closely.
        rounds: Tried in turn while a pair is no match.
        contents: For contents within plain margins.
        plain: For pictures without texture.
        parts: For parts of pictures, by their corners.
        candidates: For an index.
    """

    detail: float
    differing: float
    candidate_bits: int
    rounds: tuple[Round, ...]
    contents: ContentRule
    plain: PlainRule
    parts: PartRule
    candidates: CandidateRule

    @property
    def short_of_match(self) -> float:
        """The highest score of what is not to be a match, however alike."""
        return self.thresholds.match - SHORT_OF_MATCH


@dataclass(frozen=True, slots=True)
class UnplacedConfig(ImageConfig):
    """How corners without places become a decision.

    Attributes:
        bits: Most differing bits of the surroundings of two corners that are alike.
        turn: How far the turns of such pairs may lie from a common one, in 1/64 of a full turn.
        steps: How far their differences in size may, in roots of 2.
        least_ones: Fewest bits that are 1 of a corner that counts. Points of one level leave theirs 0, so right
            angles on plain ground, which all drawings share, have few.
        enough: How much evidence makes a score of one half, in corners of which no bit differs and that resemble
            no others of their picture.
        least_features: How much evidence a picture has to hold to be known by it, in the same unit.
        colour_levels: Most difference in levels of mean and spread of a colour of two pictures without features that
            are to be reviewed.
        candidates: For an index.
    """

    bits: int
    turn: int
    steps: int
    least_ones: int
    enough: float
    least_features: float
    colour_levels: int
    candidates: CandidateRule

    @property
    def least_weight(self) -> float:
        """Less evidence than makes a score for a review, by far: it is not looked at more closely."""
        return self.enough / 4


PAPER_V0: Final = WeightedConfig(
    "image/paper-v0+1", Thresholds(match=0.80, review=0.72), Weights(1 / 3, 1 / 3, 1 / 3)
)

V1: Final = ViewsConfig(
    "image/v1+4",
    Thresholds(match=0.90, review=0.82),
    Weights(histogram=0.05, dct64=0.30, ssim=0.65),
    detail=0.91,
    differing=0.2,
    candidate_bits=14,
    rounds=(Round(2, ()), Round(2, ((32, 4),)), Round(8, ((16, 3), (32, 3)))),
    contents=ContentRule(match=0.94, flat=0.35, colour=0.15, blank=0.5),
    plain=PlainRule(colour_levels=8, form_levels=12),
    parts=PartRule(
        ConsensusRule(
            bits=38, most_pairs=120, place=0.0156, drift=0.12, steps=1, turn=5, least_support=4, most_maps=4
        ),
        detail=((24, 0.88), (32, 0.91)),
        differing=0.2,
        structure=((24, 1.0), (32, 0.84), (45, 0.78)),
        flat=0.35,
        drawn=0.03,
        blank=0.5,
        covered=0.7,
        many=12,
        rough=0.5,
        worth_aligning=0.4,
        aligned=Round(1, ((32, 4),)),
    ),
    candidates=CandidateRule(
        view_bits=7,
        corner_bits=34,
        bits_a_vote=4,
        votes=10,
        colour_levels=8,
        most=50,
        most_pairs=1_000_000,
        quick_pairs=300_000,
    ),
)

NO_THUMBNAIL_V1: Final = UnplacedConfig(
    "image/no-thumbnail-v1+1",
    Thresholds(match=0.5, review=0.375),
    bits=32,
    turn=4,
    steps=1,
    least_ones=50,
    enough=1.5,
    least_features=5.0,
    colour_levels=8,
    candidates=CandidateRule(
        view_bits=0,
        corner_bits=34,
        bits_a_vote=4,
        votes=8,
        colour_levels=8,
        most=50,
        most_pairs=1_000_000,
        quick_pairs=1_000_000,
    ),
)

CONFIGS: Final[dict[str, ImageConfig]] = {
    "image/paper-v0": PAPER_V0,
    "image/v1": V1,
    "image/no-thumbnail-v1": NO_THUMBNAIL_V1,
}
"""By generator."""
