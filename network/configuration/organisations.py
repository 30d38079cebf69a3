"""Organisations of a channel: one more, one less, other anchor peers, other certificates of its authorities.

Each function returns the configuration as it is to be; `updates.compute_update` makes the way from the one to the
other.
"""

from collections.abc import Sequence
from typing import Any

from countermark.network.blocks.configs import ChannelConfig
from countermark.network.configuration.editing import (
    APPLICATION,
    ORDERER,
    changed,
    find_organisation,
    has_organisation,
    organisation_name,
)
from countermark.network.errors import ConfigurationError
from countermark.network.genesis import Endpoint, OrdererOrganisation, PeerOrganisation
from countermark.network.genesis.elements import set_value
from countermark.network.genesis.groups import (
    anchor_peers,
    orderer_addresses,
    orderer_organisation_group,
    peer_organisation_group,
)
from countermark.network.genesis.msps import msp_message
from countermark.network.identities import Msp


def with_organisation(config: ChannelConfig, organisation: PeerOrganisation) -> ChannelConfig:
    """Return `config` with one more organisation that runs peers.

    Raises:
        ConfigurationError: ``organisation_exists``.
    """
    return _added(config, APPLICATION, organisation.msp.msp_id, peer_organisation_group(organisation))


def without_organisation(config: ChannelConfig, msp_id: str) -> ChannelConfig:
    """Return `config` without an organisation that runs peers.

    Raises:
        ConfigurationError: ``unknown_organisation``; or it is the last one.
    """
    return _removed(config, APPLICATION, msp_id)


def with_orderer_organisation(config: ChannelConfig, organisation: OrdererOrganisation) -> ChannelConfig:
    """Return `config` with one more organisation that runs orderers; its consenters are still to be added.

    Raises:
        ConfigurationError: ``organisation_exists``.
    """
    return _added(config, ORDERER, organisation.msp.msp_id, orderer_organisation_group(organisation))


def without_orderer_organisation(config: ChannelConfig, msp_id: str) -> ChannelConfig:
    """Return `config` without an organisation that runs orderers; its consenters must have gone before.

    Raises:
        ConfigurationError: ``unknown_organisation``; or it is the last one.
    """
    return _removed(config, ORDERER, msp_id)


def with_anchor_peers(config: ChannelConfig, msp_id: str, endpoints: Sequence[Endpoint]) -> ChannelConfig:
    """Return `config` in which the organisation's peers are found by others at `endpoints`; by none if empty.

    Raises:
        ConfigurationError: ``unknown_organisation``.
    """

    def edit(root: Any) -> None:
        group = find_organisation(root, APPLICATION, msp_id)
        if endpoints:
            set_value(group, "AnchorPeers", anchor_peers(endpoints))
        else:
            group.values.pop("AnchorPeers", None)

    return changed(config, edit)


def with_orderer_endpoints(config: ChannelConfig, msp_id: str, endpoints: Sequence[Endpoint]) -> ChannelConfig:
    """Return `config` in which the organisation's orderers are reached at `endpoints`.

    Raises:
        ConfigurationError: ``unknown_organisation``.
    """
    return changed(
        config,
        lambda root: set_value(find_organisation(root, ORDERER, msp_id), "Endpoints", orderer_addresses(endpoints)),
    )


def with_msp(config: ChannelConfig, msp: Msp) -> ChannelConfig:
    """Return `config` with other certificates for the authorities of an organisation, wherever it stands.

    An authority that is replaced is added first and the old one taken away once nobody's certificate is of it.

    Raises:
        ConfigurationError: ``unknown_organisation``.
    """
    places = [place for place in (APPLICATION, ORDERER) if has_organisation(config.group, place, msp.msp_id)]
    if not places:
        raise ConfigurationError("unknown_organisation", f"{msp.msp_id} is not on channel {config.channel}")

    def edit(root: Any) -> None:
        for place in places:
            set_value(find_organisation(root, place, msp.msp_id), "MSP", msp_message(msp))

    return changed(config, edit)


def _added(config: ChannelConfig, place: str, msp_id: str, group: Any) -> ChannelConfig:
    if has_organisation(config.group, place, msp_id):
        raise ConfigurationError("organisation_exists", f"{msp_id} is on channel {config.channel} already")
    return changed(config, lambda root: root.groups[place].groups[msp_id].CopyFrom(group))


def _removed(config: ChannelConfig, place: str, msp_id: str) -> ChannelConfig:
    def edit(root: Any) -> None:
        name, groups = organisation_name(root, place, msp_id), root.groups[place].groups
        if len(groups) == 1:
            raise ConfigurationError("last_organisation", f"{msp_id} is the last one of {place}")
        del groups[name]

    return changed(config, edit)
