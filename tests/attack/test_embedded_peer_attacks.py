"""Attacks on the ledger through the doors of the embedded peer: none leaves a valid transaction behind."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from countermark.network.blocks import Transaction
from countermark.network.client import CommitError, EndorseError, GatewayClient, SubmitError
from countermark.network.client.errors import LedgerError
from countermark.network.client.gateway import Endorsed
from countermark.network.envelopes import (
    EndorsedTransaction,
    Envelope,
    assemble,
    endorse,
    sign_payload,
)
from tests.support.embedded import EmbeddedNetwork, embedded_network

BOTH = ("PlatformMSP", "SupervisorMSP")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNetwork]:
    with embedded_network(tmp_path_factory.mktemp("honest")) as network:
        yield network


@pytest.fixture(scope="module")
def platform(honest: EmbeddedNetwork) -> GatewayClient:
    return honest.client("platform", "supervisor")


@pytest.fixture(scope="module", params=["platform", "supervisor", "trader"])
def liar(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[EmbeddedNetwork, str]]:
    """A network in which the chaincode of one organisation answers `put` with more than it was given."""
    msp_id = f"{request.param.capitalize()}MSP"
    with embedded_network(tmp_path_factory.mktemp(request.param), liars=[msp_id]) as network:
        yield network, msp_id


def finish(client: GatewayClient, endorsed: Endorsed) -> str:
    """Submit and return the name of the validation code."""
    client.submit(endorsed.tx_id, endorsed.envelope)
    return client.commit_status(endorsed.tx_id).code_name


def committed(client: GatewayClient, tx_id: str) -> Transaction:
    number = client.commit_status(tx_id).block_number
    (block,) = client.blocks(number, stop=number)
    return next(one for one in block.transactions if one.tx_id == tx_id)


def test_a_lying_organisation_and_an_honest_one_never_endorse_the_same(liar: tuple[EmbeddedNetwork, str]) -> None:
    network, msp_id = liar
    supervisor_lies = msp_id == "SupervisorMSP"
    for name in ("platform", "supervisor", "trader"):
        client = network.client(name)
        # A gateway's own organisation and the supervisor are asked; the supervisor's gateway asks the platform.
        if supervisor_lies or client.profile.msp_id == msp_id or (name, msp_id) == ("supervisor", "PlatformMSP"):
            with pytest.raises(EndorseError, match="do not match") as caught:
                client.endorse("put", ["balance", "1"])
            assert caught.value.status == "ABORTED"
        else:
            assert finish(client, client.endorse("put", ["balance", "1"])) == "VALID"
            assert client.evaluate("get", ["balance"]) == b"1"


def test_a_lie_in_the_answer_alone_is_found_as_well(liar: tuple[EmbeddedNetwork, str]) -> None:
    network, msp_id = liar
    organisations = ["SupervisorMSP", "PlatformMSP" if msp_id != "TraderMSP" else "TraderMSP"]
    with pytest.raises(EndorseError, match="do not match"):
        network.client("platform").endorse("lie", endorsing_organisations=organisations)


def test_what_the_liar_endorses_alone_is_invalid(liar: tuple[EmbeddedNetwork, str]) -> None:
    network, msp_id = liar
    client = network.client("trader")
    before = client.evaluate("get", ["stolen"], target_organisations=["PlatformMSP"])
    endorsed = client.endorse("put", ["stolen", "1"], endorsing_organisations=[msp_id])
    assert finish(client, endorsed) == "ENDORSEMENT_POLICY_FAILURE"
    assert client.evaluate("get", ["stolen"], target_organisations=["PlatformMSP"]) == before == b""


@pytest.mark.parametrize("organisations", [["PlatformMSP"], ["SupervisorMSP"], ["PlatformMSP", "TraderMSP"]])
def test_a_missing_endorsement_is_committed_as_invalid(platform: GatewayClient, organisations: list[str]) -> None:
    endorsed = platform.endorse("put", ["missing", "1"], endorsing_organisations=organisations)
    assert finish(platform, endorsed) == "ENDORSEMENT_POLICY_FAILURE"
    with pytest.raises(CommitError, match="ENDORSEMENT_POLICY_FAILURE"):
        platform.commit_status(endorsed.tx_id).check()
    assert not committed(platform, endorsed.tx_id).valid
    assert platform.evaluate("get", ["missing"]) == b""


def test_private_data_endorsed_without_their_keeper_is_invalid(platform: GatewayClient) -> None:
    endorsed = platform.endorse(
        "put_private",
        ["forged"],
        transient={"value": b"1"},
        endorsing_organisations=["SupervisorMSP", "TraderMSP"],
    )
    assert finish(platform, endorsed) == "ENDORSEMENT_POLICY_FAILURE"
    assert platform.evaluate("get_private", ["forged"]) == b""


def test_endorsements_by_clients_of_both_organisations_are_none(
    honest: EmbeddedNetwork, platform: GatewayClient
) -> None:
    """Whoever runs gateways has client keys; only peers' keys endorse."""
    proposal = platform.prepare("put", ["handmade", "1"])
    endorsed = platform.endorse_proposal(proposal, endorsing_organisations=BOTH)
    payload = EndorsedTransaction.parse(Envelope.parse(endorsed.envelope)).response.serialized
    forged = [endorse(honest.client(name).identity, payload) for name in ("platform", "supervisor")]
    envelope = sign_payload(platform.identity, assemble(proposal, payload, forged))
    assert finish(platform, replace(endorsed, envelope=envelope.serialized)) == "ENDORSEMENT_POLICY_FAILURE"


