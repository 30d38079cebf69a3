"""Signatures of an update: each administrator makes his own, anybody puts them together."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from fabric_protos.common import common_pb2

from countermark.network.blocks.configs import ChannelConfig, SignedUpdate
from countermark.network.configuration.updates import ConfigUpdate
from countermark.network.envelopes.headers import NONCE_BYTES
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import ConfigurationError, NetworkError
from countermark.network.identities import Member, Role, SerializedIdentity, SigningIdentity


@dataclass(frozen=True, slots=True)
class UpdateSignature:
    """One signature of the update with that `digest`: over `header` (common.SignatureHeader) and the update."""

    digest: str
    header: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def identity(self) -> SerializedIdentity:
        """Who signed, as the header has it.

        Raises:
            NetworkError: The header does not parse, or names nobody.
        """
        return SerializedIdentity.parse(decode(common_pb2.SignatureHeader, self.header, "signature header").creator)


def sign_update(update: ConfigUpdate, administrator: SigningIdentity) -> UpdateSignature:
    """Return the signature of `update` by `administrator`."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    header = encode(common_pb2.SignatureHeader(creator=administrator.serialized, nonce=nonce))
    return UpdateSignature(update.digest, header, administrator.sign(header + update.serialized))


def verify_signature(
    config: ChannelConfig, update: ConfigUpdate, signature: UpdateSignature, *, at_ms: int
) -> Member:
    """Return the administrator whose signature of `update` this is.

    Raises:
        ConfigurationError: It is of another update (``other_update``), or not by an administrator
            (``not_an_administrator``).
        NetworkError: It does not hold, or its maker is not on the channel, or not at `at_ms` (milliseconds).
    """
    if signature.digest != update.digest:
        raise ConfigurationError("other_update", f"the signature is of {signature.digest}, not of {update.digest}")
    identity = signature.identity
    identity.verify(signature.signature, signature.header + update.serialized)
    member = config.members.validate(identity, at_ms=at_ms)
    if member.role is not Role.ADMIN:
        raise ConfigurationError("not_an_administrator", f"{member.name} of {member.msp_id} is its {member.role}")
    return member


def merge_signatures(
    config: ChannelConfig, update: ConfigUpdate, signatures: Iterable[UpdateSignature], *, at_ms: int
) -> tuple[SignedUpdate, tuple[Member, ...]]:
    """Return `update` with `signatures`, one of each signer, and who these are.

    Raises:
        ConfigurationError: One of them is not an administrator's signature of this update, at `at_ms` (milliseconds
            since the epoch); says whose.
    """
    signers: dict[tuple[str, bytes], tuple[Member, UpdateSignature]] = {}
    for one in signatures:
        try:
            member = verify_signature(config, update, one, at_ms=at_ms)
        except NetworkError as error:
            raise ConfigurationError(error.code, f"{_claimed(one)}: {error.detail}") from error
        signers.setdefault((member.msp_id, member.fingerprint), (member, one))
    pairs = tuple((one.header, one.signature) for _, one in signers.values())
    return SignedUpdate(update.serialized, pairs), tuple(member for member, _ in signers.values())


def _claimed(signature: UpdateSignature) -> str:
    try:
        return f"signature by {signature.identity.msp_id}"
    except NetworkError:
        return "signature by nobody"
