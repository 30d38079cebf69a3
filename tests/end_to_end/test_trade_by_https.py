"""A whole trade by HTTPS requests alone: httpx, RFC 9421 and the documented messages, nothing of our own client.

What a client of another make needs: the formats of `protocol/` (intents, sealed messages, packages, notices) and a
fingerprint. Requests, signatures and polling are written here from the standards and from docs.
"""

import base64
import datetime
import hashlib
import io
import json
import ssl
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from countermark import fingerprint
from countermark.protocol import canonical, commitments, ids, intents, notices, packages, searches
from countermark.protocol.accounts import AccountKey
from countermark.protocol.description import Description
from countermark.protocol.encoding import as_digest
from countermark.protocol.sealed import EncryptionKey, open_sealed, seal
from tests.support.photographs import photograph
from tests.support.whole_platform import Platform


class _Key(HTTPSignatureKeyResolver):
    def __init__(self, key: AccountKey) -> None:
        self.key = key

    def resolve_private_key(self, key_id: str) -> Any:
        return self.key.private_key


class Party:
    """An account that speaks HTTPS."""

    def __init__(self, platform: Platform) -> None:
        context = ssl.create_default_context(cafile=str(platform.ca_file))
        self.http = httpx.Client(base_url=platform.url, verify=context, timeout=60)
        self.key = AccountKey.generate()
        self.encryption = EncryptionKey.generate()
        market = self.http.get("/v1/market").json()
        self.market, self.config = market["market"], market["config"]
        self.act("/v1/accounts", "account.open", {"encryption_key": {"version": 1, "key": self.encryption.public}})

    def request(self, method: str, path: str, **parts: Any) -> httpx.Response:
        request = self.http.build_request(method, path, **parts)
        now = datetime.datetime.now(datetime.UTC)
        signer = HTTPMessageSigner(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=_Key(self.key))
        signer.sign(
            request,
            key_id=self.key.address,
            created=now,
            expires=now + datetime.timedelta(seconds=60),
            nonce=base64.urlsafe_b64encode(hashlib.sha256(f"{path}{time.time_ns()}".encode()).digest()).decode(),
            tag="countermark",
            covered_component_ids=("@method", "@authority", "@path", "@query"),
            body=request.content or None,
        )
        response = self.http.send(request)
        assert response.status_code < 400, response.text
        return response

    def read(self, path: str) -> Any:
        return self.request("GET", path).json()

    def intent(self, action: str, params: dict[str, Any], nonce: str | None = None) -> str:
        now_ms = time.time_ns() // 1_000_000
        return intents.sign(
            self.key, market=self.market, action=action, params=params, issued_at_ms=now_ms, nonce=nonce
        )

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self.request("POST", path, json=body, headers={"Prefer": "wait=30"}).json()

    def act(self, path: str, action: str, params: dict[str, Any]) -> Any:
        answer = self.post(path, {"intent": self.intent(action, params)})
        assert answer["state"] == "committed", answer
        return answer["result"]

    def seal(self, plaintext: bytes, kind: str) -> dict[str, Any]:
        key = self.config["platform"]["encryption_key"]
        return seal(key["key"], plaintext, kind=kind, market=self.market, key_version=key["version"])

    def notice(self, trade: dict[str, Any], role: str, root: bytes, verdict: str | None) -> tuple[str, str]:
        return notices.sign_notice(
            self.key,
            notices.Notice(
                role=role,
                trade=trade["id"],
                seller=trade["seller"],
                buyer=trade["buyer"],
                listing=trade["listing"],
                platform=self.config["platform"]["account"],
                fingerprint_root=as_digest(root),
                claimed_at_ms=time.time_ns() // 1_000_000,
                verdict=verdict,
            ),
            market=self.market,
        )

    def poll(self, trade: str, state: str) -> dict[str, Any]:
        """Ask again until the trade is in ``state``; each answer takes a round trip, so this is no busy loop."""
        give_up = time.monotonic() + 60
        while (resource := self.read(f"/v1/trades/{trade}"))["state"] != state:
            assert time.monotonic() < give_up, resource["state"]
        return dict(resource)


