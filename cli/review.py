"""`countermark review`: the operator's word on applications that resemble a registration, neither copy nor not."""

from collections.abc import Iterator
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
    """List the cases that wait, the oldest first: case number, seller, time, and the contracts that are alike.

    Of a collection, each line below tells how many of its items are copies of how many of whose contract's.
    """
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
            # How many, and not which: whoever has to know that looks at the data.
            "shares": [
                {
                    "listing": share.address,
                    "owner": share.owner,
                    "at_hand": share.mine,
                    "of_listing": len(share.taken),
                    "items": share.items,
                }
                for share in case.shares
            ],
        }
        for case in cases
    ]
    session.result(
        {"items": documents},
        *(line for one in documents for line in _lines(one)),
    )


def _lines(case: dict[str, Any]) -> Iterator[str]:
    yield f"{case['case']}  {case['seller']}  {case['decided_at']}  {' '.join(case['resembles'])}"
    for share in case["shares"]:
        part = f"{share['at_hand']} items are copies of {share['of_listing']} of {share['items']}"
        yield f"  {share['listing']}  {share['owner']}  {part}"


@command.command("series")
@DATA
@session_command
def series(session: Session, data: Path | None) -> None:
    """List who tried again and again at somebody else's registration, the newest series first.

    Each with its accounts, their sponsor, the registration, how many attempts from when to when, and their scores;
    `caught` where an application among them waits or waited for a person, `passed` where one was allowed.
    """
    from countermark.platform.matching.reporting import load_series, to_json

    found, cursor = [], ""
    with platform_services(data) as services, services.database.begin() as connection:
        while True:
            page = load_series(connection, services.probes, cursor=cursor)
            found += [to_json(one) for one in page.series]
            cursor = page.cursor
            if not cursor:
                break
    session.result({"items": found}, *(_series_line(one) for one in found))


def _series_line(one: dict[str, Any]) -> str:
    marks = [name for name in ("climbing", "caught", "passed") if one[name]]
    return "  ".join(
        [
            " ".join(one["accounts"]) + (f" ({one['sponsor']})" if one["sponsor"] else ""),
            one["listing"],
            f"{one['attempts']} attempts",
            f"{one['first']} to {one['last']}",
            " ".join(score or "-" for score in one["scores"]),
            *marks,
        ]
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
