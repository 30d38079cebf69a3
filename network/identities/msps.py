"""What an organisation's MSP accepts: the check that every peer makes of a creator and of an endorser.

An identity is a member when its certificate was issued by a root of the MSP and names exactly one NodeOU. Issuing
goes straight from root to member here: intermediate authorities are refused.

Whoever admits a message now also asks whether the certificate holds (`validate`). What stands in a block is judged
without a clock (`member`): signatures do not lose their meaning when a certificate expires, blocks have no time of
their own, and the one in a transaction is whatever its client wrote. Fabric's peers do the same: they check a chain
as of the second after the start of the certificate.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from countermark.network.errors import IdentityError
from countermark.network.identities.certificates import Certificate, load_certificate
from countermark.network.identities.roles import Role
from countermark.network.identities.serialized import SerializedIdentity

_REMEMBERED = 1024
"""How many identities a consortium remembers."""


@dataclass(frozen=True, slots=True)
class Member:
    """An identity that its MSP has accepted."""

    msp_id: str
    role: Role
    name: str
    """The certificate's common name."""
    fingerprint: bytes = field(default=b"", repr=False)
    """SHA-256 of the certificate's DER: tells members of the same name apart."""


@dataclass(frozen=True, slots=True)
class Msp:
    """The public definition of one organisation: its id and its root certificates (PEM)."""

    msp_id: str
    root_certs: tuple[bytes, ...]
    tls_root_certs: tuple[bytes, ...] = ()

    def member(self, identity: SerializedIdentity) -> Member:
        """Return the member that `identity` is or has been, whether or not its certificate still holds.

        Raises:
            IdentityError: Another MSP's, not issued by a root of this one in that root's time, a CA itself, or
                without exactly one role.
        """
        if identity.msp_id != self.msp_id:
            raise IdentityError("unknown_msp", f"{identity.msp_id} is not {self.msp_id}")
        certificate = identity.certificate
        # Another root may have the same name, so each is tried.
        if not any(_issued_in_time(certificate, load_certificate(pem)) for pem in self.root_certs):
            raise IdentityError("untrusted_certificate", f"not issued by a root of {self.msp_id}")
        if certificate.is_authority:
            raise IdentityError("not_a_member", "a CA certificate does not act for its organisation")
        return Member(self.msp_id, _role(certificate), certificate.common_name, certificate.fingerprint)

    def validate(self, identity: SerializedIdentity, *, at_ms: int) -> Member:
        """Return the member that `identity` is at `at_ms` (milliseconds since the epoch).

        Raises:
            IdentityError: As `member`; or the certificate has expired or is not yet valid.
        """
        member = self.member(identity)
        _check_time(identity.certificate, _moment(at_ms))
        return member


class Consortium:
    """The MSPs of a channel, looked up by id."""

    def __init__(self, msps: Iterable[Msp]) -> None:
        self._msps = {msp.msp_id: msp for msp in msps}
        # Few identities sign everything, and who they are depends on no clock: each is looked up in its MSP once.
        self._member = lru_cache(maxsize=_REMEMBERED)(self._find_member)

    @property
    def msp_ids(self) -> tuple[str, ...]:
        """Ids of all organisations, sorted."""
        return tuple(sorted(self._msps))

    def msp(self, msp_id: str) -> Msp:
        """Return the definition of `msp_id`.

        Raises:
            IdentityError: No organisation of the channel has that id.
        """
        if msp_id not in self._msps:
            raise IdentityError("unknown_msp", f"{msp_id} is not an organisation of this channel")
        return self._msps[msp_id]

    def member(self, identity: SerializedIdentity) -> Member:
        """Return the member that `identity` is or has been, by the rules of its own MSP: for what stands in blocks.

        Raises:
            IdentityError: Its MSP is unknown or refuses it.
        """
        return self._member(identity)

    def _find_member(self, identity: SerializedIdentity) -> Member:
        return self.msp(identity.msp_id).member(identity)

    def validate(self, identity: SerializedIdentity, *, at_ms: int) -> Member:
        """Return the member that `identity` is at `at_ms`, by the rules of its own MSP: for messages that come in.

        Raises:
            IdentityError: Its MSP is unknown or refuses it.
        """
        return self.msp(identity.msp_id).validate(identity, at_ms=at_ms)


def _issued_in_time(certificate: Certificate, authority: Certificate) -> bool:
    start = certificate.not_before + timedelta(seconds=1)
    holds = start <= certificate.not_after and authority.not_before <= start <= authority.not_after
    return holds and certificate.issued_by(authority)


def _moment(at_ms: int) -> datetime:
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC)
    except (OverflowError, ValueError, OSError) as error:
        # The time may come from whoever made the message.
        raise IdentityError("bad_time", "no certificate holds at that time") from error


def _check_time(certificate: Certificate, at: datetime) -> None:
    if at < certificate.not_before:
        raise IdentityError("certificate_not_yet_valid", f"valid from {certificate.not_before}")
    if at > certificate.not_after:
        raise IdentityError("certificate_expired", f"valid until {certificate.not_after}")


def _role(certificate: Certificate) -> Role:
    roles = [role for role in Role if role.value in certificate.units]
    if len(roles) != 1:
        raise IdentityError("no_role", "the certificate must name exactly one of client, peer, admin, orderer as OU")
    return roles[0]
