"""Updates: computed as Fabric's own tool does, applied as its orderers do, and described from their own bytes."""

from collections.abc import Callable, Iterator

import pytest
from fabric_protos.common import configtx_pb2

from countermark.network.blocks import ChannelConfig
from countermark.network.blocks.configs import apply_update, parse_config, preview_update
from countermark.network.configuration import (
    ConfigUpdate,
    compute_update,
    describe,
    needed,
    with_anchor_peers,
    with_batch,
    with_consenter,
    with_msp,
    with_organisation,
    without_organisation,
)
from countermark.network.configuration.editing import changed
from countermark.network.configuration.wording import fingerprint
from countermark.network.errors import ConfigurationError
from countermark.network.genesis import Batch, Consenter, Endpoint, PeerOrganisation
from countermark.network.identities import Member, Msp, Organisation, Role
from tests.unit.network.consortium import CHANNEL

APPLICATION_ADMINS, ORDERER_ADMINS = "/Channel/Application/Admins", "/Channel/Orderer/Admins"
EDITS: dict[str, Callable[[ChannelConfig, PeerOrganisation], ChannelConfig]] = {
    "join": with_organisation,
    "leave": lambda config, _: without_organisation(config, "TraderMSP"),
    "batch": lambda config, _: with_batch(config, Batch(max_messages=9)),
    "anchors": lambda config, _: with_anchor_peers(config, "TraderMSP", (Endpoint("peer", 1),)),
    "no anchors": lambda config, _: with_anchor_peers(config, "TraderMSP", ()),
    "consenter": lambda config, _: with_consenter(config, Consenter(Endpoint("o", 1), b"c", b"s")),
    "join and batch": lambda config, joining: with_organisation(with_batch(config, Batch(timeout_ms=1)), joining),
    "authority": lambda config, joining: with_msp(config, Msp("TraderMSP", joining.msp.root_certs)),
}
NEEDED = {
    "join": (APPLICATION_ADMINS,),
    "leave": (APPLICATION_ADMINS,),
    "batch": (ORDERER_ADMINS,),
    "anchors": ("/Channel/Application/TraderMSP/Admins",),
    "no anchors": ("/Channel/Application/TraderMSP/Admins",),
    "consenter": (ORDERER_ADMINS,),
    "join and batch": (APPLICATION_ADMINS, ORDERER_ADMINS),
    "authority": ("/Channel/Application/TraderMSP/Admins",),
}
by_edit = pytest.mark.parametrize("edit", EDITS)


def admins(*msp_ids: str) -> list[Member]:
    return [Member(msp_id, Role.ADMIN, "admin", msp_id.encode()) for msp_id in msp_ids]


EVERYBODY = admins("PlatformMSP", "SupervisorMSP", "TraderMSP", "OrdererMSP")


def wire(update: ConfigUpdate) -> configtx_pb2.ConfigUpdate:
    return configtx_pb2.ConfigUpdate.FromString(update.serialized)


def unversioned(group: configtx_pb2.ConfigGroup) -> configtx_pb2.ConfigGroup:
    """The same tree without versions."""
    copy = configtx_pb2.ConfigGroup()
    copy.CopyFrom(group)

    def clear(one: configtx_pb2.ConfigGroup) -> None:
        one.version = 0
        for element in (*one.values.values(), *one.policies.values()):
            element.version = 0
        for below in one.groups.values():
            clear(below)

    clear(copy)
    return copy


@by_edit
def test_what_an_update_makes_of_the_one_configuration_is_the_other(
    config: ChannelConfig, joining: PeerOrganisation, edit: str
) -> None:
    after = EDITS[edit](config, joining)
    update = compute_update(config, after)
    made = apply_update(config, update.serialized, EVERYBODY)
    assert unversioned(made.group) == unversioned(after.group)
    assert (made.channel, made.sequence) == (CHANNEL, 1)
    assert made.organisations.msp_ids == after.organisations.msp_ids


@by_edit
def test_an_update_wants_the_policies_of_what_it_changes_and_no_others(
    config: ChannelConfig, joining: PeerOrganisation, edit: str
) -> None:
    assert needed(config, compute_update(config, EDITS[edit](config, joining))) == NEEDED[edit]


@by_edit
def test_an_update_cannot_be_made_twice(config: ChannelConfig, joining: PeerOrganisation, edit: str) -> None:
    update = compute_update(config, EDITS[edit](config, joining))
    once = preview_update(config, update.serialized)
    with pytest.raises(ConfigurationError, match="stale_update"):
        preview_update(once, update.serialized)


