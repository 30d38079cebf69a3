"""Signatures of an update: whose count, whose do not, and who is missing before anything is sent."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from countermark.network.blocks import ChannelConfig
from countermark.network.blocks.configs import apply_update, verify_signers
from countermark.network.configuration import (
    ConfigUpdate,
    UpdateSignature,
    check_complete,
    compute_update,
    merge_signatures,
    missing,
    sign_update,
    with_anchor_peers,
    with_batch,
    with_organisation,
)
from countermark.network.configuration.editing import changed
from countermark.network.errors import ConfigurationError
from countermark.network.genesis import Batch, PeerOrganisation
from countermark.network.identities import Organisation, Role, SigningIdentity
from tests.unit.network.consortium import Network, now_ms


@pytest.fixture
def join(config: ChannelConfig, joining: PeerOrganisation) -> ConfigUpdate:
    return compute_update(config, with_organisation(config, joining))


def merged(
    config: ChannelConfig, update: ConfigUpdate, *signatures: UpdateSignature, at_ms: int | None = None
) -> list[str]:
    """The organisations whose signatures count, in order."""
    signed, members = merge_signatures(config, update, signatures, at_ms=at_ms or now_ms())
    assert verify_signers(signed, config.members) == members, "peers find the same"
    return [one.msp_id for one in members]


def test_one_of_three_is_refused_and_names_who_is_missing(
    network: Network, config: ChannelConfig, join: ConfigUpdate
) -> None:
    signed, members = merge_signatures(config, join, [sign_update(join, network.admin("platform"))], at_ms=now_ms())
    (lack,) = missing(config, join, members)
    assert (lack.policy, lack.count) == ("/Channel/Application/Admins", 1)
    assert lack.msp_ids == ("SupervisorMSP", "TraderMSP")
    with pytest.raises(ConfigurationError, match="wants 1 more of SupervisorMSP, TraderMSP") as caught:
        check_complete(config, join, members)
    assert caught.value.code == "signatures_missing"
    with pytest.raises(ConfigurationError, match="update_not_signed"):
        apply_update(config, signed.update, members)


def test_two_of_three_are_enough(network: Network, config: ChannelConfig, join: ConfigUpdate) -> None:
    signatures = [sign_update(join, network.admin(name)) for name in ("platform", "trader")]
    signed, members = merge_signatures(config, join, signatures, at_ms=now_ms())
    check_complete(config, join, members)
    assert "NewcomerMSP" in apply_update(config, signed.update, members).organisations.msp_ids


def test_nobody_has_signed_and_two_are_missing(config: ChannelConfig, join: ConfigUpdate) -> None:
    (lack,) = missing(config, join, [])
    assert (lack.count, lack.msp_ids) == (2, ("PlatformMSP", "SupervisorMSP", "TraderMSP"))


def test_a_change_of_two_groups_wants_the_majority_of_each(
    network: Network, config: ChannelConfig, joining: PeerOrganisation
) -> None:
    update = compute_update(config, with_organisation(with_batch(config, Batch(max_messages=9)), joining))
    _, members = merge_signatures(config, update, [sign_update(update, network.admin("trader"))], at_ms=now_ms())
    assert [(lack.count, lack.msp_ids) for lack in missing(config, update, members)] == [
        (1, ("PlatformMSP", "SupervisorMSP")),
        (1, ("OrdererMSP",)),
    ]


def test_a_change_of_the_whole_channel_wants_a_majority_of_both_kinds(config: ChannelConfig) -> None:
    def edit(root: object) -> None:
        root.values["Capabilities"].value = b""  # type: ignore[attr-defined]  # protobuf has no stubs

    update = compute_update(config, changed(config, edit))
    assert [(lack.policy, lack.count, lack.msp_ids) for lack in missing(config, update, [])] == [
        ("/Channel/Admins", 2, ("PlatformMSP", "SupervisorMSP", "TraderMSP")),
        ("/Channel/Admins", 1, ("OrdererMSP",)),
    ]


def test_an_organisation_moves_its_own_anchor_peers_alone(network: Network, config: ChannelConfig) -> None:
    update = compute_update(config, with_anchor_peers(config, "TraderMSP", ()))
    (lack,) = missing(config, update, [])
    assert (lack.count, lack.msp_ids) == (1, ("TraderMSP",))
    _, members = merge_signatures(config, update, [sign_update(update, network.admin("trader"))], at_ms=now_ms())
    check_complete(config, update, members)
    _, others = merge_signatures(
        config,
        update,
        [sign_update(update, network.admin(name)) for name in ("platform", "supervisor")],
        at_ms=now_ms(),
    )
    with pytest.raises(ConfigurationError, match="1 more of TraderMSP"):
        check_complete(config, update, others)


def test_the_same_administrator_counts_once_however_often_he_signs(
    network: Network, config: ChannelConfig, join: ConfigUpdate
) -> None:
    once, again = (sign_update(join, network.admin("platform")) for _ in range(2))
    assert merged(config, join, once, again, once) == ["PlatformMSP"]


def test_two_administrators_of_one_organisation_are_one_organisation(
    network: Network, config: ChannelConfig, join: ConfigUpdate
) -> None:
    network.organisations["platform"].issue("second", Role.ADMIN)
    second = network.organisations["platform"].identity("second")
    signatures = [sign_update(join, network.admin("platform")), sign_update(join, second)]
    _, members = merge_signatures(config, join, signatures, at_ms=now_ms())
    assert len(members) == 2
    with pytest.raises(ConfigurationError, match="1 more of SupervisorMSP, TraderMSP"):
        check_complete(config, join, members)


# Signatures that do not hold

Make = Callable[[Network, ConfigUpdate, SigningIdentity], UpdateSignature]


def _of_another_update(network: Network, update: ConfigUpdate, newcomer: SigningIdentity) -> UpdateSignature:
    return sign_update(ConfigUpdate(update.channel, update.serialized + b"\x0a\x00"), network.admin("trader"))


def _moved_to_this_one(network: Network, update: ConfigUpdate, newcomer: SigningIdentity) -> UpdateSignature:
    return replace(_of_another_update(network, update, newcomer), digest=update.digest)


def _by_a_client(network: Network, update: ConfigUpdate, newcomer: SigningIdentity) -> UpdateSignature:
    return sign_update(update, network.client("trader"))


def _by_a_peer(network: Network, update: ConfigUpdate, newcomer: SigningIdentity) -> UpdateSignature:
    return sign_update(update, network.peer("trader"))


def _by_who_wants_to_join(network: Network, update: ConfigUpdate, newcomer: SigningIdentity) -> UpdateSignature:
    return sign_update(update, newcomer)


def _under_another_msp(network: Network, update: ConfigUpdate, newcomer: SigningIdentity) -> UpdateSignature:
    return sign_update(update, SigningIdentity("TraderMSP", newcomer.certificate_pem, newcomer.key))


def _named_as_another(network: Network, update: ConfigUpdate, newcomer: SigningIdentity) -> UpdateSignature:
    mine, his = (sign_update(update, network.admin(name)) for name in ("platform", "trader"))
    return replace(mine, header=his.header)


def _garbage(network: Network, update: ConfigUpdate, newcomer: SigningIdentity) -> UpdateSignature:
    return replace(sign_update(update, network.admin("trader")), header=b"\xff")


HOLLOW: dict[str, tuple[Make, str]] = {
    "of another update": (_of_another_update, "other_update"),
    "of another update, said to be of this one": (_moved_to_this_one, "bad_signature"),
    "by a client": (_by_a_client, "not_an_administrator"),
    "by a peer": (_by_a_peer, "not_an_administrator"),
    "by who wants to join": (_by_who_wants_to_join, "unknown_msp"),
    "under another MSP": (_under_another_msp, "untrusted_certificate"),
    "in another's name": (_named_as_another, "bad_signature"),
    "garbage": (_garbage, "malformed_message"),
}


@pytest.mark.parametrize("case", HOLLOW)
def test_a_signature_that_does_not_hold_is_refused_by_name(
    network: Network, config: ChannelConfig, fourth: Organisation, join: ConfigUpdate, case: str
) -> None:
    make, code = HOLLOW[case]
    good = sign_update(join, network.admin("platform"))
    with pytest.raises(ConfigurationError, match="signature by") as caught:
        merged(config, join, good, make(network, join, fourth.identity("admin")))
    assert caught.value.code == code


def test_an_administrator_whose_certificate_has_expired_signs_no_more(
    network: Network, config: ChannelConfig, join: ConfigUpdate
) -> None:
    signature = sign_update(join, network.admin("trader"))
    later = int((datetime.now(UTC) + timedelta(days=900)).timestamp() * 1000)
    assert merged(config, join, signature) == ["TraderMSP"]
    with pytest.raises(ConfigurationError, match="certificate_expired"):
        merged(config, join, signature, at_ms=later)
