"""Changes of a channel's configuration in tests: signed by whom it is wanted, and made into blocks."""

from collections.abc import Iterable
from pathlib import Path

from fabric_protos.common import common_pb2, configtx_pb2

from countermark.network.blocks import ChannelConfig, Policy, build_block
from countermark.network.blocks.configs import SignedUpdate, parse_config, preview_update
from countermark.network.blocks.policies import policy_bytes
from countermark.network.configuration import ConfigUpdate, sign_update
from countermark.network.configuration.editing import changed
from countermark.network.configuration.envelopes import update_envelope
from countermark.network.envelopes import HeaderType, build_header, build_payload, sign_payload
from countermark.network.envelopes.wire import encode
from countermark.network.identities import Organisation, Role, SigningIdentity
from tests.support.clock import now_ms


def newcomer(directory: Path, name: str = "newcomer") -> Organisation:
    """An organisation that is not on the channel yet, with an administrator, a peer and a client."""
    organisation = Organisation.create(directory, f"{name.capitalize()}MSP", f"{name}.example")
    for member, role in {"admin": Role.ADMIN, "peer0": Role.PEER, "gateway": Role.CLIENT}.items():
        organisation.issue(member, role)
    return organisation


def wanting(config: ChannelConfig, policy: Policy) -> ChannelConfig:
    """`config` in which blocks want `policy`."""

    def edit(root: configtx_pb2.ConfigGroup) -> None:
        block_validation = root.groups["Orderer"].policies["BlockValidation"].policy
        block_validation.type, block_validation.value = 1, policy_bytes(policy)

    return changed(config, edit)


def signed_by(update: ConfigUpdate, administrators: Iterable[SigningIdentity]) -> SignedUpdate:
    """`update` with the signatures of `administrators`, whether they may or not."""
    made = [sign_update(update, one) for one in administrators]
    return SignedUpdate(update.serialized, tuple((one.header, one.signature) for one in made))


def config_transaction(
    before: ChannelConfig,
    update: ConfigUpdate,
    administrators: Iterable[SigningIdentity],
    *,
    orderer: SigningIdentity,
    claimed: ChannelConfig | None = None,
) -> bytes:
    """The envelope that `orderer` makes of the signed `update`; `claimed` lies about what comes of it."""
    administrators = list(administrators)
    submitted = update_envelope(update, signed_by(update, administrators), administrators[0], now_ms=now_ms())
    after = claimed or preview_update(before, update.serialized)
    return ordered_update(after, submitted, before.channel, orderer)


def ordered_update(after: ChannelConfig, submitted: bytes, channel: str, orderer: SigningIdentity) -> bytes:
    """The envelope that `orderer` makes of one with an update, which leads to `after`."""
    data = configtx_pb2.ConfigEnvelope(
        config=configtx_pb2.Config(sequence=after.sequence, channel_group=after.group),
        last_update=common_pb2.Envelope.FromString(submitted),
    )
    header = build_header(orderer, HeaderType.CONFIG, channel, now_ms=now_ms())
    return sign_payload(orderer, build_payload(header, encode(data))).serialized


def config_block(number: int, previous_hash: bytes, transaction: bytes, *, orderer: SigningIdentity) -> bytes:
    """The block with a configuration in it, as `orderer` makes it: it names itself."""
    return build_block(number, previous_hash, [transaction], last_config=number, orderer=orderer)


def numbered(config: ChannelConfig, sequence: int) -> ChannelConfig:
    """`config` under another sequence number."""
    return parse_config(config.channel, sequence, config.group)
