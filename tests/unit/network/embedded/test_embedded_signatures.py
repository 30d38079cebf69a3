"""A signature that is remembered helps nobody but its maker, over these bytes, while he may sign."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from countermark.network.blocks.codes import Code
from countermark.network.embedded.membership import WRITERS
from countermark.network.embedded.signatures import Signatures
from countermark.network.envelopes import EndorsedTransaction, Envelope
from countermark.network.errors import IdentityError, SignatureError
from countermark.network.identities import CertificateAuthority, KeyPair, Role, SerializedIdentity, SigningIdentity
from countermark.network.identities.signing import load_key
from tests.support.clock import now_ms
from tests.support.embedded_ledger import PLATFORM, TRADER, World, writing


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The data of each signature that has been checked and not remembered."""
    checked: list[bytes] = []
    verify = SerializedIdentity.verify

    def counting(identity: SerializedIdentity, signature: bytes, data: bytes) -> None:
        checked.append(data)
        verify(identity, signature, data)

    monkeypatch.setattr(SerializedIdentity, "verify", counting)
    return checked


def test_the_same_bytes_are_checked_once(world: World, checks: list[bytes]) -> None:
    signer = world.client
    signature = signer.sign(b"data")
    signatures = Signatures()
    for _ in range(3):
        signatures.check(signer.serialized, signature, b"data")
    assert checks == [b"data"]


def test_what_was_signed_here_is_not_checked(world: World, checks: list[bytes]) -> None:
    signer, signatures = world.client, Signatures()
    signature = signer.sign(b"data")
    signatures.made(signer.serialized, signature, b"data")
    signatures.check(signer.serialized, signature, b"data")
    assert checks == []


@pytest.mark.parametrize(
    "change",
    [
        lambda signer, signature, data, other: (other, signature, data),
        lambda signer, signature, data, other: (signer, signature, data + b"\x00"),
        lambda signer, signature, data, other: (signer, signature, data[:-1]),
        lambda signer, signature, data, other: (signer, signature[:-1] + bytes([signature[-1] ^ 1]), data),
        lambda signer, signature, data, other: (signer, signature + data[:1], data[1:]),
    ],
    ids=["another signer", "longer data", "shorter data", "another signature", "a byte moved to the signature"],
)
def test_a_remembered_signature_does_not_pass_for_anything_else(
    world: World, change: Callable[..., tuple[bytes, bytes, bytes]]
) -> None:
    signer, other = world.client, world.identity(TRADER, "gateway")
    signature = signer.sign(b"data")
    signatures = Signatures()
    signatures.check(signer.serialized, signature, b"data")
    with pytest.raises(SignatureError):
        signatures.check(*change(signer.serialized, signature, b"data", other.serialized))


def test_a_signature_that_was_refused_is_refused_again(world: World) -> None:
    signatures = Signatures()
    for _ in range(2):
        with pytest.raises(SignatureError):
            signatures.check(world.client.serialized, world.client.sign(b"other"), b"data")


def test_the_oldest_are_forgotten_so_that_memory_is_bounded(world: World, checks: list[bytes]) -> None:
    signer, signatures = world.client, Signatures(most=2)
    made = [(data, signer.sign(data)) for data in (b"1", b"2", b"3")]
    for data, signature in made:
        signatures.check(signer.serialized, signature, data)
    for data, signature in made:
        signatures.check(signer.serialized, signature, data)
    assert checks == [b"1", b"2", b"3", b"1", b"2", b"3"], "1 was forgotten for 3, and so on"


def test_a_certificate_that_expires_is_refused_though_its_signature_is_remembered(world: World) -> None:
    folder = world.material.organisation(PLATFORM).directory / "ca"
    authority = CertificateAuthority(
        "platform.example", KeyPair((folder / "cert.pem").read_bytes(), (folder / "key.pem").read_bytes())
    )
    pair = authority.issue("gateway", Role.CLIENT, validity=timedelta(days=1))
    client = SigningIdentity("PlatformMSP", pair.certificate_pem, load_key(pair.key_pem))
    signature, today = client.sign(b"data"), now_ms()
    authenticate = world.membership.authenticate
    assert authenticate(client.serialized, signature, b"data", at_ms=today, roles=WRITERS).role is Role.CLIENT
    with pytest.raises(IdentityError, match="certificate_expired"):
        authenticate(client.serialized, signature, b"data", at_ms=today + 2 * 86_400_000, roles=WRITERS)


def test_a_role_that_may_not_sign_is_refused_though_its_signature_is_remembered(world: World) -> None:
    peer = world.identity(PLATFORM, "peer0")
    signature = peer.sign(b"data")
    world.membership.signatures.made(peer.serialized, signature, b"data")
    with pytest.raises(IdentityError, match="role_not_allowed"):
        world.membership.authenticate(peer.serialized, signature, b"data", at_ms=None, roles=WRITERS)


def test_an_endorsement_of_other_results_does_not_pass_for_one_that_was_made_here(world: World) -> None:
    proposal = world.proposal()
    honest, forged = (
        EndorsedTransaction.parse(Envelope.parse(world.transaction(writing(a=value), proposal=proposal)))
        for value in ("1", "1000000")
    )
    for one in honest.endorsements:
        world.membership.signatures.made(one.endorser, one.signature, honest.response.serialized + one.endorser)
    mixed = world.envelope(proposal, forged.response.serialized, honest.endorsements)
    assert world.commit(mixed) == [Code.ENDORSEMENT_POLICY_FAILURE]
    assert world.value("a") is None
