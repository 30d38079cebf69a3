"""The parts of a report: each a table, with what has to be said of it and the plot that belongs to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from countermark.fingerprint.evaluation.evaluation import Evaluation
from countermark.fingerprint.evaluation.figures import FALSE_POSITIVES, Figures, Found
from countermark.fingerprint.evaluation.galleries import LARGE, expected_by_threshold
from countermark.fingerprint.evaluation.paper_point import PAPER_PRECISION, PaperPoint, Step
from countermark.fingerprint.evaluation.plots import Curve, plot, precision_and_recall

__all__ = ["Row", "Section", "sections"]

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report.

    Attributes:
        title: What it is about.
        head: Names of the columns.
        rows: Cells, as many in each row.
        note: A sentence or more for below the table; may be empty.
        plot: SVG, or empty.
    """

    title: str
    head: Row
    rows: Sequence[Row]
    note: str = ""
    plot: str = ""


def sections(evaluation: Evaluation) -> Iterator[Section]:
    """Yield all parts that `evaluation` has figures for."""
    yield _different(evaluation)
    yield _measured_galleries(evaluation)
    yield _expected_galleries(evaluation)
    if evaluation.found:
        yield _copies(evaluation)
        yield _false_positives(evaluation.found)
    for name, found in evaluation.found.items():
        if found.features:
            yield _features(name, found)
        if found.peers:
            yield _peers(evaluation.generator, name, found)
    if evaluation.hard:
        yield _hard(evaluation)
    if evaluation.hard_recall:
        yield _hard_recall(evaluation)


def _different(evaluation: Evaluation) -> Section:
    d = evaluation.different
    return Section(
        "Different photographs",
        ("pairs", "match", "review", "listings refused", "listings to review", "highest score"),
        [(f"{d.pairs:,}", str(d.matching), str(d.reviewed), str(d.refused), str(d.delayed), f"{d.highest:.3f}")],
    )


def _measured_galleries(evaluation: Evaluation) -> Section:
    return Section(
        "Honest listings by size of the gallery, measured",
        ("gallery", "refused", "to review"),
        [(f"{one.gallery:,}", _share(one.refused), _share(one.reviewed)) for one in evaluation.measured_galleries],
        "Mean over all galleries of so many of the other photographs.",
    )


def _expected_galleries(evaluation: Evaluation) -> Section:
    rows = [
        (
            *(f"{one.gallery:,}", _share(one.refused), _share(one.refused_at_most)),
            *(_share(one.stopped), _share(one.stopped_at_most)),
        )
        for one in evaluation.expected_galleries
    ]
    curves = {}
    for gallery in LARGE:
        by_threshold = expected_by_threshold(evaluation.pairs, gallery)
        curves[f"{gallery:,}"] = Curve(
            [(t, one) for t, one, _ in by_threshold], [(t, one) for t, _, one in by_threshold]
        )
    return Section(
        "Honest listings by size of the gallery, expected",
        ("gallery", "refused", "at most", "refused or to review", "at most"),
        rows,
        f"From the rate per pair among {evaluation.different.pairs:,} pairs, as if these were independent; "
        "at most: by the upper 95 % bound of that rate, three in so many pairs where none was seen. "
        "Such a bound says what these photographs cannot rule out, not what is likely.",
        plot(
            curves,
            [evaluation.review, evaluation.match],
            "threshold; honest listings that reach it, by gallery; solid: expected, dashed: at most",
        ),
    )


def _copies(evaluation: Evaluation) -> Section:
    rows = [
        (
            *(name, f"{found.score.copies:,}", _share(found.at_match.precision), _share(found.at_match.recall)),
            *(_share(found.score.at_recall_95.precision), f"{found.at_match.false_positives:.2g}"),
        )
        for name, found in evaluation.found.items()
    ]
    return Section(
        "The paper's experiment",
        ("copies", "number", "precision", "recall", "precision at recall 95 %", "false per pair"),
        rows,
        _paper_point(evaluation.paper_point, evaluation.photos) if evaluation.paper_point else "",
        precision_and_recall({name: found.score.curve for name, found in evaluation.found.items()}, evaluation.match),
    )


