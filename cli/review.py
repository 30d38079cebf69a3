"""`countermark review`: the operator's word on applications that resemble a registration, neither copy nor not."""

from pathlib import Path
from typing import Any

import click

from countermark.cli.operating import DATA, platform_services
from countermark.cli.session import Session, noun, session_command

command = noun("review", "Applications that wait for a person, on the platform's own machine.")


@command.command("list")
@DATA
@session_command
def list_(session: Session, data: Path | None) -> None:
    """List the cases that wait, the oldest first: case number, seller, time, and the contracts that are alike."""
    from countermark.platform.matching.reviews import Reviews
    from countermark.protocol import times

    with platform_services(data) as services, services.database.begin() as connection:
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
@DATA
@session_command
def approve(session: Session, case: str, data: Path | None) -> None:
    """Find that the data of CASE are no copy: the same seller's next application with them passes."""
    _resolve(session, case, data, approve=True)


@command.command("reject")
@click.argument("case")
@DATA
@session_command
def reject(session: Session, case: str, data: Path | None) -> None:
    """Find that the data of CASE are a copy: they stay refused."""
    _resolve(session, case, data, approve=False)


def _resolve(session: Session, case: str, data: Path | None, *, approve: bool) -> None:
    from countermark.platform.matching.reviews import Reviews

    word = "approved" if approve else "rejected"
    document: dict[str, Any] = {"case": case, "resolution": word}
    with platform_services(data) as services, services.database.begin() as connection:
        reviews = Reviews(services.box)
        if session.dry_run:
            document["dry_run"] = True
            word = f"would be {word}"
            reviews.find(connection, case)
        else:
            reviews.resolve(connection, case, approve=approve)
    session.result(document, case, word)
