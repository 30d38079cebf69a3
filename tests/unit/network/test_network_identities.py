"""X.509 identities: what is issued, and what an MSP accepts."""

import base64
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509.oid import NameOID
from fabric_protos.msp import identities_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from countermark.network.errors import IdentityError, SignatureError
from countermark.network.identities import (
    CertificateAuthority,
    Consortium,
    Msp,
    Organisation,
    Role,
    SerializedIdentity,
    SigningIdentity,
)
from countermark.network.identities.authorities import ATTRIBUTES_OID
from countermark.network.identities.signatures import P256_ORDER, is_low_s, sign, verify
from tests.unit.network.consortium import Network, now_ms


@pytest.mark.parametrize("role", list(Role))
def test_every_role_is_issued_and_accepted(tmp_path: Path, role: Role) -> None:
    organisation = Organisation.create(tmp_path / "org", "PlatformMSP", "platform.example")
    organisation.issue("someone", role)
    identity = organisation.identity("someone")
    member = organisation.msp.validate(SerializedIdentity.parse(identity.serialized), at_ms=now_ms())
    assert (member.msp_id, member.role, member.name) == ("PlatformMSP", role, "someone.platform.example")


def test_serialized_identity_is_the_message_of_fabric(network: Network) -> None:
    identity = network.client()
    wire = identities_pb2.SerializedIdentity.FromString(identity.serialized)
    assert (wire.mspid, wire.id_bytes) == ("PlatformMSP", identity.certificate_pem)


def test_private_keys_are_for_their_owner_only_and_never_shown(tmp_path: Path) -> None:
    organisation = Organisation.create(tmp_path / "org", "PlatformMSP", "platform.example")
    material = organisation.issue("gateway", Role.CLIENT)
    organisation.issue_tls("peer0", ["127.0.0.1"])
    keys = list(tmp_path.rglob("key.pem"))
    assert len(keys) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    assert not list(tmp_path.rglob(".*"))  # no temporary file is left
    identity = organisation.identity("gateway")
    assert "PRIVATE" not in repr(identity)
    assert material.key_file.read_text().splitlines()[1] not in repr(identity)


def test_an_organisation_is_not_overwritten(tmp_path: Path) -> None:
    Organisation.create(tmp_path / "org", "PlatformMSP", "platform.example")
    before = (tmp_path / "org/ca/key.pem").read_bytes()
    with pytest.raises(IdentityError, match="organisation_exists"):
        Organisation.create(tmp_path / "org", "OtherMSP", "other.example")
    assert (tmp_path / "org/ca/key.pem").read_bytes() == before
    assert Organisation.load(tmp_path / "org").msp_id == "PlatformMSP"


@pytest.mark.parametrize("text", [None, "", "[]", "{}", "{", '{"msp_id": "A"}'])
def test_a_damaged_organisation_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "organisation.json").write_text(text)
    with pytest.raises(IdentityError):
        Organisation.load(tmp_path)


def test_attributes_stand_in_the_extension_of_fabric_ca() -> None:
    pair = CertificateAuthority.create("ca", "x.example").issue("a", Role.CLIENT, attributes={"role": "auditor"})
    extension = x509.load_pem_x509_certificate(pair.certificate_pem).extensions.get_extension_for_oid(ATTRIBUTES_OID)
    assert isinstance(extension.value, x509.UnrecognizedExtension)
    assert json.loads(extension.value.value) == {"attrs": {"role": "auditor"}}


def test_certificates_have_what_a_peer_asks_of_them() -> None:
    authority = CertificateAuthority.create("ca", "x.example")
    root = x509.load_pem_x509_certificate(authority.pair.certificate_pem)
    leaf = x509.load_pem_x509_certificate(authority.issue("a", Role.PEER).certificate_pem)
    usage = root.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    key_identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    named = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert named == key_identifier
    assert is_low_s(root.signature)
    assert is_low_s(leaf.signature)


# What an MSP refuses


def _identity(msp_id: str, authority: CertificateAuthority, **options: object) -> SerializedIdentity:
    pair = authority.issue("someone", Role.CLIENT, **options)  # type: ignore[arg-type]  # a table of options
    return SerializedIdentity(msp_id, pair.certificate_pem)


def test_a_certificate_of_another_authority_with_the_same_name_is_refused() -> None:
    ours, theirs = (CertificateAuthority.create("ca", "platform.example") for _ in range(2))
    msp = Msp("PlatformMSP", (ours.pair.certificate_pem,))
    assert msp.validate(_identity("PlatformMSP", ours), at_ms=now_ms())
    with pytest.raises(IdentityError, match="untrusted_certificate"):
        msp.validate(_identity("PlatformMSP", theirs), at_ms=now_ms())


