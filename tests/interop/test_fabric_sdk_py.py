"""A client that nobody here wrote uses the ledger: fabric-sdk-py (hfc), in an environment of its own."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from countermark.protocol import canonical, ids, intents
from countermark.protocol.sealed import EncryptionKey
from tests.end_to_end.test_trade_by_https import Party
from tests.support.photographs import photograph
from tests.support.whole_platform import Platform, trader

SCRIPT = Path(__file__).with_name("hfc_client.py")


def listed(platform: Platform, folder: Path) -> str:
    seller = trader(folder, "seller", platform)
    seller.run("account", "new")
    seller.run("account", "fund", "5000")
    photo = photograph(folder / "photo.jpg", 4711)
    return str(seller.run("listing", "create", str(photo), "--price", "20000")["listing"])


def run(python: Path, asked: dict[str, Any], folder: Path) -> Any:
    command = [str(python), str(SCRIPT), str(folder / "hfc")]
    document = json.dumps(asked)
    done = subprocess.run(command, input=document, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.interop
def test_it_submits_a_purchase_to_two_organisations_and_sees_the_escrow(
    platform: Platform, orderers: dict[str, dict[str, str]], foreign_python: Path, tmp_path: Path
) -> None:
    listing = listed(platform, tmp_path)
    buyer = Party(platform)
    account = f"/v1/accounts/{buyer.key.address}"
    buyer.post(f"{account}/fund", {"amount": "30000", "reference": f"interop-{time.time_ns()}"})
    resource = buyer.read(f"/v1/listings/{listing}")
    nonce = intents.new_nonce()
    payment = {
        "listing": listing,
        "offer_version": resource["offer"]["version"],
        "price": resource["offer"]["price"],
        "bond": buyer.config["bond"],
        "c_d": resource["c_d"],
        "pk_t": EncryptionKey.generate().public,
        "deadlines": resource["offer"]["deadlines"],
    }
    coins = [one["id"] for one in buyer.read(f"{account}/coins")["coins"]]
    seen = run(
        foreign_python,
        {
            "connections": {path.stem: str(path) for path in (platform.data / "connection").glob("*.json")},
            "orderers": orderers,
            "submitter": "trader",
            "endorsers": ["platform", "supervisor"],
            "function": "trade.pay",
            "args": [buyer.intent("trade.pay", payment, nonce), canonical.dumps({"coins": coins}).decode()],
        },
        tmp_path,
    )
    trade = ids.trade_id(market=buyer.market, listing=listing, buyer=buyer.key.address, nonce=nonce)
    assert json.loads(seen["result"])["id"] == trade
    assert sorted(seen["endorsers"]) == ["PlatformMSP", "SupervisorMSP"]
    assert seen["channels"] == [buyer.market.partition("/")[0]]
    assert seen["height"] > seen["block"]
    record = json.loads(seen["writes"][f"trade/{trade}"])
    assert (record["state"], record["buyer"]) == ("PAID", buyer.key.address)
    escrow = [json.loads(seen["writes"][f"coin/{held['coin']}"]) for held in record["escrow"]]
    assert {coin["owner"] for coin in escrow} == {f"trade/{trade}"}
    assert sum(int(coin["amount"]) for coin in escrow) == int(payment["price"]) + int(payment["bond"])
    # The gateway tells the trade that another client has made.
    assert buyer.poll(trade, "PAID")["listing"] == listing
