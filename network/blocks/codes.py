"""What a peer says of a transaction when it commits the block (protos.TxValidationCode)."""

from enum import IntEnum

from fabric_protos.peer import transaction_pb2


class Code(IntEnum):
    """The validation codes that occur in this system by name; Fabric has more."""

    VALID = 0
    BAD_PAYLOAD = 2
    BAD_COMMON_HEADER = 3
    BAD_CREATOR_SIGNATURE = 4
    INVALID_ENDORSER_TRANSACTION = 5
    BAD_PROPOSAL_TXID = 8
    DUPLICATE_TXID = 9
    ENDORSEMENT_POLICY_FAILURE = 10
    MVCC_READ_CONFLICT = 11
    PHANTOM_READ_CONFLICT = 12
    TARGET_CHAIN_NOT_FOUND = 14
    BAD_RWSET = 22
    ILLEGAL_WRITESET = 23
    INVALID_CHAINCODE = 25
    NOT_VALIDATED = 254
    """The block comes from an orderer, or the peer has not looked at it."""


VALID = Code.VALID
NOT_VALIDATED = Code.NOT_VALIDATED


def code_name(code: int) -> str:
    """Return Fabric's name of validation code `code`, as in MVCC_READ_CONFLICT; UNKNOWN_<code> if it has none."""
    try:
        return str(transaction_pb2.TxValidationCode.Name(code))
    except ValueError:
        return f"UNKNOWN_{code}"