def test_a_new_root_with_the_same_name_is_accepted_beside_the_old_one() -> None:
    old, new = (CertificateAuthority.create("ca", "platform.example") for _ in range(2))
    msp = Msp("PlatformMSP", (old.pair.certificate_pem, new.pair.certificate_pem))
    for authority in (old, new):
        assert msp.validate(_identity("PlatformMSP", authority), at_ms=now_ms()).role is Role.CLIENT


def test_an_organisation_cannot_speak_for_another(network: Network) -> None:
    trader = network.client("trader")
    forged = SerializedIdentity("PlatformMSP", trader.certificate_pem)
    with pytest.raises(IdentityError, match="untrusted_certificate"):
        network.consortium.validate(forged, at_ms=now_ms())
    with pytest.raises(IdentityError, match="unknown_msp"):
        network.consortium.validate(SerializedIdentity("NobodyMSP", trader.certificate_pem), at_ms=now_ms())
    with pytest.raises(IdentityError, match="unknown_msp"):
        network.consortium.msp("PlatformMSP").validate(SerializedIdentity.parse(trader.serialized), at_ms=now_ms())


@pytest.mark.parametrize(
    ("days", "code"), [(-1, "certificate_not_yet_valid"), (0, None), (9, None), (11, "certificate_expired")]
)
def test_validity_is_that_at_the_time_of_the_act(days: int, code: str | None) -> None:
    start = datetime(2031, 5, 1, tzinfo=UTC)
    authority = CertificateAuthority.create("ca", "platform.example")
    identity = _identity("PlatformMSP", authority, now=start, validity=timedelta(days=10))
    msp = Msp("PlatformMSP", (authority.pair.certificate_pem,))
    at_ms = int((start + timedelta(days=days)).timestamp() * 1000)
    if code is None:
        assert msp.validate(identity, at_ms=at_ms)
    else:
        with pytest.raises(IdentityError, match=code):
            msp.validate(identity, at_ms=at_ms)


@pytest.mark.parametrize(("days", "left"), [(3, 3), (10, 10), (11, 10), (825, 10)])
def test_no_certificate_outlives_its_authority(monkeypatch: pytest.MonkeyPatch, days: int, left: int) -> None:
    monkeypatch.setattr("countermark.network.identities.authorities.CA_VALIDITY", timedelta(days=10))
    start = datetime(2030, 1, 1, tzinfo=UTC)
    authority = CertificateAuthority.create("ca", "platform.example", now=start)
    member = authority.issue("gateway", Role.CLIENT, now=start, validity=timedelta(days=days))
    endpoint = authority.issue_tls("peer0", ["localhost"], now=start, validity=timedelta(days=days))
    for pair in (member, endpoint):
        certificate = x509.load_pem_x509_certificate(pair.certificate_pem)
        assert certificate.not_valid_after_utc == start + timedelta(days=left)


def test_an_expired_authority_issues_nothing() -> None:
    start = datetime(2030, 1, 1, tzinfo=UTC)
    authority = CertificateAuthority.create("ca", "platform.example", now=start)
    with pytest.raises(IdentityError, match="authority_expired"):
        authority.issue("gateway", Role.CLIENT, now=start + timedelta(days=3651))


@pytest.mark.parametrize(("days", "accepted"), [(-4000, False), (-1, False), (0, True), (1000, True), (3649, True)])
def test_what_stands_in_blocks_is_judged_without_a_clock(days: int, accepted: bool) -> None:
    """An identity counts for ever if its authority held when its certificate began, as on Fabric's peers."""
    start = datetime(2001, 5, 1, tzinfo=UTC)
    authority = CertificateAuthority.create("ca", "platform.example", now=start)
    issued = start + timedelta(days=days)
    identity = _identity("PlatformMSP", authority, now=issued, validity=timedelta(days=10))
    consortium = Consortium([Msp("PlatformMSP", (authority.pair.certificate_pem,))])
    if accepted:
        assert consortium.member(identity).role is Role.CLIENT
    else:
        with pytest.raises(IdentityError, match="untrusted_certificate"):
            consortium.member(identity)
    with pytest.raises(IdentityError):
        consortium.validate(identity, at_ms=now_ms())


def test_the_authority_itself_is_no_member() -> None:
    authority = CertificateAuthority.create("ca", "platform.example")
    msp = Msp("PlatformMSP", (authority.pair.certificate_pem,))
    with pytest.raises(IdentityError, match="not_a_member"):
        msp.validate(SerializedIdentity("PlatformMSP", authority.pair.certificate_pem), at_ms=now_ms())


def test_a_member_cannot_issue_members(network: Network) -> None:
    member = network.organisations["platform"].directory / "identities/gateway"
    pair = CertificateAuthority.create("x", "y").pair
    sub = type(pair)((member / "cert.pem").read_bytes(), (member / "key.pem").read_bytes())
    forged = CertificateAuthority("platform.example", sub).issue("mallory", Role.ADMIN)
    msp = Msp("PlatformMSP", (*network.organisations["platform"].msp.root_certs, sub.certificate_pem))
    with pytest.raises(IdentityError, match="untrusted_certificate"):
        msp.validate(SerializedIdentity("PlatformMSP", forged.certificate_pem), at_ms=now_ms())


