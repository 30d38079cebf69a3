"""Attacks whose guard (docs/attacks.toml) is taken out of the code: the test that is named after the attack fails."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from docs.generators import attacks
from docs.generators.markers import all_tests
from tests.support.figures import show
from tests.support.mutants import ROOT, Edit, Mutant, check_caught

ATTACKS = {attack.title: attack for attack in attacks.load_attacks(ROOT)}


@dataclass(frozen=True)
class Without:
    """What a guard says, what it says instead, and why the attack's test fails of it (a pattern).

    `case` is the parameter of the test with which it is played; `also` as in `Mutant`.
    """

    old: str
    new: str
    reason: str
    case: str = ""
    also: tuple[Edit, ...] = ()


SWITCHED_OFF = {
    "seller: fake fingerprint at listing": Without(
        "return Finding.FALSE_FINGERPRINT if same_bytes else",
        "return Finding.AS_REGISTERED if same_bytes else",
        "AS_REGISTERED.* is <Finding.FALSE_FINGERPRINT",
    ),
    "seller: fabricated data": Without(
        "Finding.OTHER_DATA: Decision.FAULTY",
        "Finding.OTHER_DATA: Decision.DELIVERED",
        "'SETTLED', 'decided'",
    ),
    "seller: garbage then the right file": Without(
        'Act(_S.EVIDENCED, "trade.accept", _A.BUYER,',
        'Act(_S.EVIDENCED, "trade.accept", _A.SELLER,',
        "DID NOT RAISE",
    ),
    "seller: a degraded copy": Without(
        "Finding.AS_REGISTERED if same_bytes else Finding.ALTERED",
        "Finding.AS_REGISTERED",
        "AS_REGISTERED.* is <Finding.ALTERED",
        "other bytes",
    ),
    "seller: never sends": Without(
        "(TradeState.REFUNDED, Outcome.NO_SHOW): _TO_BUYER",
        "(TradeState.REFUNDED, Outcome.NO_SHOW): _BACK",
        "his money, and the seller's bond",
    ),
    "seller: wraps to the wrong key": Without(
        "Finding.UNDECRYPTABLE: Decision.FAULTY",
        "Finding.UNDECRYPTABLE: Decision.DELIVERED",
        "'SETTLED', 'decided'",
    ),
    "seller: withdraws or reprices under the buyer": Without(
        '"listing.withdraw": {ListingState.LISTED: ListingState.WITHDRAWN}',
        '"listing.withdraw": dict.fromkeys((ListingState.LISTED, ListingState.RESERVED), ListingState.WITHDRAWN)',
        "DID NOT RAISE",
    ),
    "seller: resells what he sold": Without(
        "[c for c in self.live if c.owner != self.offered.requester and self._counted(c)]",
        "[]",
        "DID NOT RAISE",
        "cropped",
    ),
    "seller: registers what another is registering": Without(
        "        self._index.refresh(connection)\n        complete",
        "        complete",
        r"assert \['allowed', 'allowed'\] == \['allowed', ",
    ),
    "seller: parks a stolen item with an accomplice": Without(
        "        if self.claim:\n",
        "        if self.claim == self.seller:\n",
        "listing.* whose owner is disputed|DID NOT RAISE",
    ),
    "seller: floods the gate": Without(
        "quota.count(connection, name, now_ms=now_ms)",
        "quota.check(connection, name, now_ms=now_ms)",
        "similar_registered",
    ),
    "buyer: fake fingerprint": Without(
        "return seller.fingerprint_root == buyer.fingerprint_root and ",
        "return ",
        "assert 'MATCHED' == 'MISMATCHED'",
    ),
    "buyer: denies receipt": Without(
        "(Decision.DELIVERED, _S.SETTLED, _O.DECIDED)",
        "(Decision.DELIVERED, _S.REFUNDED, _O.FAULT)",
        "'REFUNDED', 'fault'",
        "undecryptable",
    ),
    "buyer: never confirms": Without(
        'Default(_S.SENT, "receive", _S.SETTLED, _O.AUTO_RELEASED)',
        'Default(_S.SENT, "receive", _S.REFUNDED, _O.NOT_RELAYED)',
        "'not_relayed' == 'auto_released'",
        "SENT",
    ),
    "buyer: never opens": Without(
        "(TradeState.SETTLED, Outcome.BUYER_SILENT): _TO_SELLER",
        "(TradeState.SETTLED, Outcome.BUYER_SILENT): _BACK",
        "assert 500 == 0",
        "DISPUTED",
    ),
    "buyer: disputes everything": Without(
        "Rule(Receiver.SELLER, Receiver.SELLER, (Part.BUYER_BOND,))",
        "Rule(Receiver.BUYER, Receiver.SELLER, (Part.BUYER_BOND,))",
        "assert 300 == 0",
    ),
    "buyer: pays twice with one coin": Without(
        "        tx.delete(state.coin(coin_id))\n",
        "",
        r"\['VALID', 'VALID'\] == ",
    ),
    "buyer: replays another's intent": Without(
        "        if known is not None:\n            return _replay(known, intent)\n",
        "",
        "assert None is True",
    ),
    "buyer: reads another's trade, package or fingerprint": Without(
        "            raise _unknown()\n",
        '            return "buyer"\n',
        r"assert \{200, .*\} == \{404\}",
    ),
    "platform: rewrites a board row": Without(
        "    elif leaves:\n        reason = Reason.REWRITTEN\n",
        "",
        "Verdict.OPEN",
    ),
    "platform: deletes a board row": Without(
        "Reason.UNANCHORED if ledger.now_ms >= due_ms else Reason.NOT_DUE",
        "Reason.NOT_DUE",
        "Verdict.OPEN",
    ),
    "platform: backdates a board row": Without(
        '            "received_at": times.to_text(self.received_at_ms),\n',
        "",
        "Verdict.PROVEN: 'proven'> != <Verdict.AT_FAULT",
    ),
    "platform: drops a board entry between anchors": Without(
        "if one not in there and",
        "if one in there and",
        "assert .* == \\[\\{'signer'|assert .*'trade'",
    ),
    "platform: forges a notice": Without(
        "    _check_author(notice, signed.signer)\n",
        "",
        "DID NOT RAISE",
    ),
    "platform: withholds a relay receipt": Without(
        "(TradeState.REFUNDED, Outcome.NOT_RELAYED): _BACK",
        "(TradeState.REFUNDED, Outcome.NOT_RELAYED): _TO_BUYER",
        "assert 11001 == ",
    ),
    "platform: withholds a check": Without(
        'Default(_S.RECEIVED, "check", _S.MATCHED)',
        'Default(_S.RECEIVED, "check", _S.MISMATCHED)',
        "'MISMATCHED' == 'MATCHED'",
    ),
    "platform: withholds an acknowledgement": Without(
        "            Actor.PLATFORM: self.platform_msp,\n",
        "            Actor.PLATFORM: self.platform_msp,\n            Actor.BUYER: self.platform_msp,\n",
        "not_permitted: only PlatformMSP may submit trade.ack",
    ),
    "platform: withholds a receipt": Without(
        "txid=txid, undecided=True",
        "txid=txid, undecided=False",
        "gateway_answer",
    ),
    "platform: serves one view to one party and another to the next": Without(
        "anchor is not None and anchor.tree == tree",
        "anchor is not None",
        "Reason.ANCHORED",
    ),
    "platform: reads a package": Without(
        "aead.encrypt_into(layout.nonce(number, last=last), plaintext, associated, chunk)",
        "chunk[: len(plaintext)] = plaintext",
        "assert not .*",
    ),
    "platform: moves escrow": Without(
        "    if any(coin.owner != tx.signer for coin in coins):\n",
        "    if any(not coin.owner for coin in coins):\n",
        "coin_of_another",
        "FUNDED",
    ),
    "platform: mints": Without(
        "    if tx.signer != issuer.account:\n",
        "    if not tx.signer:\n",
        "wrong_actor: .* may not mint",
    ),
    "platform: lists without the owner": Without(
        "        if address != self.owner:\n",
        "        if not address:\n",
        "wrong_actor: .* does not own",
    ),
    "platform: decides its own trade": Without(
        "all(arbiter.msp_id != config.platform.msp_id for arbiter in arbiters)",
        "bool(arbiters)",
        "DID NOT RAISE",
    ),
    "organisation: one organisation's peer and chaincode altered to lie": Without(
        "policy=policy or all_of(SignedBy(supervisor), any_of(*others)),",
        "policy=any_of(SignedBy(supervisor), *others),",
        "DID NOT RAISE EndorseError",
        "embedded-TraderMSP",
    ),
    "organisation: two trading organisations together": Without(
        "policy=policy or all_of(SignedBy(supervisor), any_of(*others)),",
        "policy=OutOf(2, (SignedBy(supervisor), *others)),",
        "VALID.* is <Code.ENDORSEMENT_POLICY_FAILURE",
    ),
    "gateway: holds back": Without(
        "state.MARKET, state.EPOCH, own",
        "state.MARKET, own",
        "'VALID' == 'MVCC_READ_CONFLICT'",
        "nobody else acts",
        also=(
            Edit(
                "chaincode/calling.py",
                "            await read_epoch(reader),\n            intent=intent,\n",
                "            None,\n            intent=intent,\n",
            ),
        ),
    ),
    "gateway: reorders": Without(
        '    tx.put(key, {"cancelled": True, "digest": "", "response": None, "tx": tx.tx_id})\n',
        "",
        r"\['VALID', 'VALID'\] == ",
        "intent.cancel",
    ),
    "gateway: drops": Without(
        "    if now_ms > intent.expires_at_ms:\n",
        "    if now_ms < 0:\n",
        "DID NOT RAISE|expired",
    ),
    "gateway: replays": Without(
        "            return _replay(known, intent)\n",
        "            pass\n",
        "assert None is True",
    ),
    "outsider: eavesdrops on all wires": Without(
        "grpc.secure_channel(self._target, credentials, options=self._options)",
        "grpc.insecure_channel(self._target, options=self._options)",
        "this is no TLS",
        also=(
            Edit(
                "network/embedded/endpoints.py",
                'add_secure_port(f"{host}:{port}", grpc.ssl_server_credentials([pair]))',
                'add_insecure_port(f"{host}:{port}")',
            ),
        ),
    ),
    "outsider: replays requests": Without(
        "        if not fresh:\n",
        "        if fresh is None:\n",
        r"\(200, .* == \(401, ",
    ),
    "outsider: scans ids": Without(
        "return self.state is TradeState.EVIDENCED and role == self.decider",
        "return self.state is TradeState.EVIDENCED and self.role(account) == self.decider",
        "assert 403 in ",
        "with an account",
        also=(Edit("platform/trades/view.py", "        role = self.role(account)\n", ""),),
    ),
}
"""By attack. Where a transaction in memory is audited, it may be the auditor's rules by which the test fails."""


@pytest.fixture(scope="module")
def missed() -> Iterator[list[str]]:
    played: list[str] = []
    yield played
    show(f"guards of attacks switched off: {len(played)} of {len(SWITCHED_OFF)}, each missed by its attack's test")


@pytest.fixture(scope="module")
def nodes() -> frozenset[str]:
    return frozenset(all_tests(ROOT))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SWITCHED_OFF)
def test_attack_succeeds_without_its_guard(
    name: str, tmp_path: Path, nodes: frozenset[str], missed: list[str]
) -> None:
    attack, without = ATTACKS[name], SWITCHED_OFF[name]
    (node,) = attacks.nodes_named(nodes, attack.test)
    path, _, symbol = attack.guard.partition("::")
    test = f"{node}[{without.case}]" if without.case else node
    check_caught(Mutant(path, without.old, without.new, test, without.reason, without.also), tmp_path, symbol)
    missed.append(name)
