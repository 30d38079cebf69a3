"""What makes a block believable, each check by itself and without a network.

A reader who holds the consortium's root certificates and the hash of the genesis block needs nothing else: the chain
fixes order and content, orderers sign each header, creators sign their transactions, endorsers sign what they found.
Validation codes are not signed; whoever wants to be sure of them replays reads against writes. No clock is asked:
see `identities.msps`.
"""

from collections.abc import Callable

from fabric_protos.common import common_pb2

from countermark.network.blocks.configs import ChannelConfig
from countermark.network.blocks.hashes import data_hash
from countermark.network.blocks.policies import AnyPolicy, satisfied
from countermark.network.blocks.values import Block, OrdererSignature, Transaction
from countermark.network.envelopes import EndorsedTransaction, Endorsement
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import BlockError, EnvelopeError, IdentityError, NetworkError
from countermark.network.identities import Consortium, Member, Role, SerializedIdentity


def verify_link(block: Block, *, number: int, previous_hash: bytes) -> None:
    """Check that `block` is number `number` and follows the block whose header hash is `previous_hash`.

    Raises:
        BlockError: It is another block, or follows another one.
    """
    if block.number != number:
        raise BlockError("wrong_number", f"expected block {number}", block=block.number)
    if block.previous_hash != previous_hash:
        raise BlockError("broken_chain", "does not follow the block before", block=block.number)


def verify_data_hash(block: Block) -> None:
    """Check that the header is about these transactions.

    The hash is over the envelopes one after the other and fixes their bytes, not where one ends. So each must be an
    envelope and nothing else, or a forger could join or split them and call what comes out invalid. A configuration
    alone in its block is exempt, as in Fabric: that of block 0 nobody signs.

    Raises:
        BlockError: A transaction was changed, added, dropped, moved, joined to another or cut in two.
    """
    if not block.transactions:
        raise BlockError("not_well_formed", "a block without transactions", block=block.number)
    if [transaction.kind for transaction in block.transactions] != ["config"]:
        for transaction in block.transactions:
            try:
                check_well_formed(transaction.raw)
            except EnvelopeError as error:
                position = transaction.position
                raise BlockError(error.code, error.detail, block=block.number, transaction=position) from error
    if data_hash(transaction.raw for transaction in block.transactions) != block.data_hash:
        raise BlockError("data_hash_mismatch", "the header is of other transactions", block=block.number)


def check_well_formed(raw: bytes) -> None:
    """Check that `raw` is one envelope, signed and in the one encoding that its parts have.

    The rule is Fabric's (`VerifyTransactionsAreWellFormed` of its protoutil), by which peers refuse a block.

    Raises:
        EnvelopeError: ``not_well_formed``.
    """
    try:
        envelope = decode(common_pb2.Envelope, raw, "envelope")
    except EnvelopeError as error:
        raise EnvelopeError("not_well_formed", error.detail) from error
    if not envelope.payload or not envelope.signature:
        raise EnvelopeError("not_well_formed", "an envelope without payload or signature")
    if encode(envelope) != raw:
        raise EnvelopeError("not_well_formed", "more than one envelope, or one in another encoding")


def verify_orderers(block: Block, config: ChannelConfig) -> tuple[Member, ...]:
    """Return the orderers who signed `block`, enough of them for the channel as `config` has it.

    `config` is the configuration before the block: what a block changes holds from the next one on. A genesis block
    has no signatures: it is known by its hash. Under BFT a signature names its consenter by number.

    Raises:
        BlockError: Too few orderers signed, or whose signatures it takes cannot be told.
    """
    signers: dict[tuple[str, bytes], Member] = {}
    problem = "nobody signed"
    for one in block.orderer_signatures:
        try:
            identity = _orderer(one, config)
            identity.verify(one.signature, block.signed_metadata + one.header + block.header_bytes)
            member = config.orderers.member(identity)
        except NetworkError as error:
            problem = str(error)
            continue
        if member.role is Role.ORDERER:
            signers[member.msp_id, member.fingerprint] = member
    try:
        enough = satisfied(config.block_validation, tuple(signers.values()))
    except NetworkError as error:
        raise BlockError(error.code, error.detail, block=block.number) from error
    # Where there are no orderers, Fabric's policy would be met by nobody's signature.
    if not enough or not signers:
        detail = f"too few orderers signed: {len(signers)} ({problem})"
        raise BlockError("orderer_signature", detail, block=block.number)
    return tuple(signers.values())


def _orderer(signature: OrdererSignature, config: ChannelConfig) -> SerializedIdentity:
    if signature.consenter is None:
        return SerializedIdentity.parse(signature.creator)
    if signature.consenter not in config.consenters:
        raise IdentityError("unknown_consenter", f"no consenter has the number {signature.consenter}")
    return config.consenters[signature.consenter]


def verify_creator(block: int, transaction: Transaction, consortium: Consortium) -> Member:
    """Return the member who made `transaction` of block number `block`, his signature and its id checked.

    Raises:
        BlockError: The envelope is unreadable, not signed by its creator, or his MSP does not accept him.
    """
    envelope = transaction.envelope
    if envelope is None:
        raise BlockError("unreadable", "no envelope", block=block, transaction=transaction.position)
    try:
        envelope.header.check_tx_id()
        envelope.verify_signature()
        return consortium.member(envelope.header.identity)
    except NetworkError as error:
        raise BlockError(error.code, error.detail, block=block, transaction=transaction.position) from error


def endorsing_members(
    endorsed: EndorsedTransaction,
    recognise: Callable[[bytes], Member],
    verify: Callable[[Endorsement, bytes], object] = Endorsement.verify,
) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """Return the members whose endorsements of `endorsed` hold, and what is wrong with the others.

    As on a peer, an endorsement that does not hold is left out, and the same endorser counts once, in however many
    ways his certificate is written. `recognise` returns the member that a serialized identity is; `verify` refuses a
    signature over a response payload that is not the endorser's.
    """
    members: dict[tuple[str, bytes], Member] = {}
    refused = []
    for endorsement in endorsed.endorsements:
        try:
            member = recognise(endorsement.endorser)
            verify(endorsement, endorsed.response.serialized)
        except NetworkError as error:
            refused.append(str(error))
            continue
        members[member.msp_id, member.fingerprint] = member
    return tuple(members.values()), tuple(refused)


def verify_endorsements(
    block: int, transaction: Transaction, consortium: Consortium, policy: AnyPolicy
) -> tuple[Member, ...]:
    """Return the peers that endorsed `transaction` of block number `block`, enough of them for `policy`.

    Whoever submits a transaction can append signatures of his own: only peers speak for what a chaincode found.

    Raises:
        BlockError: The parts do not belong together, or the endorsements that hold do not meet the policy.
    """
    position = transaction.position
    endorsed = transaction.endorsed
    if endorsed is None:
        raise BlockError("not_endorsed", "not an endorsed transaction", block=block, transaction=position)
    try:
        endorsed.check_binding()
    except NetworkError as error:
        raise BlockError(error.code, error.detail, block=block, transaction=position) from error
    signers, refused = endorsing_members(
        endorsed, lambda serialized: consortium.member(SerializedIdentity.parse(serialized))
    )
    if not satisfied(policy, signers):
        names = ", ".join(sorted(f"{member.msp_id}.{member.role}" for member in signers)) or "nobody"
        detail = "; ".join([f"endorsed by {names} only", *refused])
        raise BlockError("endorsement_policy", detail, block=block, transaction=position)
    return tuple(member for member in signers if member.role is Role.PEER)
