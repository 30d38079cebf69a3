"""A certificate authority of one organisation: a P-256 key and a self-signed certificate that issues others.

Fabric needs no Fabric CA; it takes any X.509 certificate that chains to a root of the MSP, names its role in one OU,
and whose CA carries a subject key identifier. Certificates are signed with the low s, because peers rewrite the
others and then see different bytes than the client does.
"""

import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from countermark.network.errors import IdentityError
from countermark.network.identities.certificates import Certificate, load_certificate
from countermark.network.identities.roles import Role
from countermark.network.identities.signatures import is_low_s
from countermark.network.identities.signing import load_key

CA_VALIDITY = timedelta(days=3650)
LEAF_VALIDITY = timedelta(days=825)
# Clocks of the machines of one network differ by more than the second it takes to use a new certificate.
BACKDATE = timedelta(minutes=10)
ATTRIBUTES_OID = ObjectIdentifier("1.2.3.4.5.6.7.8.1")
"""Extension in which Fabric CA, and so `GetAttributeValue` of chaincode libraries, keeps attributes as JSON."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate with its private key, both PEM; the text form never shows the key."""

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """Issues the certificates of `domain`: of identities (`issue`) or of TLS endpoints (`issue_tls`)."""

    domain: str
    pair: KeyPair

    @classmethod
    def create(cls, name: str, domain: str, *, now: datetime | None = None) -> "CertificateAuthority":
        """Return a new authority whose subject is CN=`name`.`domain`, O=`domain`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"{name}.{domain}", domain)
        builder = (
            _builder(subject, subject, key.public_key(), now, CA_VALIDITY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signature=True, certificates=True), critical=True)
        )
        return cls(domain, _pair(_sign(builder, key), key))

    def issue(
        self,
        name: str,
        role: Role,
        *,
        attributes: Mapping[str, str] | None = None,
        now: datetime | None = None,
        validity: timedelta = LEAF_VALIDITY,
    ) -> KeyPair:
        """Return a certificate for the member CN=`name`.`domain` with OU=`role`, and its new key.

        Args:
            name: Name of the member within the organisation.
            role: Its NodeOU.
            attributes: What the certificate asserts of the member, for chaincode to read.
            now: Start of validity; the present by default.
            validity: How long the certificate holds, at most as long as the authority's.

        Raises:
            IdentityError: The authority's own files do not parse, or it has expired.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"{name}.{self.domain}", self.domain, unit=role.value)
        builder = self._leaf(subject, key.public_key(), now, validity)
        if attributes:
            value = json.dumps({"attrs": dict(sorted(attributes.items()))}, separators=(",", ":")).encode()
            builder = builder.add_extension(x509.UnrecognizedExtension(ATTRIBUTES_OID, value), critical=False)
        return _pair(_sign(builder, self._key), key)

    def issue_tls(
        self,
        name: str,
        sans: Sequence[str],
        *,
        now: datetime | None = None,
        validity: timedelta = LEAF_VALIDITY,
    ) -> KeyPair:
        """Return a certificate for TLS as server and client under the names and addresses `sans`, and its key.

        Raises:
            IdentityError: The authority's own files do not parse, or it has expired.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = (
            self._leaf(_name(f"{name}.{self.domain}", self.domain), key.public_key(), now, validity)
            .add_extension(usages, critical=False)
            .add_extension(x509.SubjectAlternativeName([_san(text) for text in sans]), critical=False)
        )
        return _pair(_sign(builder, self._key), key)

    def renew(
        self, certificate_pem: bytes, *, now: datetime | None = None, validity: timedelta = LEAF_VALIDITY
    ) -> bytes:
        """Return a certificate (PEM) that says the same of the same key as `certificate_pem`, valid from `now`.

        Raises:
            IdentityError: It was not issued by this authority, a file does not parse, or the authority has expired.
        """
        certificate, own = load_certificate(certificate_pem), load_certificate(self.pair.certificate_pem)
        if not certificate.issued_by(own):
            raise IdentityError("foreign_certificate", "another authority issued it")
        old = certificate.parsed
        start, end = self._span(own, now, validity)
        builder = x509.CertificateBuilder(
            issuer_name=own.parsed.subject,
            subject_name=old.subject,
            public_key=certificate.key,
            serial_number=x509.random_serial_number(),
            not_valid_before=start - BACKDATE,
            not_valid_after=end,
        )
        for extension in old.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        return _sign(builder, self._key).public_bytes(serialization.Encoding.PEM)

    @property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        return load_key(self.pair.key_pem)

    @staticmethod
    def _span(authority: Certificate, now: datetime | None, validity: timedelta) -> tuple[datetime, datetime]:
        """Return start and end of what this authority issues `now`."""
        start = now or datetime.now(UTC)
        if start > authority.not_after:
            raise IdentityError("authority_expired", f"it was valid until {authority.not_after}")
        # A member's certificate that outlives its authority's promises what no peer keeps.
        return start, min(start + validity, authority.not_after)

    def _leaf(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime | None, validity: timedelta
    ) -> x509.CertificateBuilder:
        authority = load_certificate(self.pair.certificate_pem)
        own = authority.parsed
        identifier = own.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        start, end = self._span(authority, now, validity)
        return (
            _builder(subject, own.subject, key, start, end - start)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signature=True, certificates=False), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime | None,
    validity: timedelta,
) -> x509.CertificateBuilder:
    start = now or datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - BACKDATE)
        .not_valid_after(start + validity)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    # Every second try has the low s; the builder gives no way to ask for it.
    while True:
        certificate = builder.sign(key, hashes.SHA256())
        if is_low_s(certificate.signature):
            return certificate


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return KeyPair(certificate.public_bytes(pem), private)


def _name(common: str, domain: str, *, unit: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, domain)]
    if unit:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _san(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _usage(*, signature: bool, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )
