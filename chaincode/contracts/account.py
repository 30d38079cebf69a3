"""Accounts: opened once, their encryption key rotated, frozen and released, recovered under a time lock."""

from dataclasses import replace

from countermark.chaincode import purse, state
from countermark.chaincode.context import Answer, Transaction
from countermark.chaincode.entities import read_account, read_listing
from countermark.chaincode.records.account import Account, AccountState, FrozenBy
from countermark.protocol.errors import ErrorCode, MarketError


async def open_account(tx: Transaction) -> Answer:
    """Open the signer's account, with his encryption key.

    Raises:
        MarketError: ACCOUNT_EXISTS; NOT_PERMITTED when the sponsor named is not the organisation that submits;
            MALFORMED_INTENT when the account would recover itself.
    """
    sponsor = tx.params.get("sponsor", "")
    if sponsor:
        tx.require_organisation(sponsor)
    if await tx.find(state.account(tx.signer)) is not None:
        raise MarketError(ErrorCode.ACCOUNT_EXISTS, "the account is opened already")
    if tx.params.get("recovery") == tx.signer:
        raise MarketError(ErrorCode.MALFORMED_INTENT, "an account cannot be its own recovery address")
    opened = Account(
        address=tx.signer,
        encryption_key=tx.params["encryption_key"],
        opened_at_ms=tx.now_ms,
        updated_at_ms=tx.now_ms,
        sponsor=sponsor,
        recovery=tx.params.get("recovery", ""),
    )
    return _write(tx, opened)


async def rotate_encryption_key(tx: Transaction) -> Answer:
    """Replace the signer's encryption key by its next version.

    Raises:
        MarketError: WRONG_STATE when the version is not the next one.
    """
    account, key = tx.account, tx.params["encryption_key"]
    if key["version"] != account.encryption_key["version"] + 1:
        raise MarketError(ErrorCode.WRONG_STATE, "a new encryption key has the next version")
    return _write(tx, replace(account, encryption_key=key))


async def freeze(tx: Transaction) -> Answer:
    """Stop all acts of an account, by its owner's wish or the supervisor's order; its trades run on their timers.

    The owner's way back is the recovery: whoever has stolen his key could also undo what is signed by it.

    Raises:
        MarketError: UNKNOWN_ACCOUNT; NOT_PERMITTED, for an owner without a recovery address too; WRONG_ACTOR;
            WRONG_STATE.
    """
    if tx.params["account"] == tx.signer:
        if not tx.account.recovery:
            raise MarketError(ErrorCode.NOT_PERMITTED, "without a recovery address there is no way back")
        return _write(tx, replace(tx.account, state=AccountState.FROZEN, frozen_by=FrozenBy.OWNER))
    account = await read_account(tx, tx.params["account"])
    tx.require_party(tx.rules.supervisor)
    if account.frozen_by.order or account.state is AccountState.RECOVERED:
        raise MarketError(ErrorCode.WRONG_STATE, "the account cannot act already")
    frozen_by = FrozenBy.BOTH if account.frozen_by.wish else FrozenBy.SUPERVISOR
    return _write(tx, replace(account, state=AccountState.FROZEN, frozen_by=frozen_by, deadline_ms=None))


async def release(tx: Transaction) -> Answer:
    """Take back the supervisor's order to freeze an account; what its owner has frozen himself stays frozen.

    Raises:
        MarketError: UNKNOWN_ACCOUNT; NOT_PERMITTED, WRONG_ACTOR; WRONG_STATE where there is no such order.
    """
    tx.require_party(tx.rules.supervisor)
    account = await read_account(tx, tx.params["account"])
    if not account.frozen_by.order:
        raise MarketError(ErrorCode.WRONG_STATE, "the account is not frozen by the supervisor's order")
    if account.frozen_by.wish:
        return _write(tx, replace(account, frozen_by=FrozenBy.OWNER))
    return _write(tx, replace(account, state=AccountState.OPEN, frozen_by=FrozenBy.NOBODY))


