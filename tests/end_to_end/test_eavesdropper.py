"""Somebody on the wire between a trader and his gateway: he records every byte of a whole trade."""

import io
import json
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from countermark.client.data import only
from countermark.client.examining import examine
from countermark.protocol.encoding import b64u
from countermark.protocol.packages import PackageHeader, PackageSalts, seal_package
from countermark.protocol.sealed import EncryptionKey
from tests.end_to_end.test_trade_by_cli import opened, photograph
from tests.support.eavesdropping import Eavesdropper, check_is_tls
from tests.support.whole_platform import Platform, Trader


@pytest.fixture
def eavesdropper(platform: Platform) -> Iterator[Eavesdropper]:
    made = Eavesdropper(urlsplit(platform.url).netloc)
    yield made
    made.close()


def through(eavesdropper: Eavesdropper, person: Trader, folder: Path) -> Trader:
    """Let everything that `person` does from now on go by the eavesdropper."""
    folder.mkdir(exist_ok=True)
    gateway = folder / "gateway.json"
    gateway.write_text(json.dumps({"url": f"https://127.0.0.1:{eavesdropper.port}"}))
    shutil.copy(person.platform.ca_file, folder / "gateway-ca.pem")
    return replace(person, environment={**person.environment, "COUNTERMARK_GATEWAY": str(gateway)})


@pytest.mark.requirement("R82")
def test_whoever_records_a_whole_trade_reads_nothing_of_it(
    tmp_path: Path, platform: Platform, eavesdropper: Eavesdropper
) -> None:
    title = "Canary in the coal mine"
    wire = tmp_path / "wire"
    seller = through(eavesdropper, opened(tmp_path, "seller", platform, "5000"), wire)
    buyer = through(eavesdropper, opened(tmp_path, "buyer", platform, "50000"), wire)
    photo = photograph(tmp_path / "photo.jpg", 82)
    listing = seller.run("listing", "create", str(photo), "--price", "20000", "--title", title)["listing"]
    assert listing in buyer.run("search", str(photo))["listings"]
    trade = buyer.run("trade", "buy", listing)["trade"]
    seller.run("trade", "charge", trade)
    seller.run("trade", "send", trade)
    buyer.run("trade", "wait", trade, "SENT")
    assert buyer.run("trade", "receive", trade, "-o", str(tmp_path / "bought.jpg"))["verdict"] == "match"
    buyer.run("trade", "wait", trade, "MATCHED")
    confirmed = buyer.run("trade", "confirm", trade)
    addresses = [person.run("account", "show")["address"] for person in (seller, buyer)]
    data, fingerprint = photo.read_bytes(), examine(photo, only(["image/v1"])).items[0]
    secrets = [
        *(text.encode() for text in (title, listing, trade, confirmed["txid"], *addresses, b64u(fingerprint))),
        fingerprint,
        *(data[start : start + 32] for start in range(0, len(data) - 32, 32)),
    ]
    heard = [bytes(record) for record in eavesdropper.heard]
    assert sum(map(check_is_tls, heard)) > 2 * len(data), "the data went by, there and back"
    assert not [secret for secret in secrets for record in heard if secret in record]


def client_hello(version: bytes) -> bytes:
    """The first record of a client whose newest version is `version` (RFC 5246, section 7.4.1.2)."""
    suites = b"\xc0\x13\xc0\x14\xc0\x09\xc0\x0a\x00\x2f\x00\x35"
    groups = b"\x00\x0a\x00\x06\x00\x04\x00\x17\x00\x18"
    body = version + os.urandom(32) + b"\x00" + len(suites).to_bytes(2, "big") + suites + b"\x01\x00"
    body += len(groups).to_bytes(2, "big") + groups
    return b"\x16\x03\x01" + (len(body) + 4).to_bytes(2, "big") + b"\x01" + len(body).to_bytes(3, "big") + body


@pytest.mark.requirement("R82")
@pytest.mark.parametrize("version", [b"\x03\x01", b"\x03\x02"], ids=["TLS 1.0", "TLS 1.1"])
def test_a_gateway_speaks_no_older_tls_than_1_2(platform: Platform, version: bytes) -> None:
    with socket.create_connection((urlsplit(platform.url).hostname, urlsplit(platform.url).port)) as connection:
        connection.sendall(client_hello(version))
        answer = connection.recv(7)
    # A fatal alert (RFC 8446, section 6); which one differs from one OpenSSL to the next.
    assert (answer[:1], answer[5:6]) == (b"\x15", b"\x02")


@pytest.mark.requirement("R82")
@pytest.mark.parametrize("size", [1, 40_000, 1_048_569, 3_000_000])
def test_data_of_one_byte_more_makes_no_longer_package(size: int) -> None:
    """Sizes are told apart by their magnitude alone; between two steps of the padding all are one."""
    lengths = []
    for length in (size, size + 1):
        header = PackageHeader("tr1" + "a" * 52, *("did:key:zDnaeQ",) * 2, "dc1" + "a" * 52)
        summary = seal_package(
            io.BytesIO(os.urandom(length)),
            io.BytesIO(),
            header=header,
            recipient=EncryptionKey.generate().public,
            salts=PackageSalts(os.urandom(32), os.urandom(32)),
            size=length,
        )
        lengths.append(summary.size)
    assert lengths[0] == lengths[1]
