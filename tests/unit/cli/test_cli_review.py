"""The operator's word on applications in the review band."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from countermark.cli import review
from countermark.client import account, listings
from countermark.client.errors import ClientError
from countermark.fingerprint import Fingerprint
from countermark.gateway.services import PlatformServices
from countermark.platform.matching.findings import Findings, seal_findings
from countermark.platform.matching.holdings import Share
from countermark.platform.matching.index import FingerprintIndex
from countermark.platform.matching.likeness import Likeness, Survey
from countermark.platform.store import tables
from countermark.protocol.errors import ErrorCode
from tests.support.front import Front, Trader
from tests.support.pictures import crop, jpeg, photo
from tests.unit.cli.conftest import Run

TERMS = listings.Terms(100, {})


@pytest.fixture
def in_doubt(front: Front, monkeypatch: pytest.MonkeyPatch) -> Trader:
    """A trader whose photograph resembles somebody else's, neither surely nor surely not."""
    seller, other = front.trader("seller"), front.trader("stranger")
    account.fund(other.market, "1000", "deposit")
    listings.create(seller.market, seller.vault, front.photograph, TERMS, listings.Words())
    survey = FingerprintIndex.survey

    def doubtful(self: FingerprintIndex, items: list[Fingerprint], **how: Any) -> Survey:
        found = survey(self, items, **how)
        doubt = Likeness(False, 0.7, doubted=frozenset({("image", 0)}))
        return Survey(found.seen, dict.fromkeys(found.likenesses, doubt))

    monkeypatch.setattr(FingerprintIndex, "survey", doubtful)

    @contextmanager
    def services(_data: Path | None) -> Iterator[PlatformServices]:
        yield front.services

    monkeypatch.setattr(review, "platform_services", services)
    (other.folder / "copy.jpg").write_bytes(jpeg(crop(photo("astronaut").resize((256, 256)), 0.02)))
    return other


def _apply(who: Trader) -> str:
    made = listings.create(who.market, who.vault, who.folder / "copy.jpg", TERMS, listings.Words())
    return str(made.result["id"])


def test_an_approved_application_passes_the_next_time(in_doubt: Trader, run: Run) -> None:
    with pytest.raises(ClientError, match=ErrorCode.UNDER_REVIEW):
        _apply(in_doubt)
    (case,) = run("review", "list", "--json").json["items"]
    assert case["seller"] == in_doubt.address
    assert len(case["resembles"]) == 1
    assert run("review", "approve", case["case"], "--dry-run", "--json").json["dry_run"]
    with pytest.raises(ClientError, match=ErrorCode.UNDER_REVIEW):
        _apply(in_doubt)
    assert run("review", "approve", case["case"]).first == case["case"]
    assert _apply(in_doubt).startswith("dc1")


def test_a_rejected_application_stays_refused(in_doubt: Trader, run: Run) -> None:
    with pytest.raises(ClientError, match=ErrorCode.UNDER_REVIEW):
        _apply(in_doubt)
    case = run("review", "list").first
    assert run("review", "reject", case).status == 0
    assert run("review", "list").out == ""
    with pytest.raises(ClientError, match=ErrorCode.UNDER_REVIEW):
        _apply(in_doubt)


def test_a_case_that_does_not_wait_is_refused(in_doubt: Trader, run: Run) -> None:
    for verb in ("approve", "reject"):
        result = run("review", verb, "case-unknown")
        assert (result.status, result.out) == (3, "")
        assert "not_found" in result.err


def test_a_folder_without_a_platform_is_a_mistake_of_usage(run: Run, tmp_path: Path) -> None:
    result = run("review", "list", "--data", tmp_path)
    assert result.status == 2
    assert str(tmp_path) in result.err


@pytest.mark.requirement("A-31")
def test_series_are_listed_with_who_tried_what(front: Front, in_doubt: Trader, run: Run) -> None:
    assert run("review", "series").out == ""
    for number in range(3):
        (in_doubt.folder / "copy.jpg").write_bytes(
            jpeg(crop(photo("astronaut").resize((256, 256)), 0.02 + number / 100))
        )
        with pytest.raises(ClientError, match=ErrorCode.UNDER_REVIEW):
            _apply(in_doubt)
    (series,) = run("review", "series", "--json").json["items"]
    assert (series["accounts"], series["attempts"], series["caught"]) == ([in_doubt.address], 3, True)
    (line,) = run("review", "series").out.splitlines()
    assert line.startswith(f"{in_doubt.address}  {series['listing']}  3 attempts")


def test_a_case_tells_how_much_of_whose_is_at_hand_and_no_items(front: Front, in_doubt: Trader, run: Run) -> None:
    with pytest.raises(ClientError, match=ErrorCode.UNDER_REVIEW):
        _apply(in_doubt)
    share = Share("dc1theirs", "did:key:them", 3, 40, frozenset({("image", 7), ("image", 9)}))
    (row,) = [row for row in front.world.rows(tables.registrations) if row.decision == ErrorCode.UNDER_REVIEW]
    sealed = seal_findings(front.services.box, row.case_number, Findings(("dc1theirs",), (share,)))
    with front.services.database.begin() as connection:
        this = tables.registrations.c.case_number == row.case_number
        connection.execute(tables.registrations.update().where(this).values(matched=sealed))
    (case,) = run("review", "list", "--json").json["items"]
    assert case["shares"] == [
        {"listing": "dc1theirs", "owner": "did:key:them", "at_hand": 3, "of_listing": 2, "items": 40}
    ]
    assert "3 items are copies of 2 of 40" in run("review", "list").out
