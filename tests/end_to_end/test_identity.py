"""A trader shows a public key: nothing that his machine knows of him stands where others can read."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from countermark.network.blocks import Block
from countermark.network.client import ConnectionProfile, GatewayClient
from tests.support.photographs import photograph
from tests.support.whole_platform import Platform, Trader, trader

CANARY = "zanzibar"
"""In every name that a trader's machine has for him and his things."""


def somebody(folder: Path, role: str, platform: Platform) -> Trader:
    names = {"USER": f"{CANARY}-user", "LOGNAME": f"{CANARY}-login", "HOSTNAME": f"{CANARY}-host"}
    person = trader(folder, f"{CANARY}-{role}", platform, **names)
    person.run("account", "new", "--name", f"{CANARY}-profile")
    person.run("account", "fund", "50000", "--reference", f"{role}-{folder.name[-8:].strip('_-')}")
    return person


def sell(tmp_path: Path, platform: Platform) -> tuple[str, str, list[str]]:
    """Return listing, trade and its transactions of a sale between two traders full of canaries."""
    seller, buyer = somebody(tmp_path, "seller", platform), somebody(tmp_path, "buyer", platform)
    photo = photograph(tmp_path / f"{CANARY}-photo.jpg", 79)
    listing = seller.run("listing", "create", str(photo), "--price", "20000", "--title", "Shapes")["listing"]
    trade = buyer.run("trade", "buy", listing)["trade"]
    seller.run("trade", "charge", trade)
    seller.run("trade", "send", trade)
    buyer.run("trade", "wait", trade, "SENT")
    buyer.run("trade", "receive", trade, "-o", str(tmp_path / f"{CANARY}-bought.jpg"))
    buyer.run("trade", "wait", trade, "MATCHED")
    buyer.run("trade", "confirm", trade)
    history = buyer.run("trade", "show", trade)["history"]
    return listing, trade, [step["txid"] for step in history]


def blocks(platform: Platform) -> Iterator[Block]:
    profile = ConnectionProfile.load(platform.data / "connection" / "supervisor.json")
    with (
        closing(GatewayClient(profile)) as client,
        closing(client.blocks(0, stop=client.newest_block().number)) as stream,
    ):
        yield from stream


def public_answers(platform: Platform, listing: str, transactions: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield what anybody is answered, without any signature."""
    paths = [
        *("/v1/market", "/v1/listings?state=any", f"/v1/listings/{listing}", f"/v1/listings/{listing}/registration"),
        *(f"/v1/transactions/{txid}" for txid in transactions),
        *("/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/trades", "/v1/board", "/v1/events"),
    ]
    context = ssl.create_default_context(cafile=str(platform.ca_file))
    with httpx.Client(base_url=platform.url, verify=context) as client:
        for path in paths:
            answer = client.get(path)
            yield path, str(answer.headers).encode() + answer.content


@pytest.mark.requirement("R79")
def test_no_block_event_answer_or_log_names_a_trader_or_his_machine(tmp_path: Path, platform: Platform) -> None:
    listing, trade, steps = sell(tmp_path, platform)
    chain = list(blocks(platform))
    transactions = [transaction for block in chain for transaction in block.transactions]
    assert {transaction.tx_id for transaction in transactions} >= set(steps)
    places: dict[str, bytes] = {f"transaction {one.position} {one.tx_id}": one.raw for one in transactions}
    places |= {f"event of {one.tx_id}": one.event.payload for one in transactions if one.event is not None}
    places |= {f"creator of {one.tx_id}": one.creator_cert for one in transactions}
    places |= {str(path): path.read_bytes() for path in platform.data.rglob("blocks*") if path.is_file()}
    places |= {str(path): path.read_bytes() for path in (platform.data / "logs").iterdir()}
    places |= dict(public_answers(platform, listing, steps))
    assert any(trade.encode() in content for content in places.values()), "the right places were looked at"
    host = socket.gethostname()
    # A host called after what every host is called tells nothing.
    told = [CANARY, str(tmp_path), *([host] if len(host) > 6 and host != "localhost" else [])]
    hits = [(place, name) for place, content in places.items() for name in told if name.encode() in content.lower()]
    assert hits == []


@pytest.mark.requirement("R79")
def test_certificates_on_the_ledger_are_those_of_organisations(platform: Platform) -> None:
    pem = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
    found = {
        certificate
        for block in blocks(platform)
        for transaction in block.transactions
        for certificate in pem.findall(transaction.raw)
    }
    subjects = [x509.load_pem_x509_certificate(certificate).subject for certificate in found]
    names = {str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value) for subject in subjects}
    # An organisation's authority, server or administrator, by its function.
    role = re.compile(
        r"(?:ca|tlsca|gateway|admin|(?:peer|orderer)\d+)\.(?:platform|supervisor|trader|orderer)\.example"
    )
    assert "gateway.platform.example" in names, "the one who submits everything"
    assert not [name for name in names if not role.fullmatch(name)]
    for subject in subjects:
        assert {attribute.oid for attribute in subject} <= {
            NameOID.COMMON_NAME,
            NameOID.ORGANIZATION_NAME,
            NameOID.ORGANIZATIONAL_UNIT_NAME,
            NameOID.COUNTRY_NAME,
        }