def test_endorsements_of_one_value_do_not_carry_another(platform: GatewayClient) -> None:
    proposal = platform.prepare("put", ["swapped", "1"])
    endorsed = platform.endorse_proposal(proposal, endorsing_organisations=BOTH)
    transaction = EndorsedTransaction.parse(Envelope.parse(endorsed.envelope))
    changed = transaction.response.serialized.replace(b"swapped", b"swaqqed")
    envelope = sign_payload(platform.identity, assemble(proposal, changed, transaction.endorsements))
    assert finish(platform, replace(endorsed, envelope=envelope.serialized)) == "ENDORSEMENT_POLICY_FAILURE"
    assert platform.evaluate("get", ["swaqqed"]) == b""


def test_a_tampered_envelope_is_not_taken(platform: GatewayClient) -> None:
    endorsed = platform.endorse("put", ["tampered", "100"])
    tampered = endorsed.envelope.replace(b"100", b"999")
    assert tampered != endorsed.envelope
    with pytest.raises(SubmitError, match="FORBIDDEN"):
        platform.submit(endorsed.tx_id, tampered)
    assert finish(platform, endorsed) == "VALID"


def test_an_envelope_signed_by_another_is_not_taken(honest: EmbeddedNetwork, platform: GatewayClient) -> None:
    endorsed = platform.endorse("put", ["taken", "1"])
    envelope = Envelope.parse(endorsed.envelope)
    stolen = replace(envelope, signature=honest.client("trader").identity.sign(envelope.payload))
    with pytest.raises(SubmitError, match="FORBIDDEN"):
        platform.submit(endorsed.tx_id, stolen.serialized)


def test_a_replayed_transaction_counts_once(honest: EmbeddedNetwork, platform: GatewayClient) -> None:
    """The same envelope again, through every gateway and at the same time."""
    endorsed = platform.endorse("add", ["replayed", "1"])
    assert finish(platform, endorsed) == "VALID"
    clients = [honest.client(name) for name in ("platform", "supervisor", "trader")]
    threads = [threading.Thread(target=one.submit, args=(endorsed.tx_id, endorsed.envelope)) for one in clients * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Ordered after the copies, so these have been judged when it is committed.
    assert finish(platform, platform.endorse("put", ["after", "1"])) == "VALID"
    assert platform.evaluate("get", ["replayed"]) == b"1"
    assert platform.commit_status(endorsed.tx_id).valid


def test_a_used_transaction_id_is_not_endorsed_again(platform: GatewayClient) -> None:
    proposal = platform.prepare("put", ["once", "1"])
    assert finish(platform, platform.endorse_proposal(proposal)) == "VALID"
    with pytest.raises(EndorseError, match="duplicate transaction"):
        platform.endorse_proposal(proposal)


def test_of_two_spendings_of_one_coin_one_is_valid(platform: GatewayClient) -> None:
    finish(platform, platform.endorse("put", ["coin", "10"]))
    spendings = [platform.endorse("add", ["coin", "-10"]) for _ in range(5)]
    codes = [finish(platform, one) for one in spendings]
    assert sorted(codes) == ["MVCC_READ_CONFLICT"] * 4 + ["VALID"]
    assert platform.evaluate("get", ["coin"]) == b"0"


def test_a_key_that_appears_in_a_range_that_was_read_is_found(platform: GatewayClient) -> None:
    counted = platform.endorse("count_into", ["phantom", "phanton", "count"])
    assert counted.result == b"0"
    finish(platform, platform.endorse("put", ["phantom1", "x"]))
    assert finish(platform, counted) == "PHANTOM_READ_CONFLICT"
    again = platform.endorse("count_into", ["phantom", "phanton", "count"])
    assert finish(platform, again) == "VALID"
    assert platform.evaluate("get", ["count"]) == b"1"


@pytest.mark.parametrize("shift_ms", [-6_000, 6_000, -(10**15), 10**13])
def test_a_time_outside_the_window_is_not_endorsed(platform: GatewayClient, shift_ms: int) -> None:
    now_ms = platform.prepare("put").header.timestamp_ms
    wanted = max(min(now_ms + shift_ms, 253_402_300_799_000), -62_135_596_800_000)
    with pytest.raises(EndorseError, match="incorrect timestamp"):
        platform.endorse_proposal(platform.prepare("put", ["time", "1"], now_ms=wanted))


def test_a_time_within_the_window_is_endorsed(platform: GatewayClient) -> None:
    now_ms = platform.prepare("put").header.timestamp_ms
    assert platform.endorse_proposal(platform.prepare("put", ["time", "1"], now_ms=now_ms - 3_000)).result == b"1"


def test_a_proposal_that_was_changed_is_not_endorsed(platform: GatewayClient) -> None:
    proposal = platform.prepare("put", ["changed", "100"])
    forged = replace(proposal, proposal_bytes=proposal.proposal_bytes.replace(b"100", b"999"))
    with pytest.raises(EndorseError, match="signature"):
        platform.endorse_proposal(forged)


def test_a_certificate_of_another_authority_is_nobody(
    honest: EmbeddedNetwork, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Same organisation, same names, made by somebody else's CA."""
    stranger = EmbeddedNetwork(tmp_path_factory.mktemp("stranger")).material.organisation("platform")
    profile = honest.profile("platform")
    folder = stranger.directory / "identities" / "gateway"
    client = GatewayClient(replace(profile, cert_file=folder / "cert.pem", key_file=folder / "key.pem"))
    with pytest.raises(EndorseError, match="untrusted_certificate"):
        client.endorse("put", ["stranger", "1"])
    with pytest.raises(LedgerError, match="PERMISSION_DENIED"):
        client.commit_status("0" * 64)
    with pytest.raises(LedgerError, match="FORBIDDEN"):
        next(iter(client.blocks(0)))
    client.close()
