"""Who speaks for an organisation when the market changes its own rules.

Platform, supervisor and issuers speak by the account that the market names. Any other organisation has no account
of its own, and its gateway submits what traders sign; so it speaks by its administrator's certificate, by which no
gateway submits.
"""

from cryptography import x509
from cryptography.x509.oid import NameOID

from countermark.chaincode.context import Transaction
from countermark.protocol.errors import ErrorCode, MarketError

ADMIN = "admin"
"""Organisational unit of administrators (Fabric's NodeOUs)."""


def require_voter(tx: Transaction) -> str:
    """Return the MSP for which the signer may vote.

    Raises:
        MarketError: NOT_PERMITTED, WRONG_ACTOR.
    """
    rules, msp_id = tx.rules, tx.stub.creator_mspid
    if msp_id not in rules.organisations:
        raise MarketError(ErrorCode.NOT_PERMITTED, "only an organisation of the market may change it")
    named = {party.msp_id: party.account for party in (rules.platform, rules.supervisor)}
    if msp_id in rules.issuers:
        named.setdefault(msp_id, rules.issuers[msp_id].account)
    if msp_id in named:
        if tx.signer != named[msp_id]:
            raise MarketError(ErrorCode.WRONG_ACTOR, "only the organisation's own account may vote for it")
    elif not _is_admin(tx.stub.creator_certificate):
        raise MarketError(ErrorCode.NOT_PERMITTED, "only the organisation's administrator may vote for it")
    return msp_id


def _is_admin(certificate: bytes) -> bool:
    # The peer has validated the certificate against the MSP; here only its unit is read.
    try:
        subject = x509.load_pem_x509_certificate(certificate).subject
    except ValueError:
        return False
    return any(unit.value == ADMIN for unit in subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME))
