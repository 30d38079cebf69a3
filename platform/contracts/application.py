"""Read and check an application to register data, all that needs neither database nor ledger (step (4)).

An application is the plaintext of a sealed message of kind ``listing``: canonical JSON
``{"intent", "items", "opening"}``, where the intent asks for `listing.create`, ``opening`` is the opening of the
three commitments that it signs, and ``items`` are the canonical item fingerprints in base64url.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from countermark.fingerprint import Fingerprint, FingerprintError
from countermark.protocol import canonical, fields, ids, intents
from countermark.protocol.commitments import Commitments, Opening, fingerprint_root
from countermark.protocol.encoding import unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent
from countermark.protocol.jws import MAX_TOKEN
from countermark.protocol.market import MarketConfig

KIND = "listing"
"""Kind of the sealed message that carries an application."""

ACTION = "listing.create"


@dataclass(frozen=True)
class Draft:
    """An application by its form alone; its repr shows nothing of the data."""

    intent: Intent
    opening: Opening = field(repr=False)
    items: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True)
class Application:
    """A well-formed application whose commitments open; its repr shows nothing of the data."""

    address: str
    """The contract's address, if it comes to be."""
    intent: Intent
    opening: Opening = field(repr=False)
    items: tuple[Fingerprint, ...] = field(repr=False)

    @property
    def seller(self) -> str:
        """The account that signed."""
        return self.intent.signer

    @property
    def generator(self) -> str:
        """The generator that the contract will name."""
        return str(self.intent.params["generator"])


def _opening(value: object) -> Opening:
    if not isinstance(value, dict):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "a JSON object is expected")
    return Opening.from_json(canonical.dumps(value))


def parse_draft(plaintext: bytes, *, market: str) -> Draft:
    """Return the application that ``plaintext`` holds; ``market`` is channel/chaincode.

    Raises:
        MarketError: MALFORMED_REQUEST, a code of `intents.parse` or `Opening.from_json`.
    """
    document = fields.record(
        canonical.loads(plaintext),
        {
            "intent": fields.text(MAX_TOKEN),
            # Bounded by the message's own size; the market's limit has a code of its own.
            "items": fields.sequence(unb64u, shortest=1, longest=1_000_000),
            "opening": _opening,
        },
    )
    intent = intents.parse(document["intent"], market=market, action=ACTION)
    return Draft(intent, document["opening"], tuple(document["items"]))


def examine(draft: Draft, *, config: MarketConfig, now_ms: int) -> Application:
    """Return the application, checked against the market's configuration and what it commits to itself.

    Raises:
        MarketError: the code of the first rule that is broken.
    """
    intent, opening, items = draft.intent, draft.opening, draft.items
    intents.check_time(intent, now_ms, longest_s=config.intent_s)
    config.check_deadlines(intent.params["offer"]["deadlines"])
    _check_limits(opening, items, config)
    _check_commitments(intent.params, opening, items)
    fingerprints = tuple(_parse_item(item) for item in items)
    _check_generators(str(intent.params["generator"]), fingerprints, config)
    address = ids.listing_address(
        market=intent.market, c_f=intent.params["c_f"], seller=intent.signer, nonce=intent.nonce
    )
    return Application(address, intent, opening, fingerprints)


def _check_limits(opening: Opening, items: Sequence[bytes], config: MarketConfig) -> None:
    if len(items) > config.limits.items:
        raise MarketError(ErrorCode.TOO_MANY_ITEMS, f"a listing holds at most {config.limits.items} items")
    if any(len(item) > config.limits.fingerprint_bytes for item in items):
        raise MarketError(ErrorCode.TOO_LARGE, f"a fingerprint has at most {config.limits.fingerprint_bytes} bytes")
    if len(opening.description.to_bytes()) > config.limits.description_bytes:
        raise MarketError(
            ErrorCode.DESCRIPTION_MALFORMED, f"a description has at most {config.limits.description_bytes} bytes"
        )


def _check_commitments(params: Mapping[str, Any], opening: Opening, items: Sequence[bytes]) -> None:
    opening.check(Commitments(params["c_f"], params["c_d"], params["c_exact"]))
    if not params["items"] == opening.items == len(items):
        raise MarketError(ErrorCode.COMMITMENT_MISMATCH, "intent, opening and fingerprints count different items")
    if fingerprint_root(items) != opening.root:
        raise MarketError(ErrorCode.COMMITMENT_MISMATCH, "the fingerprints do not give the committed root")


def _parse_item(item: bytes) -> Fingerprint:
    try:
        return Fingerprint.from_bytes(item)
    except FingerprintError as error:
        raise MarketError(ErrorCode(error.code), error.detail) from error


def _check_generators(named: str, items: tuple[Fingerprint, ...], config: MarketConfig) -> None:
    counts = Counter(item.generator for item in items)
    if named not in counts or not set(counts) <= set(config.generators):
        raise MarketError(ErrorCode.UNKNOWN_GENERATOR, "the market does not accept the fingerprints' generator")
    # Rows of an older generator that are still for sale are only found by its own fingerprints.
    if not set(config.required) <= set(counts):
        raise MarketError(ErrorCode.UNKNOWN_GENERATOR, "the market still requires fingerprints of another generator")
    if sorted(items, key=lambda item: item.generator) != list(items):
        raise MarketError(ErrorCode.FINGERPRINT_MALFORMED, "fingerprints stand by generator, in their names' order")
    if len(set(counts.values())) != 1:
        raise MarketError(ErrorCode.FINGERPRINT_MALFORMED, "each item needs a fingerprint by each generator")
