"""`countermark fingerprint`: compute and compare, offline."""

from pathlib import Path

import click

from countermark.cli.session import Session, noun, session_command

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


command = noun("fingerprint", "Compute and compare fingerprints, offline.")


@command.command("compute")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.option("--generator", default="image/v1", show_default=True)
@session_command
def compute(session: Session, files: tuple[Path, ...], generator: str) -> None:
    """Print the digest of each file's fingerprint; with --json the fingerprint too, which is confidential."""
    from countermark.client.data import examine
    from countermark.protocol.encoding import as_digest, b64u, digest

    items = []
    for path in files:
        data = examine(path, generator)
        items.append(
            {
                "file": str(path),
                "generator": generator,
                "digest": digest(data.items[0]),
                "fingerprint": b64u(data.items[0]),
                "root": as_digest(data.root),
            }
        )
    session.result({"items": items}, *(f"{item['digest']}  {item['file']}" for item in items))


@command.command("compare")
@click.argument("a", type=_FILE)
@click.argument("b", type=_FILE)
@click.option("--generator", default="image/v1", show_default=True)
@session_command
def compare(session: Session, a: Path, b: Path, generator: str) -> None:
    """Say whether B is a copy of A: match, review or different."""
    from countermark.client.data import compare_files

    comparison = compare_files(a, b, generator)
    document = {
        "decision": comparison.decision,
        "score": comparison.score,
        "reasons": list(comparison.reasons),
        "generator": comparison.generator,
    }
    session.result(document, f"{comparison.decision}  {comparison.score:.3f}", *comparison.reasons)
