"""What is asked of the ledger (`Request`) and how far it has come (`Entry`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from countermark.platform.ports import Prepared
from countermark.protocol import canonical
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent


class State(StrEnum):
    """How far an attempt has come; the last three are final."""

    NEW = "NEW"
    """Saved; no signed envelope exists, so nothing can have been ordered."""
    ENDORSED = "ENDORSED"
    """The signed envelope is saved, and may have left."""
    SUBMITTED = "SUBMITTED"
    """An orderer has taken it, and how it ended is not known yet."""
    COMMITTED = "COMMITTED"
    """It is in a block and valid, or an earlier transaction has already done what the same intent asks."""
    INVALID = "INVALID"
    """It is dead: a block holds it as invalid, or a later attempt took its place before it was endorsed."""
    REFUSED = "REFUSED"
    """The chaincode or the orderers refused it, or it expired before it was ordered; nothing was ordered."""


OPEN_STATES = (State.NEW, State.ENDORSED, State.SUBMITTED)


@dataclass(frozen=True, slots=True)
class IntentKey:
    """What identifies an intent: never its JWS, whose signature is malleable."""

    signer: str
    nonce: str
    digest: str
    expires_ms: int

    @classmethod
    def of(cls, intent: Intent) -> Self:
        """Return the key of ``intent``."""
        return cls(intent.signer, intent.nonce, intent.digest, intent.expires_at_ms)


@dataclass(frozen=True, slots=True)
class Spend:
    """An amount in minor units that coins of `owner` must pay; which ones is chosen for each attempt."""

    owner: str
    amount: int


@dataclass(frozen=True, slots=True)
class Request:
    """A call of a contract function that writes.

    Attributes:
        args: For a function by intent the intent's JWS and canonical JSON of the unsigned attachments.
        transient: Data for the endorsers alone; sealed while it is kept.
        organisations: MSP ids that must endorse, beyond what the ledger chooses itself.
        spend: What must be paid; the ids of the coins go into the attachments as `coins`.
    """

    function: str
    args: tuple[bytes, ...] = field(repr=False)
    transient: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    organisations: tuple[str, ...] = ()
    intent: IntentKey | None = None
    spend: Spend | None = None

    @classmethod
    def by_intent(
        cls,
        intent: Intent,
        *,
        attachments: Mapping[str, Any] | None = None,
        transient: Mapping[str, bytes] | None = None,
        organisations: Sequence[str] = (),
        amount: int = 0,
    ) -> Self:
        """Return the request that `intent` makes; `amount` is what its signer's coins must pay."""
        return cls(
            intent.action,
            (intent.token.encode(), canonical.dumps(dict(attachments or {}))),
            transient=dict(transient or {}),
            organisations=tuple(organisations),
            intent=IntentKey.of(intent),
            spend=Spend(intent.signer, amount) if amount else None,
        )

    def paid_with(self, coins: Sequence[str]) -> tuple[bytes, ...]:
        """Return the arguments with `coins` attached."""
        if self.spend is None:
            return self.args
        token, attachments = self.args
        document = canonical.loads(attachments)
        return token, canonical.dumps(document | {"coins": list(coins)})


@dataclass(frozen=True, slots=True)
class Entry:
    """The newest attempt of a request, as of when it was read.

    Attributes:
        request_id: Our own id of the request, the same over all attempts.
        tx_id: Transaction id of this attempt.
        result: What the chaincode answered, canonical JSON; empty until endorsed.
        block_number: The block that holds it; None too where an earlier transaction had done it.
        validation: Fabric's validation code once a block holds it.
        error: Why it was refused or is invalid.
        tries: How often a driver has given this attempt up for the time being.
        holder: Who may drive it on, in the answer to whoever took the lease; else empty.
        prepared: A fresh proposal, in the memory of whoever made it.
        waits: Why whoever drove it just now had to let it rest, in his memory; the row stays open.
    """

    request_id: str
    tx_id: str
    attempt: int
    request: Request
    state: State
    envelope: bytes = field(repr=False)
    result: bytes
    block_number: int | None
    validation: int | None
    error: MarketError | None
    created_ms: int
    updated_ms: int
    tries: int = 0
    holder: str = field(default="", repr=False)
    prepared: Prepared | None = field(default=None, repr=False, compare=False)
    waits: ErrorCode | None = field(default=None, compare=False)

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in OPEN_STATES

    @property
    def replayed(self) -> bool:
        """Whether the chaincode answered with the first outcome of an intent that was used before."""
        if not self.result:
            return False
        document = canonical.loads(self.result, code=ErrorCode.INTERNAL)
        return isinstance(document, dict) and document.get("replayed") is True

    def moved(
        self,
        state: State,
        updated_ms: int,
        *,
        envelope: bytes | None = None,
        result: bytes | None = None,
        block_number: int | None = None,
        validation_code: int | None = None,
        error_code: str | None = None,
        error_detail: str | None = None,
        forget: bool = False,
    ) -> Self:
        """Return the entry as its row is with these columns written: nothing of it need come back from the server."""
        return replace(
            self,
            state=state,
            request=replace(self.request, transient={}) if forget else self.request,
            envelope=self.envelope if envelope is None else envelope,
            result=self.result if result is None else result,
            block_number=block_number,
            validation=validation_code,
            error=error_of(error_code, error_detail),
            updated_ms=updated_ms,
        )


def error_of(code: str | None, detail: str | None) -> MarketError | None:
    """Return the error of a row, None where it has none."""
    return None if code is None else MarketError(ErrorCode(code), detail or "")
