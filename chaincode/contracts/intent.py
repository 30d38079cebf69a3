"""Intents on the ledger: what became of one, and burning a nonce before it is used."""

from countermark.chaincode import state
from countermark.chaincode.context import Answer, Reader, Transaction
from countermark.protocol import accounts, fields
from countermark.protocol.errors import ErrorCode, MarketError


async def cancel(tx: Transaction) -> Answer:
    """Burn the nonce of one of the signer's intents, so that its outcome is known: it will never have one.

    Raises:
        MarketError: MALFORMED_INTENT for the intent's own nonce; INTENT_REPLAYED when the nonce has been used;
            INTENT_CANCELLED when it is burnt already.
    """
    nonce = tx.params["nonce"]
    if nonce == tx.intent.nonce:
        raise MarketError(ErrorCode.MALFORMED_INTENT, "an intent cannot cancel itself")
    key = state.intent(tx.signer, nonce)
    known = await tx.find(key)
    if known is not None and known["cancelled"]:
        raise MarketError(ErrorCode.INTENT_CANCELLED, "the nonce is cancelled already")
    if known is not None:
        raise MarketError(ErrorCode.INTENT_REPLAYED, "the intent has had its outcome")
    tx.put(key, {"cancelled": True, "digest": "", "response": None, "tx": tx.tx_id})
    return Answer(nonce, "CANCELLED", (tx.signer,))


async def show(reader: Reader, address: str, nonce: str) -> object:
    """Return what is stored of the intent with ``nonce`` by ``address``: digest, transaction, response.

    Raises:
        MarketError: NOT_FOUND, MALFORMED_ADDRESS, MALFORMED_REQUEST.
    """
    key = state.intent(accounts.parse_address(address), fields.nonce(nonce))
    return await reader.read(key, ErrorCode.NOT_FOUND, "no such intent has had an outcome")
