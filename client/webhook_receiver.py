"""The receiver's end of a webhook: what arrives is believed only with the platform's signature for this very URL.

Whoever learns the URL can post to it. A delivery is signed (RFC 9421) with the key of the platform's account over
method, authority, path, query, content type and the digest of the body, so it is good for one receiver, and for some
minutes. It may arrive more than once: the number of its event says whether it is known.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)

from countermark.protocol import accounts, canonical, fields, times
from countermark.protocol.errors import ErrorCode, MarketError

TAG = "countermark-webhook"
COVERED = ("@method", "@authority", "@path", "@query", "content-type", "content-digest")
GOOD = datetime.timedelta(minutes=5)

_EVENT: Mapping[str, fields.Parser] = {
    "seq": fields.integer(0, 2**53 - 1),
    "tx": fields.text(128),
    "subject": fields.text(200),
    "state": fields.text(40, empty=True),
    "function": fields.text(100),
    "time": times.from_text,
}
_DELIVERY: Mapping[str, fields.Parser] = {
    "account": fields.address,
    "event": fields.nested(_EVENT),
    "market": fields.text(256),
    "webhook": fields.segment,
}


@dataclass(frozen=True)
class Told:
    """An event of the account ``account``: the transaction of ``function`` brought ``subject`` into ``state``.

    ``seq`` identifies it: it rises from event to event, and is the same each time the event is told.
    """

    webhook: str
    account: str
    seq: int
    tx: str
    subject: str
    state: str
    function: str
    time_ms: int


class _PlatformKey(HTTPSignatureKeyResolver):
    def __init__(self, platform: str) -> None:
        self._platform = platform

    def resolve_public_key(self, key_id: str) -> ec.EllipticCurvePublicKey:
        if key_id != self._platform:
            raise MarketError(ErrorCode.BAD_SIGNATURE, "somebody else than the platform has signed")
        return accounts.public_key(key_id)


@dataclass
class _Incoming:
    """A request as the verifier wants it."""

    url: str
    headers: Mapping[str, str]
    method: str = "POST"


class Receiver:
    """Reads what is posted to one webhook's URL."""

    def __init__(self, url: str, *, market: str, platform: str) -> None:
        """Take the ``url`` as it was registered, and the market's name and platform's account (`Market.config`)."""
        self._url = url
        self._market = market
        self._verifier = HTTPMessageVerifier(
            signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=_PlatformKey(platform)
        )

    def open(self, headers: Mapping[str, str], body: bytes) -> Told:
        """Return the event that a POST request with these ``headers`` and this ``body`` tells of.

        Raises:
            MarketError: BAD_SIGNATURE: it is not the platform's, not for this URL, too old or changed;
                MALFORMED_REQUEST, WRONG_MARKET.
        """
        try:
            results = self._verifier.verify(
                _Incoming(self._url, headers), max_age=GOOD, expect_tag=TAG, require_components=COVERED, body=body
            )
        except HTTPMessageSignaturesException:
            # Its text quotes headers of the request.
            raise MarketError(
                ErrorCode.BAD_SIGNATURE, "the delivery is not signed by the platform for this URL"
            ) from None
        if len(results) != 1:
            raise MarketError(ErrorCode.BAD_SIGNATURE, "one signature is expected")
        document = fields.record(canonical.loads(body), _DELIVERY)
        if document["market"] != self._market:
            raise MarketError(ErrorCode.WRONG_MARKET, "the delivery tells of another market")
        event = document["event"]
        time_ms = event.pop("time")
        return Told(document["webhook"], document["account"], time_ms=time_ms, **event)
