"""A chaincode's way onto the channel, as far as the organisations of one folder can go: run it again to go on.

Each step asks first whether it has been done. What is left is for organisations elsewhere; `Progress` names them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from countermark.network.client import GatewayClient, LedgerError
from countermark.network.lifecycle.approve import approve, approved_package
from countermark.network.lifecycle.commit import commit, committed, readiness
from countermark.network.lifecycle.endorser import PeerAccess
from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.lifecycle.install import install, installed
from countermark.network.lifecycle.package import Package
from countermark.network.lifecycle.patience import patiently
from countermark.network.lifecycle.wire import Agreement


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a definition has come."""

    sequence: int
    committed: bool
    missing: tuple[str, ...] = ()
    """MSP ids of the organisations that have not approved; some of them are still needed if it is not committed."""


def install_on(peers: Sequence[PeerAccess], package: Package) -> None:
    """Install `package` on those of `peers` that do not have it.

    Raises:
        LifecycleError: A peer refused.
    """
    for peer in peers:
        if package.id not in installed(peer):
            install(peer, package)


def bring_about(
    administrators: Sequence[GatewayClient], agreement: Agreement, *, sequence: int, package_id: str
) -> Progress:
    """Approve `agreement` for the organisations of `administrators`, and commit it once a majority has.

    Args:
        administrators: Of each organisation here, its administrator's client for `_lifecycle`.
        agreement: What the channel is to agree on.
        sequence: 1 for a new chaincode, one more for each change.
        package_id: What these organisations run.

    Raises:
        LifecycleError: Another definition has been committed with this sequence.
        LedgerError: A peer or an orderer refused, or gave no answer in time.
    """
    first = administrators[0]
    current = patiently(lambda: committed(first, agreement.name))
    if current is not None and current.sequence >= sequence and current.agreement != agreement:
        raise LifecycleError("other_definition", f"{agreement.name} has another definition {current.sequence}")
    for one in administrators:
        patiently(partial(_approve, administrators, one, agreement, sequence, package_id), anew=True)
    if current is not None and current.sequence >= sequence:
        return Progress(sequence, True)
    missing: tuple[str, ...] = ()
    try:
        approvals = patiently(lambda: readiness(first, agreement, sequence=sequence))
    except LedgerError:
        # The question has no answer any more if another organisation's administrator has committed at this moment.
        if not patiently(lambda: _in_force(first, agreement, sequence)):
            raise
    else:
        missing = tuple(sorted(msp_id for msp_id, approved in approvals.items() if not approved))
        if len(missing) * 2 >= len(approvals):
            return Progress(sequence, False, missing)
        agreed = [msp_id for msp_id, approved in approvals.items() if approved]
        patiently(lambda: _commit(first, agreement, sequence, agreed), anew=True)
    for other in administrators[1:]:
        patiently(partial(_check_known, other, agreement.name, sequence))
    return Progress(sequence, True, missing)


def _approve(
    all_here: Sequence[GatewayClient], own: GatewayClient, agreement: Agreement, sequence: int, package_id: str
) -> None:
    """Approve for the organisation of `own`; what other organisations do at this moment may make it a second try."""
    if approved_package(own, agreement.name, sequence=sequence) == package_id:
        return
    approval = approve(own, agreement, sequence=sequence, package_id=package_id)
    patiently(lambda: own.submit(approval.tx_id, approval.envelope))
    # Peers of all organisations here are to endorse the commit next, and agree only if all have the approval.
    for one in all_here:
        one.commit_status(approval.tx_id).check()


def _commit(lifecycle: GatewayClient, agreement: Agreement, sequence: int, approved: Sequence[str]) -> None:
    """Commit the definition, unless another organisation's administrator has done it at this moment."""
    if _in_force(lifecycle, agreement, sequence):
        return
    transaction = commit(lifecycle, agreement, sequence=sequence, organisations=approved)
    patiently(lambda: lifecycle.submit(transaction.tx_id, transaction.envelope))
    lifecycle.commit_status(transaction.tx_id).check()


def _in_force(lifecycle: GatewayClient, agreement: Agreement, sequence: int) -> bool:
    current = committed(lifecycle, agreement.name)
    return current is not None and current.sequence == sequence and current.agreement == agreement


def _check_known(lifecycle: GatewayClient, name: str, sequence: int) -> None:
    """Return when this organisation's peer has the definition too: its clients may be next."""
    current = committed(lifecycle, name)
    if current is None or current.sequence < sequence:
        raise LifecycleError("not_yet", f"{lifecycle.profile.gateway} does not have the definition yet")
