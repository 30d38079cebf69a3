"""Files that an operator or a trader is handed: connection files, certificates, configuration, keys, keystores."""

import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from countermark.client import keystore
from countermark.client.errors import ClientError
from countermark.client.home import Home
from countermark.gateway import config as gateway_config
from countermark.gateway import keys as platform_keys
from countermark.network.client import ConnectionProfile
from countermark.network.client.errors import LedgerError
from countermark.network.identities import CertificateAuthority, Role
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import MarketError
from tests.fuzz import bytewise, jsonwise
from tests.fuzz.decoder import Decoder
from tests.fuzz.parties import PLATFORM, PLATFORM_ENCRYPTION

_DOCUMENTS = {
    "connection": {
        "msp_id": "PlatformMSP",
        "channel": "market",
        "chaincode": "countermark",
        "gateway": "127.0.0.1:7051",
        "host_override": "peer0.platform.example",
        "tls_ca_file": "tls-ca.pem",
        "cert_file": "cert.pem",
        "key_file": "key.pem",
    },
    "config": {
        "market": "market/countermark",
        "connection": "connection.json",
        "database_url": "postgresql://h/d",
        "objects": "objects",
        "keys_file": "keys.json",
        "host": "127.0.0.1",
        "port": 8443,
        "tls_cert_file": "tls-cert.pem",
        "tls_key_file": "tls-key.pem",
        "faucet": True,
        "threads": 16,
    },
    "keys": {
        "account": b64u(PLATFORM.to_bytes()),
        "encryption": {"1": b64u(PLATFORM_ENCRYPTION.to_bytes())},
        "table": b64u(b"t" * 32),
        "issuer": None,
    },
    "keystore": {
        "v": 1,
        "address": PLATFORM.address,
        "salt": b64u(b"s" * 16),
        "nonce": b64u(b"n" * 12),
        "ciphertext": b64u(b"c" * 200),
    },
    "profile": {"gateway": "https://127.0.0.1:8443", "ca_file": "/ca.pem", "account": "default"},
}


_LABELS = {"cert": "CERTIFICATE", "key": "PRIVATE KEY"}


def decoder() -> Decoder:
    """Return the decoder of files."""
    # Removed when nothing refers to it any more, at the latest when the process ends.
    kept = tempfile.TemporaryDirectory(prefix="countermark-fuzz-")
    folder = Path(kept.name)
    member = CertificateAuthority.create("ca", "platform.example").issue("gateway", Role.CLIENT)
    good = {kind: jsonwise.spell(document) for kind, document in _DOCUMENTS.items()}
    good |= {"cert": member.certificate_pem, "key": member.key_pem}
    files = {kind: folder / (f"{kind}.pem" if kind in _LABELS else f"{kind}.json") for kind in good}
    (folder / "tls-ca.pem").write_bytes(member.certificate_pem)

    def make(random: Random) -> tuple[str, bytes]:
        kind = random.choice(list(good))
        if kind in _LABELS:
            return kind, _change_pem(random, good[kind], _LABELS[kind])
        change = jsonwise.change if random.random() < 0.8 else bytewise.change
        return kind, change(random, good[kind], [good[name] for name in _DOCUMENTS])

    def read(case: tuple[str, bytes]) -> None:
        kind, data = case
        _write(files[kind], data)
        try:
            _READERS[kind](Path(kept.name))
        finally:
            _write(files[kind], good[kind])

    for kind, path in files.items():
        path.touch(mode=0o600)
        _write(path, good[kind])
    return Decoder(make, read, (MarketError, LedgerError, ClientError))


def _connect(folder: Path) -> None:
    profile = ConnectionProfile.load(folder / "connection.json")
    profile.tls_ca()
    profile.identity()


_READERS: dict[str, Callable[[Path], object]] = {
    **dict.fromkeys(("connection", "cert", "key"), _connect),
    "config": lambda folder: gateway_config.load(folder / "config.json", {}),
    "keys": lambda folder: platform_keys.load(folder / "keys.json"),
    "keystore": lambda folder: keystore.address_in(folder / "keystore.json"),
    "profile": lambda folder: Home(folder).profile,
}


def _change_pem(random: Random, pem: bytes, label: str) -> bytes:
    """Return a PEM file that is broken, or a whole one with something else in it."""
    if random.random() < 0.3:
        return bytewise.change(random, pem, [pem])
    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    changed = base64.encodebytes(bytewise.change(random, der, [der])).decode()
    return f"-----BEGIN {label}-----\n{changed}-----END {label}-----\n".encode()


def _write(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()