def _paper_point(point: PaperPoint, photos: int) -> str:
    goal = f"The paper's recall of 95 % with a precision of {100 * PAPER_PRECISION:g} % is"
    if point.reached is None:
        return f"{goal} missed even by untouched pictures."
    if point.missed is None:
        return f"{goal} still reached by {_step(point.reached)}."
    return (
        f"{goal} reached up to a strength between {_step(point.reached)} and {_step(point.missed)}; "
        f"1 is mild, 2 medium, 3 strong. Among more than {photos} photographs it is reached less far."
    )


def _step(step: Step) -> str:
    s = step.strength
    limits = f"crop {100 * s.crop:.1f} %, noise {s.noise:.1f}, brightness {100 * s.brightness:.0f} %"
    return f"{step.position:.2f} ({limits}: {_share(step.precision)})"


def _false_positives(found: Mapping[str, Found]) -> Section:
    strangers = next(iter(found.values())).score.strangers
    return Section(
        "Recall by false positives per pair",
        ("copies", *(f"at most {name}" for name in FALSE_POSITIVES)),
        [(name, *(_share(p.recall) for p in one.score.at_false_positives.values())) for name, one in found.items()],
        f"Rates below {1 / strangers:.2g}, one of {strangers:,} pairs of strangers, are the same as 0 here.",
    )


def _features(name: str, found: Found) -> Section:
    figures = {**found.features, "combination": found.score}
    better, equal = found.better_features(), found.equal_features()
    reasons = [f"{one} is better" for one in better] + [f"{one} is as good" for one in equal]
    return Section(
        f"Single features and their combination, {name}",
        _COMPARED,
        _compared(figures),
        "The combination beats each single feature (precision at recall 95 %; where equal, recall at 0 false): "
        + (f"no, {', '.join(reasons)}." if reasons else "yes."),
        precision_and_recall({one: its.curve for one, its in figures.items()}, None),
    )


def _peers(generator: str, name: str, found: Found) -> Section:
    figures = {generator: found.score, **found.peers}
    return Section(
        f"Other hashes, {name}",
        _COMPARED,
        _compared(figures),
        plot=precision_and_recall({one: its.curve for one, its in figures.items()}, None),
    )


_COMPARED = ("similarity", "precision at recall 95 %", "recall at 0 false", "at 1e-6")


def _compared(figures: Mapping[str, Figures]) -> list[Row]:
    return [
        (
            *(name, _share(one.at_recall_95.precision)),
            *(_share(one.at_false_positives[most].recall) for most in ("0", "1e-6")),
        )
        for name, one in figures.items()
    ]


def _hard(evaluation: Evaluation) -> Section:
    rows: list[Row] = [
        (
            *(name, str(r.copies), _share(r.matches / r.copies), _share(r.reviews / r.copies), f"{r.lowest:.3f}"),
            *(str(r.compared), str(r.wrong)),
        )
        for name, r in evaluation.hard.items()
    ]
    mean = sum(r.matches / r.copies for r in evaluation.hard.values()) / len(evaluation.hard)
    return Section(
        "Hard attacks",
        ("attack", "copies", "match", "review", "lowest score", "compared at most", "match another's"),
        [*rows, ("mean", "", _share(mean), "", "", "", "")],
        f"Each copy was looked for among all {evaluation.photos:,} photographs.",
    )


def _hard_recall(evaluation: Evaluation) -> Section:
    found = evaluation.hard_recall
    rows: list[Row] = [
        (attack, *(_share(one.recall[attack]) for one in found.values())) for attack in evaluation.hard
    ]
    means = [_share(sum(one.recall.values()) / len(one.recall)) for one in found.values()]
    thresholds = [f"{one.threshold:.4f}" for one in found.values()]
    return Section(
        "Hard attacks, recall at 1e-6 false positives per pair",
        ("attack", *found),
        [*rows, ("mean", *means), ("threshold", *thresholds)],
        f"The lowest threshold that takes at most 1e-6 of {evaluation.different.pairs:,} pairs of different "
        "photographs for copies: not the one that the generator decides by.",
    )


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"
