"""The consenters of a channel: orderers that take part in ordering, under Raft or under BFT.

One at a time: Raft refuses to add or to replace more at once. An orderer that is added joins the channel with a block
that names it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from fabric_protos.common import configuration_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2

from countermark.network.blocks.configs import ChannelConfig
from countermark.network.configuration.editing import ORDERER, changed
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import ConfigurationError
from countermark.network.genesis import Consenter, Endpoint
from countermark.network.genesis.consensus import bft_consenter, raft_consenter, set_bft_consenters
from countermark.network.genesis.elements import set_value


def consenters(config: ChannelConfig) -> tuple[Consenter, ...]:
    """Return the consenters of `config`, in their order."""
    _, wire = _read(config.group.groups[ORDERER])
    return tuple(_consenter(one) for one in wire)


def with_consenter(config: ChannelConfig, consenter: Consenter) -> ChannelConfig:
    """Return `config` with one more consenter; its organisation must be one that runs orderers.

    Raises:
        ConfigurationError: ``consenter_exists``; or BFT lacks its organisation or certificate.
    """

    def edit(orderer: Any) -> None:
        bft, wire = _read(orderer)
        if any(_endpoint(one) == consenter.endpoint for one in wire):
            raise ConfigurationError("consenter_exists", f"{consenter.endpoint} is a consenter already")
        number = max((one.id for one in wire), default=0) + 1 if bft else 0
        _write(orderer, [*wire, bft_consenter(number, consenter) if bft else raft_consenter(consenter)])

    return _changed(config, edit)


def without_consenter(config: ChannelConfig, endpoint: Endpoint) -> ChannelConfig:
    """Return `config` in which the orderer at `endpoint` takes no part in ordering any more.

    Raises:
        ConfigurationError: ``unknown_consenter``; or it is the last one.
    """

    def edit(orderer: Any) -> None:
        _, wire = _read(orderer)
        gone = _find(wire, endpoint)
        if len(wire) == 1:
            raise ConfigurationError("last_consenter", f"{endpoint} is the last consenter")
        _write(orderer, [one for one in wire if one is not gone])

    return _changed(config, edit)


def with_consenter_certificates(
    config: ChannelConfig, endpoint: Endpoint, *, client: bytes, server: bytes, identity: bytes = b""
) -> ChannelConfig:
    """Return `config` with other certificates (PEM) of the consenter at `endpoint`.

    Args:
        config: The configuration.
        endpoint: Where the consenter listens.
        client: With which it calls the others.
        server: Which it shows when called.
        identity: With whose key it signs blocks; empty leaves it as it is. Raft has no place for it.

    Raises:
        ConfigurationError: ``unknown_consenter``.
    """

    def edit(orderer: Any) -> None:
        bft, wire = _read(orderer)
        found = _find(wire, endpoint)
        found.client_tls_cert, found.server_tls_cert = client, server
        if bft and identity:
            found.identity = identity
        _write(orderer, wire)

    return _changed(config, edit)


def _changed(config: ChannelConfig, edit: Callable[[Any], None]) -> ChannelConfig:
    return changed(config, lambda root: edit(root.groups[ORDERER]))


def _read(orderer: Any) -> tuple[bool, list[Any]]:
    """Return whether orderers agree by BFT, and the consenters as they stand there."""
    consensus = decode(orderer_pb2.ConsensusType, orderer.values["ConsensusType"].value, "consensus type")
    if consensus.type == "BFT":
        mapping = decode(configuration_pb2.Orderers, orderer.values["Orderers"].value, "consenters")
        return True, list(mapping.consenter_mapping)
    if consensus.type != "etcdraft":
        raise ConfigurationError("unsupported_consensus", f"orderers agree by {consensus.type!r}")
    return False, list(decode(etcdraft_pb2.ConfigMetadata, consensus.metadata, "Raft metadata").consenters)


def _write(orderer: Any, wire: Sequence[Any]) -> None:
    consensus = decode(orderer_pb2.ConsensusType, orderer.values["ConsensusType"].value, "consensus type")
    if consensus.type == "BFT":
        set_bft_consenters(orderer, wire)
        return
    metadata = decode(etcdraft_pb2.ConfigMetadata, consensus.metadata, "Raft metadata")
    cluster = etcdraft_pb2.ConfigMetadata(consenters=wire, options=metadata.options)
    consensus.metadata = encode(cluster)
    set_value(orderer, "ConsensusType", consensus)


def _find(wire: Sequence[Any], endpoint: Endpoint) -> Any:
    for one in wire:
        if _endpoint(one) == endpoint:
            return one
    known = ", ".join(str(_endpoint(one)) for one in wire)
    raise ConfigurationError("unknown_consenter", f"{endpoint} is none of {known}")


def _endpoint(wire: Any) -> Endpoint:
    return Endpoint(wire.host, wire.port)


def _consenter(wire: Any) -> Consenter:
    endpoint = _endpoint(wire)
    if isinstance(wire, configuration_pb2.Consenter):
        return Consenter(endpoint, wire.client_tls_cert, wire.server_tls_cert, wire.msp_id, wire.identity)
    return Consenter(endpoint, wire.client_tls_cert, wire.server_tls_cert)
