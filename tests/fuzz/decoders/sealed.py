"""Messages sealed to the platform: their envelope, and what a stranger may put into a good one."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from countermark.protocol import parts
from countermark.protocol.claim_papers import EVIDENCE_KIND, Evidence
from countermark.protocol.errors import MarketError
from countermark.protocol.sealed import open_sealed, seal
from tests.fuzz import jsonwise
from tests.fuzz.decoder import Decoder
from tests.fuzz.decoders import applications, messages
from tests.fuzz.parties import BUYER, LISTING, MARKET, PLATFORM_ENCRYPTION

_PART = next(parts.plaintexts([b"a fingerprint", b"another"]))

_EVIDENCE = Evidence(BUYER.address, LISTING, "It is mine", (("original.tif", bytes(range(256))),)).to_bytes()

_KINDS: Mapping[str, tuple[Callable[[Random], bytes], Callable[[bytes], object]]] = {
    "listing": (applications.make, applications.read),
    # Latin-1 has a character for every byte: readers must refuse what is not ASCII by themselves.
    "notice": (lambda random: _bytes(messages.make_notice(random)), lambda data: messages.read_notice(_text(data))),
    "search": (lambda random: _bytes(messages.make_search(random)), lambda data: messages.read_search(_text(data))),
    EVIDENCE_KIND: (lambda random: jsonwise.change(random, _EVIDENCE, [_EVIDENCE]), Evidence.from_bytes),
    parts.KIND: (lambda random: jsonwise.change(random, _PART, [_PART]), parts.parse),
}


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "surrogateescape")


def _text(plaintext: bytes) -> str:
    return plaintext.decode("latin-1")


def _make(random: Random) -> tuple[str, Any]:
    kind = random.choice(list(_KINDS))
    plaintext = _KINDS[kind][0](random)
    message: Any = seal(PLATFORM_ENCRYPTION.public, plaintext, kind=kind, market=MARKET, key_version=1)
    if random.random() < 0.5:
        message = _changed(random, message)
    return kind, message


def _changed(random: Random, message: dict[str, Any]) -> Any:
    spelled = jsonwise.spell(message)
    changed = jsonwise.change(random, spelled, [spelled])
    try:
        return json.loads(changed)
    except (ValueError, RecursionError):
        # What is no JSON does not come as far as this; the decoder of documents sees it.
        return changed.decode("utf-8", "replace")


def _read(case: tuple[str, Any]) -> None:
    kind, message = case
    _KINDS[kind][1](open_sealed({1: PLATFORM_ENCRYPTION}, message, kind=kind, market=MARKET))


def decoder() -> Decoder:
    """Return the decoder of sealed messages of the kinds that the gateway takes, or keeps for the supervisor."""
    return Decoder(_make, _read, (MarketError,))
