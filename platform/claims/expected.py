"""Whose evidence is taken in: of who could claim a contract now, or answer for it; sixteen MiB are not for everybody.

What the contracts decide is theirs; this keeps out what they would refuse, as of the last block applied.
"""

from countermark.platform.claims.view import ClaimView, find_claim
from countermark.platform.contracts.market import load_market
from countermark.platform.store import coins, tables
from countermark.platform.store.sql import Connection, select
from countermark.protocol import claims, ids
from countermark.protocol.claims import ClaimActor
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent


def expected(connection: Connection, intent: Intent) -> str:
    """Return the id of the claim whose evidence comes with ``intent``, a `claim.open` or `claim.answer`.

    Raises:
        MarketError: UNKNOWN_CLAIM, UNKNOWN_LISTING, UNKNOWN_ACCOUNT, ACCOUNT_FROZEN; OWN_LISTING, LISTING_CLAIMED,
            WRONG_STATE, WRONG_ACTOR, WRONG_AMOUNT, INSUFFICIENT_FUNDS, COMMITMENT_MISMATCH.
    """
    opens = intent.action == "claim.open"
    claim = _opened(intent) if opens else str(intent.params["claim"])
    view = find_claim(connection, claim)
    if view is not None and view.state.final:
        raise MarketError(ErrorCode.WRONG_STATE, "the claim has ended")
    if view is not None and view.record["evidence"]["claimant" if opens else "owner"] == intent.params["evidence"]:
        # By the gateway of another organisation: the ledger has it, and the supervisor is to have it.
        return claim
    if opens:
        deposit = _check_contract(connection, intent)
    elif view is None:
        raise MarketError(ErrorCode.UNKNOWN_CLAIM, "there is no such claim")
    else:
        deposit = _check_answer(view, intent)
    _check_money(connection, intent, deposit)
    return claim


def _opened(intent: Intent) -> str:
    listing = intent.params["listing"]
    return ids.claim_id(market=intent.market, listing=listing, claimant=intent.signer, nonce=intent.nonce)


def _check_contract(connection: Connection, intent: Intent) -> int:
    contracts = tables.data_contracts
    this = contracts.c.address == intent.params["listing"]
    row = connection.execute(select(contracts.c.owner, contracts.c.record).where(this)).one_or_none()
    if row is None or row.record is None:
        raise MarketError(ErrorCode.UNKNOWN_LISTING, "there is no such listing")
    if row.owner == intent.signer:
        raise MarketError(ErrorCode.OWN_LISTING, "nobody claims what is his")
    if row.record["claim"]:
        raise MarketError(ErrorCode.LISTING_CLAIMED, "somebody claims the listing already")
    return load_market(connection).claims.deposit


def _check_answer(view: ClaimView, intent: Intent) -> int:
    if view.role(intent.signer) != "owner":
        raise MarketError(ErrorCode.WRONG_ACTOR, "claim.answer is for the owner")
    claims.find_claim_act(view.state, intent.action, frozenset({ClaimActor.OWNER}))
    return int(view.record["deposit"])


def _check_money(connection: Connection, intent: Intent, deposit: int) -> None:
    accounts = tables.accounts
    state = connection.execute(
        select(accounts.c.state).where(accounts.c.address == intent.signer)
    ).scalar_one_or_none()
    if state is None:
        raise MarketError(ErrorCode.UNKNOWN_ACCOUNT, f"{intent.signer} has not opened an account")
    if state != "OPEN":
        raise MarketError(ErrorCode.ACCOUNT_FROZEN, f"the account is {state}: it cannot act")
    if int(intent.params["deposit"]) != deposit:
        raise MarketError(ErrorCode.WRONG_AMOUNT, f"the deposit is {deposit}")
    if coins.balance(connection, intent.signer) < deposit:
        raise MarketError(ErrorCode.INSUFFICIENT_FUNDS, "the account does not hold the deposit")
