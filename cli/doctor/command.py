"""The command `countermark doctor`."""

from collections.abc import Iterator
from pathlib import Path

import click

from countermark.cli.doctor.findings import Finding, Verdict
from countermark.cli.session import Session, session_command


@click.command("doctor")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder of a platform on this machine."
)
@session_command
def command(session: Session, data: Path | None) -> int:
    """Look at this installation, and at the home, the gateway and the platform that it knows of.

    Exit status 1 if anything is wrong; a warning alone is 0. Nothing is changed.
    """
    found: list[Finding] = []
    for finding in _findings(session, data):
        found.append(finding)
        if not session.as_json:
            click.echo(finding.line())
    wrong = any(finding.verdict is Verdict.WRONG for finding in found)
    if session.as_json:
        listed = [{"subject": one.subject, "verdict": one.verdict, "detail": one.detail} for one in found]
        session.result({"sound": not wrong, "findings": listed})
    return 1 if wrong else 0


def _findings(session: Session, data: Path | None) -> Iterator[Finding]:
    from countermark.cli.doctor import gateway, home, installation, platform
    from countermark.cli.up.data import DataFolder

    yield from installation.findings()
    yield from home.findings(session.home)
    if data is not None:
        folder = DataFolder(data.resolve())
        yield from platform.findings(folder)
        if folder.gateway_file.exists():
            session.options["gateway"] = session.options.get("gateway") or str(folder.gateway_file)
    try:
        url, ca_file = session.gateway()
    except click.UsageError:
        return  # none is known, and none was asked for
    yield from gateway.findings(url, ca_file)