async def recover(tx: Transaction) -> Answer:
    """Begin, and after the time lock complete, the move of everything to the account's recovery address.

    The attached coins and listings of the old account become the signer's; a call moves what it names, so it may be
    repeated. What a trade pays to the old address later is moved in the same way.

    Raises:
        MarketError: UNKNOWN_ACCOUNT; WRONG_ACTOR; ACCOUNT_FROZEN by the supervisor; NOT_DUE; WRONG_STATE; a code of
            `purse.find_coin`; COIN_NOT_YOURS.
    """
    account = await read_account(tx, tx.params["account"])
    if tx.signer != account.recovery:
        raise MarketError(ErrorCode.WRONG_ACTOR, "only the account's recovery address may recover it")
    if account.frozen_by.order:
        raise MarketError(ErrorCode.ACCOUNT_FROZEN, "the supervisor has frozen the account")
    coins, listings = tx.attached("coins"), tx.attached("listings")
    if account.state in (AccountState.OPEN, AccountState.FROZEN):
        if coins or listings:
            raise MarketError(ErrorCode.NOT_DUE, "nothing moves before the time lock has run out")
        deadline_ms = tx.after(tx.rules.change_delay_s)
        return _write(tx, replace(account, state=AccountState.RECOVERING, deadline_ms=deadline_ms))
    if account.state is AccountState.RECOVERING:
        tx.check_due(account.deadline_ms, tx.rules.guard_s)
    elif not coins and not listings:
        raise MarketError(ErrorCode.WRONG_STATE, "the account is recovered; name what to move")
    await _move(tx, account.address, coins, listings)
    return _write(tx, replace(account, state=AccountState.RECOVERED, deadline_ms=None))


async def veto(tx: Transaction) -> Answer:
    """Stop a recovery within its time lock, by the old key, and let that address begin none again.

    Otherwise it could keep the account from acting for ever, one time lock after the other, and its trades would end
    as if their owner had fallen silent. Who has frozen his account has no veto left: his key may be in other hands.

    Raises:
        MarketError: UNKNOWN_ACCOUNT; WRONG_ACTOR; WRONG_STATE; ACCOUNT_FROZEN by its owner.
    """
    account = await read_account(tx, tx.params["account"])
    if tx.signer != account.address:
        raise MarketError(ErrorCode.WRONG_ACTOR, "only the account itself may veto its recovery")
    if account.state is not AccountState.RECOVERING:
        raise MarketError(ErrorCode.WRONG_STATE, "no recovery waits for a veto")
    if account.frozen_by.wish:
        raise MarketError(ErrorCode.ACCOUNT_FROZEN, "the owner has frozen the account himself")
    return _write(tx, replace(account, state=AccountState.OPEN, recovery="", deadline_ms=None))


async def _move(tx: Transaction, owner: str, coin_ids: list[str], addresses: list[str]) -> None:
    if len(set(coin_ids)) != len(coin_ids):
        raise MarketError(ErrorCode.COIN_SUPERFLUOUS, "a coin is named twice")
    coins = [await purse.find_coin(tx, coin_id) for coin_id in coin_ids]
    if any(coin.owner != owner for coin in coins):
        raise MarketError(ErrorCode.COIN_NOT_YOURS, "a coin belongs to somebody else")
    listings = [await read_listing(tx, address) for address in sorted(set(addresses))]
    for listing in listings:
        listing.check_owner(owner)
        tx.put(state.listing(listing.address), replace(listing, owner=tx.signer).to_json())
    purse.spend(tx, coin_ids)
    for coin in coins:
        purse.make(tx, tx.signer, coin.amount)


def _write(tx: Transaction, account: Account) -> Answer:
    tx.put(state.account(account.address), replace(account, updated_at_ms=tx.now_ms).to_json())
    return Answer(account.address, account.state, tuple(sorted({account.address, tx.signer})))
