"""The supervisor's orders: who gives them, the legal hold on a contract, and the erasure that it stands against."""

from countermark.audit.acts import Act
from countermark.audit.errors import AuditError
from countermark.audit.records import Record
from countermark.protocol.market import MarketConfig


def require_supervisor(act: Act, rules: MarketConfig) -> None:
    """Check that the supervisor asks for ``act``, by his account and by a client of his organisation.

    Raises:
        AuditError: ``wrong_actor``.
    """
    if (act.signer, act.msp_id) != (rules.supervisor.account, rules.supervisor.msp_id):
        raise AuditError("wrong_actor", f"{act.signer} may not order this for the supervisor")


def held(act: Act, rules: MarketConfig, before: Record) -> Record:
    """Return what `listing.hold` or `listing.release` changes of the contract ``before``.

    Raises:
        AuditError: ``wrong_actor``; ``wrong_state`` where there is, or is not, such an order.
    """
    require_supervisor(act, rules)
    hold = act.function == "listing.hold"
    if bool(before.get("held")) is hold:
        raise AuditError("wrong_state", f"{act.function} of {before['address']} changes nothing")
    return {"held": hold or None}


def erased(act: Act, rules: MarketConfig, before: Record) -> Record:
    """Return what `listing.erase` by its owner changes of the contract ``before``, whose state allows it.

    Raises:
        AuditError: ``wrong_actor`` by an organisation that is no member of the collection; ``wrong_state`` when it is
            held, claimed, or erased already.
    """
    if rules.organisations.get(act.msp_id) not in ("platform", "supervisor"):
        raise AuditError("wrong_actor", f"a client of {act.msp_id} may not erase anything")
    if any(before.get(name) for name in ("held", "claim", "erased")):
        raise AuditError("wrong_state", f"{before['address']} may not be erased")
    return {"erased": True}