@pytest.mark.parametrize("units", [[], ["nobody"], ["client", "admin"], ["CLIENT"]])
def test_exactly_one_role_is_wanted(units: list[str]) -> None:
    authority = CertificateAuthority.create("ca", "platform.example")
    root = x509.load_pem_x509_certificate(authority.pair.certificate_pem)
    root_key = serialization.load_pem_private_key(authority.pair.key_pem, None)
    assert isinstance(root_key, ec.EllipticCurvePrivateKey)
    names = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a"), *names]))
        .issuer_name(root.subject)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(7)
        .not_valid_before(root.not_valid_before_utc)
        .not_valid_after(root.not_valid_after_utc)
        .sign(root_key, hashes.SHA256())
    )
    identity = SerializedIdentity("PlatformMSP", certificate.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(IdentityError, match="no_role"):
        Msp("PlatformMSP", (authority.pair.certificate_pem,)).validate(identity, at_ms=now_ms())


# Signatures


def test_every_signature_has_the_low_s(network: Network) -> None:
    identity = network.client()
    for number in range(32):
        signature = identity.sign(number.to_bytes())
        _, s = decode_dss_signature(signature)
        assert s <= P256_ORDER // 2
        SerializedIdentity.parse(identity.serialized).verify(signature, number.to_bytes())


def test_the_other_form_of_a_signature_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    r, s = decode_dss_signature(sign(key, b"data"))
    twin = encode_dss_signature(r, P256_ORDER - s)
    key.public_key().verify(twin, b"data", ec.ECDSA(hashes.SHA256()))  # it is a valid signature otherwise
    with pytest.raises(SignatureError, match="high_s_signature"):
        verify(key.public_key(), twin, b"data")


@pytest.mark.parametrize("signature", [b"", b"\x30", b"\x30\x06\x02\x01\x01\x02\x01\x01", b"x" * 70])
def test_rubbish_is_no_signature(signature: bytes) -> None:
    with pytest.raises(SignatureError):
        verify(ec.generate_private_key(ec.SECP256R1()).public_key(), signature, b"data")


def test_a_signature_holds_for_its_bytes_and_its_key_alone(network: Network) -> None:
    signature = network.client().sign(b"data")
    with pytest.raises(SignatureError, match="bad_signature"):
        SerializedIdentity.parse(network.client().serialized).verify(signature, b"date")
    with pytest.raises(SignatureError, match="bad_signature"):
        SerializedIdentity.parse(network.client("trader").serialized).verify(signature, b"data")


# Parsing


def test_a_key_that_is_not_the_certificates_is_refused(network: Network) -> None:
    with pytest.raises(IdentityError, match="key_mismatch"):
        SigningIdentity("PlatformMSP", network.client().certificate_pem, network.client("trader").key)


def test_missing_and_damaged_files_are_refused_without_showing_them(tmp_path: Path, network: Network) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    with pytest.raises(IdentityError, match="unreadable_identity"):
        SigningIdentity.load("PlatformMSP", certificate, key)
    certificate.write_bytes(network.client().certificate_pem)
    key.write_text("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
    with pytest.raises(IdentityError, match="malformed_key") as caught:
        SigningIdentity.load("PlatformMSP", certificate, key)
    assert "c2VjcmV0" not in str(caught.value)


def test_keys_on_other_curves_are_refused(tmp_path: Path, network: Network) -> None:
    key = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "cert.pem").write_bytes(network.client().certificate_pem)
    with pytest.raises(IdentityError, match="unsupported_key"):
        SigningIdentity.load("PlatformMSP", tmp_path / "cert.pem", tmp_path / "key.pem")


def test_keys_of_a_kind_that_nobody_knows_are_refused(tmp_path: Path, network: Network) -> None:
    der = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    elliptic = bytes.fromhex("06072a8648ce3d0201")  # id-ecPublicKey (RFC 5480)
    unknown = base64.encodebytes(der.replace(elliptic, elliptic[:-1] + b"\x77")).decode()
    (tmp_path / "key.pem").write_text(f"-----BEGIN PRIVATE KEY-----\n{unknown}-----END PRIVATE KEY-----\n")
    (tmp_path / "cert.pem").write_bytes(network.client().certificate_pem)
    with pytest.raises(IdentityError, match="malformed_key"):
        SigningIdentity.load("PlatformMSP", tmp_path / "cert.pem", tmp_path / "key.pem")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_an_identity_or_an_identity_error(data: bytes) -> None:
    try:
        identity = SerializedIdentity.parse(data)
        Consortium([]).validate(identity, at_ms=0)
    except IdentityError:
        pass
