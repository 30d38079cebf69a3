"""Read and check an application to register data, all that needs neither database nor ledger (step (4)).

An application is the plaintext of a sealed message of kind ``listing``: canonical JSON
``{"intent", "items", "opening"}``, where the intent asks for `listing.create`, ``opening`` is the opening of the
three commitments that it signs, and ``items`` are the canonical item fingerprints in base64url. In place of ``items``
may stand ``parts``, the digests of sealed messages that hold them and were sent before (`parts`).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from countermark.fingerprint import Fingerprint, FingerprintError, collection
from countermark.fingerprint.kinds import COLLECTION, EMPTY
from countermark.protocol import canonical, fields, ids, intents, merkle
from countermark.protocol.commitments import Commitments, Opening
from countermark.protocol.description import Description
from countermark.protocol.encoding import unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent
from countermark.protocol.jws import MAX_TOKEN
from countermark.protocol.market import MarketConfig, kind_of
from countermark.protocol.parts import MAX_PARTS

KIND = "listing"
"""Kind of the sealed message that carries an application."""

ACTION = "listing.create"


@dataclass(frozen=True)
class Draft:
    """An application by its form alone, with items or digests of parts; its repr shows nothing of the data."""

    intent: Intent
    opening: Opening = field(repr=False)
    items: tuple[bytes, ...] = field(default=(), repr=False)
    parts: tuple[str, ...] = ()


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
            "items": fields.optional(fields.sequence(unb64u, shortest=1, longest=1_000_000)),
            "opening": _opening,
            "parts": fields.optional(fields.sequence(fields.digest, shortest=1, longest=MAX_PARTS)),
        },
    )
    items, parts = tuple(document.get("items", ())), tuple(document.get("parts", ()))
    if bool(items) == bool(parts):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "either items or parts are expected")
    if len(set(parts)) != len(parts):
        # Sealed anew for each place: who names one again makes the platform open it again.
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "a part stands once in an application")
    intent = intents.parse(document["intent"], market=market, action=ACTION)
    return Draft(intent, document["opening"], items, parts)


def check_terms(draft: Draft, *, config: MarketConfig, now_ms: int) -> None:
    """Check all of the application that can be checked without its fingerprints.

    Raises:
        MarketError: the code of the first rule that is broken.
    """
    intent, opening = draft.intent, draft.opening
    intents.check_time(intent, now_ms, longest_s=config.intent_s)
    config.check_deadlines(intent.params["offer"]["deadlines"])
    _check_limits(draft, config)
    params = intent.params
    opening.check(Commitments(params["c_f"], params["c_d"], params["c_exact"]))
    if params["items"] != opening.items:
        raise MarketError(ErrorCode.COMMITMENT_MISMATCH, "intent and opening count different items")


def examine(draft: Draft, items: Iterable[bytes], *, config: MarketConfig) -> Application:
    """Return the application, checked against the market's configuration and what it commits to itself.

    Args:
        draft: which has passed `check_terms`.
        items: its canonical fingerprints, inline or out of its parts, one held at a time.
        config: of the market.

    Raises:
        MarketError: the code of the first rule that is broken.
    """
    intent, opening = draft.intent, draft.opening
    fingerprints = _parsed(items, opening, config)
    _check_generators(str(intent.params["generator"]), fingerprints, opening.description, config)
    _check_count(fingerprints, opening.items)
    address = ids.listing_address(
        market=intent.market, c_f=intent.params["c_f"], seller=intent.signer, nonce=intent.nonce
    )
    return Application(address, intent, opening, fingerprints)


def _check_limits(draft: Draft, config: MarketConfig) -> None:
    opening = draft.opening
    most = config.limits.items
    if opening.items > most or len(draft.items) > most_fingerprints(most, config):
        raise MarketError(ErrorCode.TOO_MANY_ITEMS, f"a listing holds at most {most} items")
    if len(opening.description.to_bytes()) > config.limits.description_bytes:
        raise MarketError(
            ErrorCode.DESCRIPTION_MALFORMED, f"a description has at most {config.limits.description_bytes} bytes"
        )


def most_fingerprints(items: int, config: MarketConfig) -> int:
    """Return how many fingerprints ``items`` things have at most: one by each generator, and a summary."""
    return items * len(config.generators) + 1


def _parsed(items: Iterable[bytes], opening: Opening, config: MarketConfig) -> tuple[Fingerprint, ...]:
    """Return ``items`` parsed; they must give the opening's root.

    Raises:
        MarketError: TOO_MANY_ITEMS before the first that is one too many is looked at; TOO_LARGE,
            COMMITMENT_MISMATCH, FINGERPRINT_MALFORMED, UNKNOWN_GENERATOR.
    """
    most = most_fingerprints(opening.items, config)
    tree, parsed, refused = merkle.Frontier(), [], None
    for item in items:
        if tree.size == most:
            raise MarketError(ErrorCode.TOO_MANY_ITEMS, "there are more fingerprints than the items can have")
        if len(item) > config.limits.fingerprint_bytes:
            raise MarketError(
                ErrorCode.TOO_LARGE, f"a fingerprint has at most {config.limits.fingerprint_bytes} bytes"
            )
        tree.append(merkle.leaf_hash(item))
        if refused is None:
            try:
                parsed.append(_parse_item(item))
            except MarketError as error:
                # Of fingerprints that are not those committed to nothing more is told.
                refused = error
    if not tree.size or tree.root() != opening.root:
        raise MarketError(ErrorCode.COMMITMENT_MISMATCH, "the fingerprints do not give the committed root")
    if refused is not None:
        raise refused
    return tuple(parsed)


def _parse_item(item: bytes) -> Fingerprint:
    try:
        return Fingerprint.from_bytes(item)
    except FingerprintError as error:
        raise MarketError(ErrorCode(error.code), error.detail) from error


def _check_generators(
    named: str, items: tuple[Fingerprint, ...], description: Description, config: MarketConfig
) -> None:
    counts = Counter(item.generator for item in items)
    if named not in counts or not set(counts) <= set(config.generators):
        raise MarketError(ErrorCode.UNKNOWN_GENERATOR, "the market does not accept the fingerprints' generator")
    # Only so does a buyer know which fingerprints give the root.
    if list(description.generators or (named,)) != sorted(counts):
        raise MarketError(ErrorCode.DESCRIPTION_MALFORMED, "the description names other generators")
    kinds = {item.kind for item in items}
    if kind_of(named) != COLLECTION and len(kinds) > 1:
        raise MarketError(ErrorCode.FINGERPRINT_MALFORMED, "only a collection has items of several kinds")
    for kind in kinds:
        # Rows of an older generator that are still for sale are only found by its own fingerprints.
        if not set(config.required_for(kind)) <= set(counts):
            raise MarketError(
                ErrorCode.UNKNOWN_GENERATOR, "the market still requires fingerprints of another generator"
            )
        if len({count for generator, count in counts.items() if kind_of(generator) == kind}) != 1:
            raise MarketError(ErrorCode.FINGERPRINT_MALFORMED, "each item needs a fingerprint by each generator")
    if sorted(items, key=lambda item: item.generator) != list(items):
        raise MarketError(ErrorCode.FINGERPRINT_MALFORMED, "fingerprints stand by generator, in their names' order")


def _check_count(fingerprints: tuple[Fingerprint, ...], items: int) -> None:
    """Check that there are fingerprints of so many ``items``, and of each kind as many as a summary says."""
    counts = Counter(fingerprint.generator for fingerprint in fingerprints)
    of_kind = {kind_of(generator): count for generator, count in counts.items()}
    summaries = [fingerprint for fingerprint in fingerprints if fingerprint.kind == COLLECTION]
    if summaries:
        if len(summaries) != 1:
            raise MarketError(ErrorCode.FINGERPRINT_MALFORMED, "a collection has one summary")
        del of_kind[COLLECTION]
        summed = collection.counts_of(summaries[0].segment("kinds"))
        # Of empty files there are no fingerprints.
        empty = summed.pop(EMPTY, 0)
        if summed != of_kind:
            raise MarketError(ErrorCode.FINGERPRINT_MALFORMED, "the summary counts other items")
        items -= empty
    if sum(of_kind.values()) != items:
        raise MarketError(ErrorCode.COMMITMENT_MISMATCH, "intent, opening and fingerprints count different items")
