"""What a peer says of a transaction when it commits the block (protos.TxValidationCode)."""

from fabric_protos.peer import transaction_pb2

VALID = 0
DUPLICATE_TXID = 9
ENDORSEMENT_POLICY_FAILURE = 10
MVCC_READ_CONFLICT = 11
PHANTOM_READ_CONFLICT = 12
NOT_VALIDATED = 254
"""The block comes from an orderer, or the peer has not looked at it."""


def code_name(code: int) -> str:
    """Return Fabric's name of validation code `code`, as in MVCC_READ_CONFLICT; UNKNOWN_<code> if it has none."""
    try:
        return str(transaction_pb2.TxValidationCode.Name(code))
    except ValueError:
        return f"UNKNOWN_{code}"