def test_a_join_names_all_members_of_the_group_and_reads_nothing_of_the_rest(
    config: ChannelConfig, joining: PeerOrganisation
) -> None:
    update = wire(compute_update(config, with_organisation(config, joining)))
    read, write = update.read_set, update.write_set
    assert (read.version, write.version) == (0, 0)
    assert set(read.groups) == set(write.groups) == {"Application"}
    before, after = read.groups["Application"], write.groups["Application"]
    assert (before.version, after.version, after.mod_policy) == (0, 1, "Admins")
    assert set(before.groups) == {"PlatformMSP", "SupervisorMSP", "TraderMSP"}
    assert set(after.groups) - set(before.groups) == {"NewcomerMSP"}
    assert not before.groups["TraderMSP"].values, "of what stays the same only the version is named"
    assert set(after.policies) == {"Admins", "Readers", "Writers", "Endorsement", "LifecycleEndorsement"}
    assert after.policies["Admins"] == configtx_pb2.ConfigPolicy(version=0)


def test_a_changed_value_alone_raises_its_own_version_and_no_groups(config: ChannelConfig) -> None:
    update = wire(compute_update(config, with_batch(config, Batch(timeout_ms=200, max_messages=9))))
    orderer = update.write_set.groups["Orderer"]
    assert (update.write_set.version, orderer.version, orderer.mod_policy) == (0, 0, "")
    assert {name: value.version for name, value in orderer.values.items()} == {"BatchSize": 1}
    assert not update.read_set.groups["Orderer"].values


def test_two_changes_of_different_parts_may_cross(config: ChannelConfig, joining: PeerOrganisation) -> None:
    join = compute_update(config, with_organisation(config, joining))
    batch = compute_update(config, with_batch(config, Batch(max_messages=9)))
    after = preview_update(preview_update(config, batch.serialized), join.serialized)
    assert "NewcomerMSP" in after.organisations.msp_ids


def test_two_changes_of_the_same_part_may_not(config: ChannelConfig, joining: PeerOrganisation) -> None:
    join = compute_update(config, with_organisation(config, joining))
    leave = compute_update(config, without_organisation(config, "TraderMSP"))
    with pytest.raises(ConfigurationError, match="stale_update"):
        preview_update(preview_update(config, leave.serialized), join.serialized)


def test_no_difference_is_no_update(config: ChannelConfig) -> None:
    with pytest.raises(ConfigurationError, match="no_difference"):
        compute_update(config, with_batch(config, Batch(timeout_ms=200)))


def test_an_update_of_another_channel_is_refused(config: ChannelConfig) -> None:
    other = parse_config("other", 0, with_batch(config, Batch(max_messages=9)).group)
    with pytest.raises(ConfigurationError, match="other_channel"):
        compute_update(config, other)
    update = compute_update(parse_config("other", 0, config.group), other)
    with pytest.raises(ConfigurationError, match="other_channel"):
        preview_update(config, update.serialized)


# What somebody may write into the bytes of an update


def _version_skipped(update: configtx_pb2.ConfigUpdate) -> None:
    update.write_set.groups["Application"].version = 2


def _nothing_read(update: configtx_pb2.ConfigUpdate) -> None:
    update.read_set.Clear()


def _newcomer_not_new(update: configtx_pb2.ConfigUpdate) -> None:
    update.write_set.groups["Application"].groups["NewcomerMSP"].version = 1


def _changed_by_nobody(update: configtx_pb2.ConfigUpdate) -> None:
    update.write_set.groups["Application"].mod_policy = ""


def _strange_name(update: configtx_pb2.ConfigUpdate) -> None:
    update.write_set.groups["Application"].groups["New/comer"].version = 0


def _reads_what_is_not_there(update: configtx_pb2.ConfigUpdate) -> None:
    update.read_set.groups["Consortiums"].version = 0


def _nothing(update: configtx_pb2.ConfigUpdate) -> None:
    update.write_set.CopyFrom(update.read_set)


