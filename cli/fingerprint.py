"""`countermark fingerprint`: compute, compare, measure; offline."""

from pathlib import Path

import click

from countermark.cli.session import Session, noun, session_command

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_PATH = click.Path(path_type=Path, exists=True)


command = noun("fingerprint", "Compute, compare and measure fingerprints, offline.")


@command.command("compute")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.option("--generator", help="Instead of the one for the kind of data that the file is.")
@session_command
def compute(session: Session, files: tuple[Path, ...], generator: str | None) -> None:
    """Print the digest of each file's fingerprint; with --json the fingerprint too, which is confidential.

    Of which kind a file is, its content says. What is featureless, such as a picture without texture or a text of a
    few words, matches nothing, and no edited copy of it is found.
    """
    from countermark.client.data import default_generator, fingerprint_of
    from countermark.fingerprint import is_featureless
    from countermark.protocol.commitments import fingerprint_root
    from countermark.protocol.encoding import as_digest, b64u, digest

    items, lines = [], []
    for path in files:
        made = fingerprint_of(path, generator or default_generator(path))
        data = made.to_bytes()
        items.append(
            {
                "file": str(path),
                "generator": made.generator,
                "digest": digest(data),
                "fingerprint": b64u(data),
                "root": as_digest(fingerprint_root([data])),
                "featureless": is_featureless(made),
            }
        )
        lines.append(f"{digest(data)}  {path}")
        if items[-1]["featureless"]:
            lines.append("    featureless: there is nothing in it by which a copy could be known")
    session.result({"items": items}, *lines)


@command.command("compare")
@click.argument("a", type=_PATH)
@click.argument("b", type=_PATH)
@click.option("--generator", help="Instead of the one for the kind of data that A is.")
@session_command
def compare(session: Session, a: Path, b: Path, generator: str | None) -> None:
    """Say whether B is a copy of A: match, review or different. Both may be folders or zip archives."""
    from countermark.client.comparing import compare_paths

    comparison = compare_paths(a, b, generator)
    document = {
        "decision": comparison.decision,
        "score": comparison.score,
        "reasons": list(comparison.reasons),
        "generator": comparison.generator,
    }
    session.result(document, f"{comparison.decision}  {comparison.score:.3f}", *comparison.reasons)


@command.command("selftest")
@session_command
def selftest(session: Session) -> None:
    """Check that this machine and its libraries give the fingerprints that every other one gives."""
    from countermark.client.errors import REFUSED_HERE, ClientError
    from countermark.fingerprint import conformance

    differing = conformance.failures()
    if differing:
        raise ClientError(REFUSED_HERE, f"fingerprints differ from their vectors: {'; '.join(differing)}")
    count = len(conformance.vectors())
    session.result({"vectors": count, "differing": []}, f"{count} vectors, all as they should be")


@command.command("evaluate")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--attacks",
    type=click.Choice(["mild", "medium", "strong", "hard", "all"]),
    default="all",
    show_default=True,
    help="The paper's copies at a strength, hard attacks, or all of them.",
)
@click.option(
    "--attack-config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Other strengths and hard attacks: docs/fingerprints.md.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the copies' random numbers.")
@click.option("--generator", default="image/v1", show_default=True)
@click.option("--copies", type=click.IntRange(1, 100), default=20, show_default=True, help="Of each photograph.")
@click.option("--peers", is_flag=True, help="PDQ, aHash, pHash, dHash and wHash beside it: countermark[peers].")
@click.option("--jobs", type=click.IntRange(0), default=0, help="Processes; 0 for one on each core.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("fingerprint-evaluation"),
    show_default=True,
    help="Folder to write.",
)
@session_command
def evaluate(
    session: Session,
    folder: Path,
    attacks: str,
    attack_config: Path | None,
    seed: int,
    generator: str,
    copies: int,
    peers: bool,
    jobs: int,
    out: Path,
) -> None:
    """Run the paper's experiment on the photographs in DIR: how many edited copies are found, how many strangers.

    Writes tables and curves of precision and recall into the folder --out. Fingerprints are kept there, so a run
    that was interrupted goes on. They are confidential, as the photographs are.
    """
    from countermark.client.errors import REFUSED_HERE, ClientError
    from countermark.fingerprint.evaluation.attacks import attacks as chosen
    from countermark.fingerprint.evaluation.errors import EvaluationError
    from countermark.fingerprint.evaluation.evaluate import evaluate as run
    from countermark.fingerprint.evaluation.plan import Plan, photographs
    from countermark.fingerprint.evaluation.report import lines, write

    try:
        plan = Plan(
            photos=photographs(folder),
            generator=generator,
            attacks=chosen(attacks, attack_config),
            copies=copies,
            seed=seed,
            peers=peers,
        )
        if session.dry_run:
            names = [*plan.attacks.strengths, *plan.attacks.hard]
            document = {"dry_run": True, "photos": len(plan.photos), "attacks": names}
            session.result(document, f"would evaluate {len(plan.photos)} photographs")
            return
        evaluation = run(plan, out / "fingerprints", processes=jobs, progress=session.progress)
        written = write(evaluation, out)
    except EvaluationError as error:
        raise ClientError(REFUSED_HERE, str(error)) from error
    except OSError as error:
        raise ClientError(REFUSED_HERE, f"{error.filename}: {error.strerror}") from error
    session.result({**evaluation.document(), "files": [str(path) for path in written]}, *lines(evaluation), "")
    session.say(f"the whole report: {written[0]}")
