"""Payments for inquiries above the free quota: a committed transfer to the platform, which counts once."""

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, and_, func, select, upsert
from countermark.protocol.errors import ErrorCode, MarketError

_TRANSFER = "coin.transfer"


def take(connection: Connection, txid: str, *, payer: str, payee: str, least: int, purpose: str, now_ms: int) -> None:
    """Use up the payment ``txid`` in the caller's transaction; for the same ``purpose`` it may come again.

    It is a transfer by ``payer`` to ``payee`` of ``least`` minor units or more, of which nothing is given back.

    Raises:
        MarketError: PAYMENT_INVALID; the ledger has no such transfer, it is too small, or it was used otherwise.
    """
    paid = _amount(connection, txid, payer=payer, payee=payee)
    if paid is None:
        # Not committed, refused, something else or somebody else's: whoever asks learns no more of others' payments.
        raise MarketError(ErrorCode.PAYMENT_INVALID, "it is no committed transfer by this account to the platform")
    if paid < least:
        raise MarketError(ErrorCode.PAYMENT_INVALID, f"{paid} minor units were paid, and {least} are due")
    used = tables.search_payments
    row = {"tx_id": txid, "account": payer, "purpose": purpose, "used_ms": now_ms}
    statement = upsert(used).values(row).on_conflict_do_nothing().returning(used.c.tx_id)
    if connection.execute(statement).one_or_none() is not None:
        return
    earlier = connection.execute(select(used.c.purpose).where(used.c.tx_id == txid)).scalar_one()
    if earlier != purpose:
        raise MarketError(ErrorCode.PAYMENT_INVALID, "the payment was used before")


def _amount(connection: Connection, txid: str, *, payer: str, payee: str) -> int | None:
    """Return what the transfer ``txid`` by ``payer`` has brought ``payee``, None if there is no such transfer."""
    transactions, intents, coins = tables.transactions, tables.intents, tables.coins
    transfer = (
        select(intents.c.nonce)
        .join(
            transactions,
            and_(transactions.c.tx_id == intents.c.tx_id, transactions.c.block == intents.c.block),
        )
        .where(
            intents.c.signer == payer,
            intents.c.tx_id == txid,
            transactions.c.valid,
            transactions.c.function == _TRANSFER,
        )
    )
    if connection.execute(transfer).first() is None:
        return None
    received = select(func.coalesce(func.sum(coins.c.amount), 0)).where(
        coins.c.created_tx == txid, coins.c.owner == payee
    )
    return int(connection.execute(received).scalar_one())
