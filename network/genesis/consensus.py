"""How orderers come to agree, as it stands in the channel's configuration: by Raft, or by BFT.

Raft keeps its cluster in the metadata of the consensus type, and any one orderer's signature makes a block. Under
BFT the cluster is a value of its own, each consenter under a number, and a block wants the signatures of a quorum of
them, whose certificates the policy of blocks names one by one.
"""

from collections.abc import Sequence
from typing import Any

from fabric_protos.common import configuration_pb2, policies_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2
from fabric_protos.orderer.smartbft import configuration_pb2 as smartbft_pb2

from countermark.network.blocks.policies import OutOf, SignedByIdentity, policy_bytes
from countermark.network.envelopes.wire import encode
from countermark.network.errors import ConfigurationError
from countermark.network.genesis.definition import Bft, Consenter, Raft
from countermark.network.genesis.elements import set_value
from countermark.network.genesis.policies import BLOCK_VALIDATION
from countermark.network.identities import SerializedIdentity


def set_consensus(orderer: Any, consensus: Raft | Bft, consenters: Sequence[Consenter]) -> None:
    """Have the group `orderer` (common.ConfigGroup), which has its policies, order by `consensus`.

    Raises:
        ConfigurationError: BFT lacks organisation or certificate of a consenter.
    """
    if isinstance(consensus, Raft):
        cluster = etcdraft_pb2.ConfigMetadata(
            consenters=[raft_consenter(one) for one in consenters], options=_raft_options(consensus)
        )
        kind, metadata = "etcdraft", encode(cluster)
    else:
        numbered = [bft_consenter(number, one) for number, one in enumerate(consenters, start=1)]
        set_bft_consenters(orderer, numbered)
        kind, metadata = "BFT", encode(_bft_options(consensus))
    set_value(orderer, "ConsensusType", orderer_pb2.ConsensusType(type=kind, metadata=metadata))


def raft_consenter(consenter: Consenter) -> Any:
    """Return `consenter` as etcdraft.Consenter."""
    return etcdraft_pb2.Consenter(
        host=consenter.endpoint.host,
        port=consenter.endpoint.port,
        client_tls_cert=consenter.client_tls_cert,
        server_tls_cert=consenter.server_tls_cert,
    )


def bft_consenter(number: int, consenter: Consenter) -> Any:
    """Return `consenter` as common.Consenter number `number`.

    Raises:
        ConfigurationError: Its organisation or its certificate is missing.
    """
    if not consenter.msp_id or not consenter.identity:
        detail = f"under BFT, organisation and certificate of {consenter.endpoint} must be given"
        raise ConfigurationError("incomplete_consenter", detail)
    return configuration_pb2.Consenter(
        id=number,
        host=consenter.endpoint.host,
        port=consenter.endpoint.port,
        msp_id=consenter.msp_id,
        identity=consenter.identity,
        client_tls_cert=consenter.client_tls_cert,
        server_tls_cert=consenter.server_tls_cert,
    )


def set_bft_consenters(orderer: Any, consenters: Sequence[Any]) -> None:
    """Have the group `orderer` name `consenters` (common.Consenter), and want a quorum of them for a block."""
    set_value(orderer, "Orderers", configuration_pb2.Orderers(consenter_mapping=consenters))
    identities = tuple(SignedByIdentity(SerializedIdentity(one.msp_id, one.identity)) for one in consenters)
    policy = policies_pb2.Policy(
        type=policies_pb2.Policy.SIGNATURE, value=policy_bytes(OutOf(bft_quorum(len(consenters)), identities))
    )
    orderer.policies[BLOCK_VALIDATION].policy.CopyFrom(policy)


def bft_quorum(count: int) -> int:
    """Return how many of `count` consenters sign each block: so many that any two quorums share an honest one."""
    faulty = (count - 1) // 3
    return (count + faulty) // 2 + 1


def _raft_options(raft: Raft) -> Any:
    return etcdraft_pb2.Options(
        tick_interval=f"{raft.tick_ms}ms",
        election_tick=raft.election_ticks,
        heartbeat_tick=raft.heartbeat_ticks,
        max_inflight_blocks=raft.max_inflight_blocks,
        snapshot_interval_size=raft.snapshot_interval_bytes,
    )


def _bft_options(bft: Bft) -> Any:
    return smartbft_pb2.Options(
        request_batch_max_interval=f"{bft.batch_interval_ms}ms",
        request_forward_timeout=f"{bft.forward_timeout_ms}ms",
        request_complain_timeout=f"{bft.complain_timeout_ms}ms",
        request_auto_remove_timeout="3m0s",
        view_change_resend_interval=f"{bft.view_change_resend_ms}ms",
        view_change_timeout=f"{bft.view_change_timeout_ms}ms",
        leader_heartbeat_timeout=f"{bft.heartbeat_timeout_ms}ms",
        leader_heartbeat_count=bft.heartbeat_count,
        collect_timeout="1s",
        incoming_message_buffer_size=200,
        request_pool_size=100_000,
        # Fabric forbids to change leaders by turns.
        leader_rotation=smartbft_pb2.Options.ROTATION_OFF,
    )
