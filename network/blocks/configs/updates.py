"""A change of a channel's configuration, applied as Fabric's orderers and peers apply it (its common/configtx).

An update names in its read set the elements that it counts on, with their versions, and in its write set what is to
be there, of which everything with another version than in the read set is a change. Each change of what is there must
raise the version by one and meet the element's modification policy, as it was before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fabric_protos.common import common_pb2, configtx_pb2

from countermark.network.blocks.configs.elements import Element, Key, check_names, elements
from countermark.network.blocks.configs.policies import ROOT
from countermark.network.blocks.configs.reading import ChannelConfig, parse_config
from countermark.network.blocks.policies import AnyPolicy, satisfied
from countermark.network.envelopes.wire import decode
from countermark.network.errors import ConfigurationError, EnvelopeError, NetworkError
from countermark.network.identities import Consortium, Member, SerializedIdentity


@dataclass(frozen=True, slots=True)
class SignedUpdate:
    """An update (bytes of common.ConfigUpdate) with signatures: header (common.SignatureHeader) and signature."""

    update: bytes = field(repr=False)
    signatures: tuple[tuple[bytes, bytes], ...] = field(repr=False)

    @staticmethod
    def parse(data: bytes) -> "SignedUpdate":
        """Return what is in the bytes of common.ConfigUpdateEnvelope.

        Raises:
            EnvelopeError: They do not parse.
        """
        wire = decode(configtx_pb2.ConfigUpdateEnvelope, data, "signed configuration update")
        signatures = tuple((one.signature_header, one.signature) for one in wire.signatures)
        return SignedUpdate(wire.config_update, signatures)


def verify_signers(signed: SignedUpdate, members: Consortium) -> tuple[Member, ...]:
    """Return the members whose signatures of the update hold; others are left out, as Fabric does.

    Raises:
        EnvelopeError: A signature's header does not parse.
    """
    signers: dict[tuple[str, bytes], Member] = {}
    for head, signature in signed.signatures:
        creator = decode(common_pb2.SignatureHeader, head, "signature header").creator
        try:
            identity = SerializedIdentity.parse(creator)
            identity.verify(signature, head + signed.update)
            member = members.member(identity)
        except NetworkError:
            continue
        signers[member.msp_id, member.fingerprint] = member
    return tuple(signers.values())


def changed_policies(config: ChannelConfig, update: bytes) -> Mapping[str, AnyPolicy]:
    """Return the policies, by path, that the signers of `update` (common.ConfigUpdate) must meet.

    Raises:
        ConfigurationError: The update is none for `config` as it stands.
        EnvelopeError: A policy is of a kind that is unknown here.
    """
    existing = elements(config.group)
    changes = _changes(config, existing, _parse(update))
    # What is new needs no policy of its own: the group in which it stands changes with it.
    paths = {existing[key].mod_policy for key in changes if key in existing}
    return {path: config.policy(path) for path in sorted(paths)}


def preview_update(config: ChannelConfig, update: bytes) -> ChannelConfig:
    """Return the configuration that `update` (common.ConfigUpdate) would make of `config`, whoever signs it.

    Raises:
        ConfigurationError: The update is none for `config` as it stands.
        EnvelopeError: What comes out has organisations that are not supported here.
    """
    existing = elements(config.group)
    after = {**existing, **_changes(config, existing, _parse(update))}
    return parse_config(config.channel, config.sequence + 1, _built(after, (ROOT,)))


def apply_update(config: ChannelConfig, update: bytes, signers: Sequence[Member]) -> ChannelConfig:
    """Return the configuration after `update`, if `signers`, whose signatures have been verified, may make it.

    Raises:
        ConfigurationError: The update is none for `config` as it stands, or (``update_not_signed``) too few or
            others have signed it.
        EnvelopeError: What comes out has policies or organisations that are not supported here.
    """
    for path, policy in changed_policies(config, update).items():
        if not satisfied(policy, signers):
            names = ", ".join(sorted({one.msp_id for one in signers})) or "nobody"
            raise ConfigurationError("update_not_signed", f"it wants {path}, and {names} signed")
    return preview_update(config, update)


def _parse(update: bytes) -> Any:
    try:
        return decode(configtx_pb2.ConfigUpdate, update, "configuration update")
    except EnvelopeError as error:
        raise ConfigurationError("malformed_update", error.detail) from error


def _changes(config: ChannelConfig, existing: Mapping[Key, Element], update: Any) -> dict[Key, Element]:
    """Return the elements that `update` changes or makes, all of which must fit the versions of `config`."""
    if update.channel_id != config.channel:
        raise ConfigurationError("other_channel", f"the update is for {update.channel_id!r}, not {config.channel}")
    read = elements(update.read_set) if update.HasField("read_set") else {}
    for key, element in read.items():
        if key not in existing or existing[key].version != element.version:
            raise ConfigurationError("stale_update", f"{element.name} has changed since the update was made")
    written = elements(update.write_set) if update.HasField("write_set") else {}
    changes = {
        key: element for key, element in written.items() if key not in read or read[key].version != element.version
    }
    if not changes:
        raise ConfigurationError("no_difference", "the update changes nothing")
    for key, element in changes.items():
        _check_change(element, existing.get(key))
    return changes


def _check_change(element: Element, before: Element | None) -> None:
    if not element.message.mod_policy:
        raise ConfigurationError("malformed_update", f"{element.name} is to be changed by nobody ever after")
    check_names(*element.message.mod_policy.removeprefix("/").split("/"))
    if element.version != (0 if before is None else before.version + 1):
        raise ConfigurationError("stale_update", f"{element.name} does not get the version that follows")


def _built(after: Mapping[Key, Element], path: tuple[str, ...]) -> Any:
    """Return the tree whose groups have the members that `after` gives them, each as it stands there."""
    listed = _found(after, ("group", path))
    group = configtx_pb2.ConfigGroup(version=listed.version, mod_policy=listed.mod_policy)
    for name in listed.groups:
        group.groups[name].CopyFrom(_built(after, (*path, name)))
    for name in listed.values:
        group.values[name].CopyFrom(_found(after, ("value", (*path, name))))
    for name in listed.policies:
        group.policies[name].CopyFrom(_found(after, ("policy", (*path, name))))
    return group


def _found(after: Mapping[Key, Element], key: Key) -> Any:
    if key not in after:
        raise ConfigurationError("malformed_update", f"{'/'.join(key[1])} is listed and nowhere to be found")
    return after[key].message
