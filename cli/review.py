"""`countermark review`: the operator's word on applications that resemble a registration, neither copy nor not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from countermark.cli.session import Session, noun, session_command

if TYPE_CHECKING:
    from countermark.gateway.services import Services

command = noun("review", "Applications that wait for a person, on the platform's own machine.")

_DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of `countermark up`, while that runs."
)


@command.command("list")
@_DATA
@session_command
def list_(session: Session, data: Path | None) -> None:
    """List the cases that wait, the oldest first: case number, seller, time, and the contracts that are alike."""
    from countermark.platform.matching.reviews import Reviews
    from countermark.protocol import times

    with _services(data) as services, services.database.begin() as connection:
        cases = Reviews(services.box).waiting(connection)
    documents = [
        {
            "case": case.case_number,
            "seller": case.seller,
            "decided_at": times.to_text(case.decided_ms),
            "resembles": list(case.matched),
        }
        for case in cases
    ]
    session.result(
        {"items": documents},
        *(
            f"{one['case']}  {one['seller']}  {one['decided_at']}  {' '.join(case.matched)}"
            for one, case in zip(documents, cases, strict=True)
        ),
    )


@command.command("approve")
@click.argument("case")
@_DATA
@session_command
def approve(session: Session, case: str, data: Path | None) -> None:
    """Find that the data of CASE are no copy: the same seller's next application with them passes."""
    _resolve(session, case, data, approve=True)


@command.command("reject")
@click.argument("case")
@_DATA
@session_command
def reject(session: Session, case: str, data: Path | None) -> None:
    """Find that the data of CASE are a copy: they stay refused."""
    _resolve(session, case, data, approve=False)


def _resolve(session: Session, case: str, data: Path | None, *, approve: bool) -> None:
    from countermark.platform.matching.reviews import Reviews

    word = "approved" if approve else "rejected"
    document: dict[str, Any] = {"case": case, "resolution": word}
    with _services(data) as services, services.database.begin() as connection:
        reviews = Reviews(services.box)
        if session.dry_run:
            document["dry_run"] = True
            word = f"would be {word}"
            reviews.find(connection, case)
        else:
            reviews.resolve(connection, case, approve=approve)
    session.result(document, case, word)


@contextmanager
def _services(data: Path | None) -> Iterator["Services"]:
    from countermark.cli.up.command import default_data
    from countermark.cli.up.data import DataFolder
    from countermark.gateway import config
    from countermark.gateway.services import from_config

    file = DataFolder((data or default_data()).resolve()).gateway_config
    if not file.exists():
        raise click.UsageError(f"no platform has run on {file.parent.parent}: --data names its folder")
    services = from_config(config.load(file))
    try:
        yield services
    finally:
        services.close()
