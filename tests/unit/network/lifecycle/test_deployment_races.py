"""Several administrators bring one definition about at the same time; each learns that it is in force."""

from typing import Any

import pytest

from countermark.network.client import EvaluateError
from countermark.network.lifecycle import deployment
from countermark.network.lifecycle.commit import Committed
from countermark.network.lifecycle.wire import Agreement
from countermark.protocol.errors import ErrorCode

NEW, OLD = (Agreement("countermark", version, b"policy", b"") for version in ("1.1", "1.0"))
GONE = EvaluateError(ErrorCode.LEDGER_UNAVAILABLE, "requested sequence is 2, but new definition must be sequence 3")


class Channel:
    """What peers say while another administrator commits; it takes the place of the calls to them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, committed: list[Committed]) -> None:
        self._committed = committed
        self.asked = 0
        for name in ("approved_package", "committed", "readiness"):
            monkeypatch.setattr(deployment, name, getattr(self, name))

    def approved_package(self, *_: Any, **__: Any) -> str:
        return "package"

    def committed(self, *_: Any) -> Committed:
        self.asked += 1
        return self._committed[min(self.asked, len(self._committed)) - 1]

    def readiness(self, *_: Any, **__: Any) -> dict[str, bool]:
        raise GONE

    def bring_about(self) -> deployment.Progress:
        nobody: Any = None
        return deployment.bring_about([nobody, nobody], NEW, sequence=2, package_id="package")


def test_a_commit_by_another_just_before_ours_is_as_good_as_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = Channel(monkeypatch, [Committed(1, OLD), Committed(2, NEW)])
    assert channel.bring_about() == deployment.Progress(2, True)
    assert channel.asked == 3, "of the other organisation here, the peer is asked whether it knows"


def test_a_peer_that_gives_no_answer_for_another_reason_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = Channel(monkeypatch, [Committed(1, OLD)])
    with pytest.raises(EvaluateError, match="requested sequence"):
        channel.bring_about()