FORGED: dict[str, tuple[Callable[[configtx_pb2.ConfigUpdate], None], str]] = {
    "version skipped": (_version_skipped, "stale_update"),
    "nothing read": (_nothing_read, "malformed_update"),
    "newcomer not new": (_newcomer_not_new, "stale_update"),
    "changed by nobody": (_changed_by_nobody, "malformed_update"),
    "strange name": (_strange_name, "malformed_configuration"),
    "reads what is not there": (_reads_what_is_not_there, "stale_update"),
    "nothing": (_nothing, "no_difference"),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_an_update_that_does_not_hold_is_refused(
    config: ChannelConfig, joining: PeerOrganisation, forgery: str
) -> None:
    forge, code = FORGED[forgery]
    update = wire(compute_update(config, with_organisation(config, joining)))
    forge(update)
    with pytest.raises(ConfigurationError) as caught:
        apply_update(config, update.SerializeToString(), EVERYBODY)
    assert caught.value.code == code


def test_bytes_that_are_no_update_are_refused(config: ChannelConfig) -> None:
    with pytest.raises(ConfigurationError, match="malformed_update"):
        preview_update(config, b"\xff")


def test_what_an_update_slips_past_its_group_has_no_effect(config: ChannelConfig) -> None:
    """A new member that its group does not list needs nobody's signature, and comes to nothing."""
    update = configtx_pb2.ConfigUpdate(channel_id=CHANNEL)
    for tree in (update.read_set, update.write_set):
        tree.groups["Application"].version = 0
    update.write_set.groups["Application"].policies["Sneaked"].mod_policy = "Admins"
    after = apply_update(config, update.SerializeToString(), [])
    assert after.group == config.group


# Words


def line(lines: Iterator[str] | tuple[str, ...], start: str) -> str:
    (found,) = [one for one in lines if one.startswith(start)]
    return found


def test_a_join_is_told_with_the_certificates_to_compare(
    config: ChannelConfig, joining: PeerOrganisation, fourth: Organisation
) -> None:
    told = describe(config, compute_update(config, with_organisation(config, joining)))
    place = "Application/NewcomerMSP"
    assert told == (
        f"{place}: added",
        f"{place}/AnchorPeers: anchor peer 127.0.0.1:9051 added",
        f"{place}/MSP: MSP id NewcomerMSP",
        f"{place}/MSP: root certificate {fingerprint(fourth.msp.root_certs[0])} added",
        f"{place}/MSP: TLS root certificate {fingerprint(fourth.msp.tls_root_certs[0])} added",
    )
    assert fingerprint(fourth.msp.root_certs[0]).startswith("sha256:")


def test_a_newcomer_with_unusual_policies_is_not_told_as_an_ordinary_one(
    config: ChannelConfig, joining: PeerOrganisation
) -> None:
    def sneak(root: configtx_pb2.ConfigGroup) -> None:
        groups = root.groups["Application"].groups
        groups["NewcomerMSP"].policies["Admins"].CopyFrom(groups["TraderMSP"].policies["Admins"])

    after = changed(with_organisation(config, joining), sneak)
    told = describe(config, compute_update(config, after))
    assert line(told, "Application/NewcomerMSP/Admins") == (
        "Application/NewcomerMSP/Admins: the policy is 1 of (TraderMSP.admin)"
    )


def test_every_kind_of_change_has_words(config: ChannelConfig, joining: PeerOrganisation) -> None:
    def told(edit: str) -> tuple[str, ...]:
        return describe(config, compute_update(config, EDITS[edit](config, joining)))

    assert told("leave") == ("Application/TraderMSP: taken away",)
    assert told("no anchors") == ("Application/TraderMSP/AnchorPeers: taken away",)
    assert told("anchors") == (
        "Application/TraderMSP/AnchorPeers: anchor peer peer:1 added",
        "Application/TraderMSP/AnchorPeers: anchor peer 127.0.0.1:7053 taken away",
    )
    assert told("batch") == (
        "Orderer/BatchSize: 9 transactions at most in a block, 100 before",
        "Orderer/BatchTimeout: a block is cut 250ms after its first transaction, 200ms before",
    )
    (consenter,) = told("consenter")
    assert consenter.startswith("Orderer/ConsensusType: consenter o:1 with TLS certificate")
    assert len(told("authority")) == 3, "one root less, one more, and no TLS root"


def test_a_change_without_words_is_told_by_its_place(config: ChannelConfig) -> None:
    def edit(root: configtx_pb2.ConfigGroup) -> None:
        root.values["HashingAlgorithm"].value = b"\x0a\x03MD5"
        root.groups["Application"].policies["Endorsement"].policy.CopyFrom(root.policies["Writers"].policy)
        root.groups["Application"].mod_policy = "Writers"
        root.groups["Orderer"].values["New"].mod_policy = "Admins"

    assert describe(config, compute_update(config, changed(config, edit))) == (
        "Application: may be changed by /Channel/Application/Writers, no longer by /Channel/Application/Admins",
        "Application/Endorsement: the policy becomes ANY of Writers below",
        "HashingAlgorithm: changed",
        "Orderer/New: set",
    )
