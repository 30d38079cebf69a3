"""A gateway as a client meets it: its certificate, its readiness, its clock and its market."""

import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx

from countermark.cli.doctor.findings import Finding, NotAsItShouldError, examine

MOST_SKEW_S = 30
"""Clocks may differ by this much before intents are refused as of the past or the future."""

_ANSWER_S = 15.0


def findings(url: str, ca_file: str) -> Iterator[Finding]:
    """Yield what was found of the gateway at ``url``, whose certificate ``ca_file`` vouches for."""
    gateway = _Gateway(url, ca_file)
    return examine(
        ("gateway", gateway.answers),
        ("readiness", gateway.ready),
        ("clock", gateway.clock),
        ("market", gateway.market),
    )


class _Gateway:
    """Asks once and never again: a gateway that is away is what is to be found."""

    def __init__(self, url: str, ca_file: str) -> None:
        self._url = url
        self._ca_file = ca_file

    def answers(self) -> str:
        answer = self._get("/healthz")
        if not answer.is_success:
            raise ValueError(f"{self._url} answers {answer.status_code}")
        return self._url

    def ready(self) -> str:
        away = self._get("/readyz").json()["away"]
        if away:
            raise ValueError(f"away: {', '.join(map(str, away))}")
        return "every part is there"

    def clock(self) -> str:
        # A Date header has whole seconds, so a second more or less says nothing.
        skew = parsedate_to_datetime(self._get("/healthz").headers["Date"]).timestamp() - time.time()
        if abs(skew) > MOST_SKEW_S:
            raise NotAsItShouldError(f"the gateway's is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}")
        return f"within {MOST_SKEW_S} s of the gateway's"

    def market(self) -> str:
        return str(self._get("/v1/market").json()["market"])

    def _get(self, path: str) -> httpx.Response:
        context = ssl.create_default_context(cafile=self._ca_file or None)
        try:
            return httpx.get(f"{self._url}{path}", verify=context, timeout=_ANSWER_S)
        except httpx.HTTPError as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error