@pytest.mark.requirement("R23", "R24", "R31", "R32", "R37", "R38", "R80")
def test_a_trade_by_plain_https_requests_settles(tmp_path: Path, platform: Platform) -> None:
    seller, buyer = Party(platform), Party(platform)
    seller.post(f"/v1/accounts/{seller.key.address}/fund", {"amount": "5000", "reference": f"s-{time.time_ns()}"})
    buyer.post(f"/v1/accounts/{buyer.key.address}/fund", {"amount": "50000", "reference": f"b-{time.time_ns()}"})

    # (1)-(8): fingerprint, sealed application, management fee.
    photo = photograph(tmp_path / "photo.jpg", 815).read_bytes()
    generator = seller.config["generators"]["preferred"]
    item = fingerprint.compute(io.BytesIO(photo), generator).to_bytes()
    opening = commitments.Opening(
        root=commitments.fingerprint_root([item]),
        exact=hashlib.sha256(photo).digest(),
        description=Description("image/jpeg", 1, len(photo), "Shapes by wire"),
        salt_f=commitments.new_salt(),
        salt_d=commitments.new_salt(),
        salt_exact=commitments.new_salt(),
        items=1,
    )
    clocks = ("fee", "send", "relay", "receive", "check", "confirm", "answer", "evidence", "decide", "substitute")
    deadlines = {clock: seller.config["deadlines"][clock]["default"] for clock in clocks}
    promised = opening.commitments()
    params = {
        "c_f": promised.c_f,
        "c_d": promised.c_d,
        "c_exact": promised.c_exact,
        "items": 1,
        "generator": generator,
        "offer": {"right": "ownership", "price": "20000", "deadlines": deadlines},
    }
    application = {
        "intent": seller.intent("listing.create", params),
        "opening": json.loads(opening.to_json()),
        "items": [base64.urlsafe_b64encode(item).decode().rstrip("=")],
    }
    created = seller.post("/v1/listings", {"sealed": seller.seal(canonical.dumps(application), "listing")})
    assert created["state"] == "committed", created
    listing = created["result"]["id"]
    fee = seller.config["fees"]["management"]
    seller.act(f"/v1/listings/{listing}/charge", "listing.charge", {"listing": listing, "amount": fee})

    # (9)-(12): search by the sealed fingerprint of a sample, read the contract, pay, accept.
    search = searches.sign_search(
        buyer.key, market=buyer.market, fingerprint=item, issued_at_ms=time.time_ns() // 1_000_000
    )
    answer = buyer.request("POST", "/v1/searches", json={"sealed": buyer.seal(search.encode(), "search")}).json()
    plain = open_sealed({1: buyer.encryption}, answer["sealed"], kind="search-answer", market=buyer.market)
    assert listing in json.loads(plain)["listings"]
    resource = buyer.http.get(f"/v1/listings/{listing}").json()
    one_time, nonce = EncryptionKey.generate(), intents.new_nonce()
    trade_id = ids.trade_id(market=buyer.market, listing=listing, buyer=buyer.key.address, nonce=nonce)
    payment = {
        "listing": listing,
        "offer_version": resource["offer"]["version"],
        "price": resource["offer"]["price"],
        "bond": buyer.config["bond"],
        "c_d": resource["c_d"],
        "pk_t": one_time.public,
        "deadlines": resource["offer"]["deadlines"],
    }
    paid = buyer.post(f"/v1/trades/{trade_id}/payment", {"intent": buyer.intent("trade.pay", payment, nonce)})
    assert paid["result"]["id"] == trade_id
    trade = seller.read(f"/v1/trades/{trade_id}")
    accepted = {"trade": trade_id, "fee": trade["fee"], "bond": trade["bond"]}
    seller.act(f"/v1/trades/{trade_id}/charge", "trade.charge", accepted)

    # (13)-(17): encrypt, commit, notify, upload in two ranges.
    header = packages.PackageHeader(trade_id, trade["buyer"], trade["seller"], listing)
    salts = packages.PackageSalts(salt_f=opening.salt_f, salt_exact=opening.salt_exact)
    out = io.BytesIO()
    summary = packages.seal_package(
        io.BytesIO(photo), out, header=header, recipient=trade["pk_t"], salts=salts, size=len(photo)
    )
    token, digest = seller.notice(trade, "seller", opening.root, None)
    sent = {"trade": trade_id, "package_root": summary.root, "package_size": summary.size, "notice": digest}
    body = {"intent": seller.intent("trade.send", sent), "sealed": seller.seal(token.encode(), "notice")}
    assert seller.post(f"/v1/trades/{trade_id}/notices", body)["receipt"].count(".") == 2
    package, middle = out.getvalue(), summary.size // 2
    for start, end in ((0, middle), (middle, summary.size)):
        span = {"Content-Range": f"bytes {start}-{end - 1}/{summary.size}"}
        seller.request("PUT", f"/v1/trades/{trade_id}/package", content=package[start:end], headers=span)

    # (18)-(24): fetch, open, notify, confirm.
    trade = buyer.poll(trade_id, "SENT")
    fetched = buyer.request("GET", f"/v1/trades/{trade_id}/package").content
    data = io.BytesIO()
    packages.open_package(io.BytesIO(fetched), data, header=header, root=trade["package"]["root"], key=one_time)
    assert data.getvalue() == photo
    token, digest = buyer.notice(trade, "buyer", opening.root, "match")
    acknowledged = {"trade": trade_id, "verdict": "match", "notice": digest}
    body = {"intent": buyer.intent("trade.ack", acknowledged), "sealed": buyer.seal(token.encode(), "notice")}
    buyer.post(f"/v1/trades/{trade_id}/acknowledgement", body)
    buyer.poll(trade_id, "MATCHED")
    settled = buyer.act(f"/v1/trades/{trade_id}/confirmation", "trade.confirm", {"trade": trade_id})
    assert settled["state"] == "SETTLED"
    assert buyer.http.get(f"/v1/listings/{listing}").json()["owner"] == buyer.key.address
