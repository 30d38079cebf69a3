"""The market configuration on the ledger: founded once, then changed by a majority, the supervisor among it."""

from countermark.chaincode import state
from countermark.chaincode.arguments import arguments, decimal
from countermark.chaincode.context import Answer, Reader, Transaction
from countermark.chaincode.records.market import Market
from countermark.chaincode.records.proposal import Proposal
from countermark.chaincode.shim.stub import Stub
from countermark.chaincode.voting import require_voter
from countermark.protocol import canonical, fields, market, market_rules, times
from countermark.protocol.commitments import PEPPER_BYTES
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.market import MarketConfig

FIRST_VERSION = 1


def founding_config(stub: Stub) -> MarketConfig:
    """Return the configuration with which `market.init` is called.

    Raises:
        MarketError: MALFORMED_REQUEST, MARKET_INVALID, or a field's own code.
    """
    (text,) = arguments(stub, 1)
    config = market.parse(canonical.loads(text))
    market_rules.check(config)
    if config.version != FIRST_VERSION:
        raise MarketError(ErrorCode.MARKET_INVALID, "a market begins with version 1")
    return config


async def init(tx: Transaction) -> Answer:
    """Found the market: configuration, first epoch, and the pepper of the transient map; once.

    Raises:
        MarketError: NOT_PERMITTED; MARKET_EXISTS; MARKET_INVALID without a pepper of 32 bytes.
    """
    if tx.rules.organisations.get(tx.stub.creator_mspid) not in ("platform", "supervisor"):
        raise MarketError(ErrorCode.NOT_PERMITTED, "only platform or supervisor may found the market")
    if await tx.find(state.MARKET) is not None:
        raise MarketError(ErrorCode.MARKET_EXISTS, "the market has been founded")
    pepper = tx.stub.transient.get("pepper", b"")
    if len(pepper) != PEPPER_BYTES:
        raise MarketError(ErrorCode.MARKET_INVALID, f"the transient map holds a pepper of {PEPPER_BYTES} bytes")
    tx.put_private(state.pepper(1), pepper)
    tx.put(state.PEPPER, {"version": 1})
    tx.put(state.EPOCH, {"n": 1, "ts": times.to_text(tx.now_ms)})
    return _in_force(tx, tx.rules)


async def propose(tx: Transaction) -> Answer:
    """Propose the next version of the configuration; the proposal is its organisation's approval too.

    Raises:
        MarketError: NOT_PERMITTED, WRONG_ACTOR; MARKET_INVALID or a field's own code; WRONG_STATE.
    """
    msp_id = require_voter(tx)
    config = market.parse(tx.params["config"])
    market_rules.check(config)
    _check_next(tx, config.version)
    document = config.to_json()
    proposal = Proposal(config.version, digest(state.encode(document)), document, tx.now_ms)
    if await tx.find(proposal.key) is not None:
        raise MarketError(ErrorCode.WRONG_STATE, "this configuration is proposed already")
    return _approve(tx, proposal, msp_id)


async def approve(tx: Transaction) -> Answer:
    """Approve a proposal for the signer's organisation; a majority with the supervisor starts the delay.

    Raises:
        MarketError: NOT_PERMITTED, WRONG_ACTOR; NOT_FOUND; WRONG_STATE.
    """
    msp_id = require_voter(tx)
    proposal = await _proposal(tx, tx.params["version"], tx.params["digest"])
    _check_next(tx, proposal.version)
    if msp_id in proposal.approvals:
        raise MarketError(ErrorCode.WRONG_STATE, "the organisation has approved already")
    return _approve(tx, proposal, msp_id)


async def enforce(tx: Transaction, version: str, proposed: str) -> Answer:
    """Put an approved proposal in force once its delay has passed; anyone may, and again without effect.

    Raises:
        MarketError: MALFORMED_REQUEST; NOT_FOUND; NOT_DUE; WRONG_STATE when another has become that version;
            MARKET_INVALID when the rules have become stricter since it was proposed.
    """
    number = decimal(version, FIRST_VERSION + 1, market.MAX_VERSION)
    proposal = await _proposal(tx, number, fields.digest(proposed))
    if digest(state.encode(tx.rules.to_json())) == proposal.digest:
        return Answer("market", str(proposal.version))
    _check_next(tx, proposal.version)
    tx.check_due(proposal.effective_ms, tx.rules.guard_s)
    config = MarketConfig.from_json(proposal.config)
    market_rules.check(config)
    return _in_force(tx, config)


async def show(reader: Reader) -> object:
    """Return the configuration in force, as `market.parse` reads it.

    Raises:
        MarketError: MARKET_MISSING.
    """
    return (await reader.config()).to_json()


def _in_force(tx: Transaction, config: MarketConfig) -> Answer:
    record = Market(tx.market, config).to_json()
    tx.put(state.MARKET, record)
    tx.put(state.market_version(config.version), record)
    return Answer("market", str(config.version))


def _check_next(tx: Transaction, version: int) -> None:
    if version != tx.rules.version + 1:
        raise MarketError(ErrorCode.WRONG_STATE, f"version {tx.rules.version} is in force; the next one follows it")


async def _proposal(tx: Transaction, version: int, proposed: str) -> Proposal:
    key = state.proposal(version, proposed)
    return Proposal.from_json(await tx.read(key, ErrorCode.NOT_FOUND, "there is no such proposal"))


def _approve(tx: Transaction, proposal: Proposal, msp_id: str) -> Answer:
    approved = proposal.approved(msp_id, tx.tx_id, tx.rules, tx.now_ms)
    tx.put(approved.key, approved.to_json())
    return Answer(approved.digest, "PROPOSED" if approved.effective_ms is None else "APPROVED")
