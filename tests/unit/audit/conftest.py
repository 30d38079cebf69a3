"""A consortium with real keys, and a ledger of its market."""

import secrets

import pytest

from countermark.network.blocks import PrivateHashes, PrivateWrite
from countermark.protocol.sealed import EncryptionKey
from tests.support.market import actor
from tests.unit.audit.chains import Act, Chain, by
from tests.unit.network.consortium import CHAINCODE, Network

PEPPER = PrivateHashes(CHAINCODE, "fingerprints", (), (PrivateWrite(b"k" * 32, b"v" * 32, False, False),), b"s" * 32)


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return Network.create(tmp_path_factory.mktemp("audited"))


@pytest.fixture(scope="session")
def encryption() -> str:
    return EncryptionKey.generate().public


@pytest.fixture
def chain(network: Network, encryption: str) -> Chain:
    """Four blocks: the founding, two accounts, a mint of 1000 for the buyer, 300 of it paid to the seller."""
    seller, buyer = actor("seller").address, actor("buyer").address
    key = {"encryption_key": {"version": 1, "key": encryption}}
    roles = {"platform": {"msp_id": "PlatformMSP"}, "supervisor": {"msp_id": "SupervisorMSP"}}
    mint = {"to": buyer, "amount": "1000", "reference": secrets.token_hex(4)}
    return (
        Chain.founded(network)
        .add(
            Act(
                "market.init",
                (b"{}",),
                reads=(("market/config", None),),
                writes=(("epoch", {"n": 1}), ("market/config", roles)),
                private=(PEPPER,),
            )
        )
        .add(
            *(
                by(name, "account.open", key, writes=((f"account/{actor(name).address}", {"state": "OPEN"}),))
                for name in ("seller", "buyer")
            )
        )
        .add(
            by(
                "issuer",
                "coin.mint",
                mint,
                reads=(("epoch", (1, 0)), ("deposit/PlatformMSP/one", None)),
                writes=(
                    ("coin/a.0", {"owner": buyer, "amount": "1000"}),
                    ("deposit/PlatformMSP/one", {"amount": "1000"}),
                ),
            )
        )
        .add(
            by(
                "buyer",
                "coin.transfer",
                {"to": seller, "amount": "300"},
                reads=(("epoch", (1, 0)), ("coin/a.0", (3, 0))),
                writes=(
                    ("coin/a.0", None),
                    ("coin/b.0", {"owner": seller, "amount": "300"}),
                    ("coin/b.1", {"owner": buyer, "amount": "700"}),
                ),
            )
        )
    )
