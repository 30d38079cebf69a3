"""Weights and thresholds of the image generators: versioned, each with an id that goes with every decision.

A published id never changes its numbers. How they were calibrated: docs/fingerprints.md.
"""

from dataclasses import dataclass
from typing import Final

from countermark.fingerprint.comparison import Thresholds

__all__ = ["CONFIGS", "PAPER_V0", "V1", "ContentRule", "ImageConfig", "PlainRule", "Round", "ViewsConfig", "Weights"]


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of the three similarities; they add up to 1."""

    histogram: float
    dct64: float
    ssim: float


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """How the three similarities of two images become a decision.

    Attributes:
        id: Names these numbers for ever.
        weights: Of histogram intersection, equal bits and structural similarity.
        thresholds: Scores from which a pair is a match or to be reviewed.
    """

    id: str
    weights: Weights
    thresholds: Thresholds


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
class ViewsConfig(ImageConfig):
    """The same for generators that compare many views.

    Attributes:
        candidate_bits: Most different bits of two views' hashes for the views to be looked at more closely.
        rounds: Tried in turn while a pair is no match.
        contents: For contents within plain margins.
        plain: For pictures without texture.
    """

    candidate_bits: int
    rounds: tuple[Round, ...]
    contents: ContentRule
    plain: PlainRule


PAPER_V0: Final = ImageConfig("image/paper-v0+1", Weights(1 / 3, 1 / 3, 1 / 3), Thresholds(match=0.80, review=0.72))

V1: Final = ViewsConfig(
    "image/v1+2",
    Weights(histogram=0.05, dct64=0.30, ssim=0.65),
    Thresholds(match=0.90, review=0.75),
    candidate_bits=14,
    rounds=(Round(2, ()), Round(2, ((32, 4),)), Round(8, ((16, 3), (32, 3)))),
    contents=ContentRule(match=0.94, flat=0.35, colour=0.15, blank=0.5),
    plain=PlainRule(colour_levels=8, form_levels=12),
)

CONFIGS: Final[dict[str, ImageConfig]] = {"image/paper-v0": PAPER_V0, "image/v1": V1}
"""By generator."""
