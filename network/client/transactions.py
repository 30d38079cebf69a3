"""What a client knows of a transaction: deadlines of its calls, the signed envelope, how it ended."""

from dataclasses import dataclass, field

from countermark.network.blocks import VALID, code_name
from countermark.network.client.errors import CommitError, EndorseError
from countermark.network.envelopes import EndorsedTransaction, Envelope, Proposal, sign_payload
from countermark.network.errors import NetworkError
from countermark.network.identities import SigningIdentity
from countermark.protocol.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines of the calls, in seconds, over all gateways that are asked."""

    evaluate: float = 10.0
    endorse: float = 20.0
    submit: float = 10.0
    commit_status: float = 60.0


@dataclass(frozen=True, slots=True)
class Endorsed:
    """A transaction that is endorsed and signed, ready to be submitted, any number of times."""

    tx_id: str
    envelope: bytes = field(repr=False)
    """common.Envelope."""
    result: bytes = field(repr=False)
    """What the function will have returned if the transaction commits."""


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """How a transaction ended."""

    tx_id: str
    block_number: int
    code: int

    @property
    def valid(self) -> bool:
        """True if the transaction changed the ledger."""
        return self.code == VALID

    @property
    def code_name(self) -> str:
        """Fabric's name of the validation code."""
        return code_name(self.code)

    def check(self) -> None:
        """Return if the transaction is valid.

        Raises:
            CommitError: It is not.
        """
        if not self.valid:
            raise CommitError(self.tx_id, self.code, self.block_number)


def sign_prepared(identity: SigningIdentity, proposal: Proposal, prepared: bytes) -> Endorsed:
    """Return the transaction that a gateway has prepared for `proposal` (common.Envelope), signed.

    Raises:
        EndorseError: It is another transaction. The gateway is another party's process: without this check it could
            have the client sign anything.
    """
    try:
        transaction = EndorsedTransaction.parse(Envelope.parse(prepared))
        _check(proposal, transaction)
        envelope = sign_payload(identity, transaction.envelope.payload)
    except NetworkError as error:
        raise EndorseError(
            ErrorCode.ENDORSEMENT_FAILED,
            f"the gateway's answer is not this transaction: {error}",
            tx_id=proposal.tx_id,
        ) from error
    return Endorsed(proposal.tx_id, envelope.serialized, transaction.response.outcome.response.payload)


def _check(proposal: Proposal, transaction: EndorsedTransaction) -> None:
    transaction.check_binding()
    if (transaction.header, transaction.public_payload) != (proposal.header, proposal.public_payload):
        raise NetworkError("wrong_transaction", "endorsed another proposal than the one that was sent")
    status = transaction.response.outcome.response.status
    if not 200 <= status < 400:
        raise NetworkError("failed_response", f"endorsed an answer with status {status}")
