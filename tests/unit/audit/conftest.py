"""A consortium with real keys, and a ledger of its market."""

import hashlib
import secrets
from collections.abc import Iterator

import pytest

from countermark.network.blocks import PrivateHashes, PrivateWrite
from countermark.protocol import canonical
from tests.support.figures import show
from tests.support.market import actor, config_json
from tests.unit.audit.chains import MARKET, Act, Chain, by, moving, opened
from tests.unit.network.consortium import CHAINCODE, Network

_PEPPER = PrivateWrite(hashlib.sha256(b"pepper/1").digest(), b"v" * 32, False, False)
PEPPER = PrivateHashes(CHAINCODE, "fingerprints", (), (_PEPPER,), b"s" * 32)
ACCOUNTS = ("seller", "buyer", "stranger", "issuer")


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return Network.create(tmp_path_factory.mktemp("audited"))


@pytest.fixture(scope="module")
def located(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Names of the attacks of a module that were found where they were made."""
    names: list[str] = []
    yield names
    show(f"verifier ({request.path.stem}): {len(names)} attacks, all found and located")


@pytest.fixture
def chain(network: Network) -> Chain:
    """Five blocks: the genesis block, the founding, the accounts, a mint of 1000 for the buyer, 300 of it paid."""
    seller, buyer = actor("seller").address, actor("buyer").address
    config = config_json()
    reference = secrets.token_hex(4)
    return (
        Chain.founded(network)
        .add(
            Act(
                "market.init",
                (canonical.dumps(config),),
                reads=(("market/config", None),),
                writes=(
                    ("epoch", {"n": 1, "ts": "{time}"}),
                    ("market/config", {**config, "market": MARKET}),
                    ("market/version/00000001", {**config, "market": MARKET}),
                    ("market/pepper", {"version": 1}),
                ),
                private=(PEPPER,),
            )
        )
        .add(*(opened(name) for name in ACCOUNTS))
        .add(
            by(
                "issuer",
                "coin.mint",
                {"to": buyer, "amount": "1000", "reference": reference},
                reads=(("epoch", (1, 0)), (f"deposit/PlatformMSP/{reference}", None)),
                writes=(
                    *moving(a_0=(buyer, 1000)),
                    (f"deposit/PlatformMSP/{reference}", {"amount": "1000", "to": buyer, "tx": "{tx}"}),
                ),
            )
        )
        .add(
            by(
                "buyer",
                "coin.transfer",
                {"to": seller, "amount": "300"},
                reads=(("epoch", (1, 0)), ("coin/a.0", (3, 0))),
                writes=moving("a.0", b_0=(seller, 300), b_1=(buyer, 700)),
            )
        )
    )
