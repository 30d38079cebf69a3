"""The policies of a channel's configuration: who may read, write, and change which part.

Organisations state theirs by role; the groups above take any one, or a majority, of those below.
"""

from typing import Any

from fabric_protos.common import configtx_pb2, policies_pb2

from countermark.network.blocks.policies import Policy, SignedBy, any_of, policy_bytes
from countermark.network.envelopes.wire import encode
from countermark.network.genesis.elements import ADMINS
from countermark.network.identities import Role

READERS, WRITERS = "Readers", "Writers"
ENDORSEMENT, LIFECYCLE_ENDORSEMENT, BLOCK_VALIDATION = "Endorsement", "LifecycleEndorsement", "BlockValidation"


READER_ROLES = (Role.PEER, Role.CLIENT, Role.ADMIN)
"""Roles in which members of an organisation that runs peers may read the channel."""

WRITER_ROLES = (Role.CLIENT, Role.ADMIN)
"""Roles in which they may write to it."""


def set_peer_organisation_policies(group: Any, msp_id: str) -> None:
    """Give `group` (common.ConfigGroup) the policies of an organisation that runs peers."""
    _signature(group, READERS, any_of(*(SignedBy(msp_id, role) for role in READER_ROLES)))
    _signature(group, WRITERS, any_of(*(SignedBy(msp_id, role) for role in WRITER_ROLES)))
    _signature(group, ADMINS, any_of(SignedBy(msp_id, Role.ADMIN)))
    _signature(group, ENDORSEMENT, any_of(SignedBy(msp_id, Role.PEER)))


def set_orderer_organisation_policies(group: Any, msp_id: str) -> None:
    """Give `group` the policies of an organisation that runs orderers; its writers are the nodes that sign blocks."""
    member, orderer, admin = SignedBy(msp_id, None), SignedBy(msp_id, Role.ORDERER), SignedBy(msp_id, Role.ADMIN)
    _signature(group, READERS, any_of(member))
    _signature(group, WRITERS, any_of(orderer, admin))
    _signature(group, ADMINS, any_of(admin))


def set_group_policies(group: Any, **further: tuple[str, str]) -> None:
    """Give `group` the usual three policies over its members', and `further` ones: name=(rule, sub-policy)."""
    usual = {READERS: ("ANY", READERS), WRITERS: ("ANY", WRITERS), ADMINS: ("MAJORITY", ADMINS)}
    for name, (rule, sub_policy) in {**usual, **further}.items():
        meta = policies_pb2.ImplicitMetaPolicy(
            sub_policy=sub_policy, rule=policies_pb2.ImplicitMetaPolicy.Rule.Value(rule)
        )
        _set(group, name, policies_pb2.Policy.IMPLICIT_META, encode(meta))


def _signature(group: Any, name: str, policy: Policy) -> None:
    _set(group, name, policies_pb2.Policy.SIGNATURE, policy_bytes(policy))


def _set(group: Any, name: str, kind: int, value: bytes) -> None:
    policy = policies_pb2.Policy(type=kind, value=value)
    group.policies[name].CopyFrom(configtx_pb2.ConfigPolicy(policy=policy, mod_policy=ADMINS))
