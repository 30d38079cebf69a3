"""Requirements whose guard (docs/requirements.toml) is switched off: a test that shows the requirement must fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generators import requirements
from docs.generators.markers import marked_tests
from tests.support.figures import show
from tests.support.mutants import ROOT, Mutant, check_caught

GUARDS = {row.id: row.guard for section in requirements.load_sections(ROOT) for row in section.requirements}

SWITCHED_OFF = {
    "R1": (
        "        if address == self.terms.seller:\n",
        '        if address == "":\n',
        "contract/test_trade_path.py::test_new_owner_sells_the_same_contract_to_a_third_party[memory]",
        "wrong_actor",
    ),
    "R2": (
        "state=ListingState.SOLD, owner=terms.buyer",
        "state=ListingState.SOLD",
        "contract/test_trade_path.py::test_ownership_passes_and_only_the_new_owner_relists[memory]",
        "record_differs: trade.confirm does not make owner",
    ),
    "R8": (
        'if not _ES256.verify(token.rpartition(".")[0].encode(), signature, _verification_key(signer)):',
        "if not _verification_key(signer):",
        "unit/protocol/test_jws.py::test_refuses_a_signature_that_is_not_that_of_kid",
        "DID NOT RAISE",
    ),
    "R9": (
        "        await _check_free(tx, await tx.find(state.exact(key)))\n",
        "        await tx.find(state.exact(key))\n",
        "contract/test_listings.py::test_exact_copy_is_refused_whatever_its_salts[memory]",
        "wrong_state: exact/",
    ),
    "R10": (
        'return _derive("dc1", market, c_f, seller, nonce)',
        'return _derive("dc1", market, seller, nonce)',
        "contract/test_listings.py::test_contract_has_an_address_its_commitments_and_no_key[memory]",
        "assert 'dc1.* == 'dc1",
    ),
    "R11": (
        '        tx.put(own, {"cancelled": False, "digest": intent.digest, "response": response, "tx": tx.tx_id})\n',
        "",
        "contract/test_trade_path.py::test_every_step_stands_in_the_log_with_transaction_and_time[memory]",
        "missing_write: .* does not write intent/",
    ),
    "R14": (
        "    tx.put(state.anchor(size), record)\n",
        "",
        "contract/test_board_anchors.py::test_board_is_anchored_as_it_grows[memory]",
        "missing_write: board.anchor does not write board/anchor/",
    ),
    "R15": (
        '    _put(change, tables.data_contracts, {"address": change.rest}, columns, first)\n',
        "    columns.update(first)\n",
        "unit/platform/test_registration.py::test_an_allowed_registration_stands_on_the_ledger_and_in_the_table",
        "assert .*None, None",
    ),
    "R17": (
        "            self._verify(block)\n",
        "            if block.number == 0:\n                self._verify(block)\n",
        "unit/audit/test_audit_attacks.py::test_is_found_and_located",
        r"== \('data_hash_mismatch', 2, -1\)",
    ),
    "R19": (
        "aead.encrypt_into(layout.nonce(number, last=last), plaintext, associated, chunk)",
        "chunk[: len(plaintext)] = plaintext",
        "unit/platform/test_relay.py::test_the_platform_holds_nothing_of_the_data_in_the_clear",
        r"""assert b['"].* not in b['"]cmpkg/""",
    ),
    "R20": (
        "                self._seen = rows[-1].seq\n",
        "",
        "unit/platform/test_matching_search.py::test_the_index_takes_in_only_what_is_new",
        r"assert \(1, 1\) == \(1, 0\)",
    ),
    "R26": (
        "[c for c in self.live if c.owner != self.offered.requester and self._counted(c)]",
        "[]",
        "unit/platform/test_matching_decision.py::test_one_resembling_registration",
        "assert .*ALLOWED.* is .*SIMILAR_REGISTERED",
    ),
    "R29": (
        'replace(listing, state=target, deadline_ms=None, awarded="")',
        'replace(listing, deadline_ms=None, awarded="")',
        "contract/test_listings.py::test_management_fee_puts_the_listing_on_the_market[memory]",
        "record_differs: listing.charge does not make state",
    ),
    "R30": (
        ".order_by(contracts.c.created_block.desc(), contracts.c.address.desc())",
        ".order_by(contracts.c.created_block)",
        "unit/platform/test_catalogue.py::test_a_buyer_browses_everything_that_is_for_sale_newest_first",
        r"assert \['dc1.* == \['dc1",
    ),
    "R34": (
        "salt + value",
        "value",
        "unit/protocol/test_commitments.py::test_the_same_data_registered_twice_shows_different_commitments",
        r"assert 'sha256:(\w+)' != 'sha256:\1'",
    ),
    "R35": (
        "    if any(coin.owner != tx.signer for coin in coins):\n",
        "    if any(not coin.owner for coin in coins):\n",
        "contract/test_trade_refusals.py::test_escrow_coin_cannot_be_spent_by_anybody[memory]",
        "coin_of_another",
    ),
    "R36": (
        "escrow=(*trade.escrow, *paid)",
        "escrow=trade.escrow",
        "contract/test_trade_path.py::test_fee_and_bond_of_the_seller_join_the_escrow[memory]",
        "record_differs: the escrow of .* is not what trade.charge has paid in",
    ),
    "R40": (
        "    _check_author(notice, signed.signer)\n",
        "",
        "unit/protocol/test_notices.py::test_refuses[signed by a stranger]",
        "DID NOT RAISE",
    ),
    "R45": (
        "        connection.execute(\n            tables.board.insert()",
        "        (connection.execute if size != 1 else str)(\n            tables.board.insert()",
        "unit/platform/test_board.py::test_both_parties_notices_of_a_trade_are_found_by_their_digests",
        "assert None is not None",
    ),
    "R46": (
        "return seller.fingerprint_root == buyer.fingerprint_root and ",
        "return ",
        "unit/platform/test_relay.py::test_the_two_notices_are_compared",
        "assert 'MATCHED' == 'MISMATCHED'",
    ),
    "R48": (
        "    paid[rule.seller_bond] += bonds[Part.SELLER_BOND]\n",
        "",
        "unit/protocol/test_settlement.py::test_each_end_pays_whom_the_protocol_names",
        "assert {<Receiver",
    ),
    "R61": (
        "weights.histogram * colour + ",
        "",
        "unit/fingerprint/test_fingerprint_paper_v0.py::test_similarity_is_the_sum_of_three_in_equal_parts",
        r"assert 0\.18\d* == 0\.275",
    ),
    "R66": (
        "    if view.committed(delivery).relayed_at_ms is None or view.state is TradeState.REFUNDED:\n",
        "    if view.state is TradeState.REFUNDED:\n",
        "unit/platform/test_relay.py::test_the_buyer_gets_the_package_only_after_sent_has_committed",
        "DID NOT RAISE",
    ),
    "R67": (
        "        yield finding\n",
        "",
        "unit/platform/test_board.py::test_tampering_is_found_and_located",
        r"assert \[\] == \[Finding",
    ),
    "R76": (
        "    tx.check_due(trade.deadline_ms, trade.terms.guard_s)\n",
        "",
        "contract/test_trade_ends.py::test_enforce_before_deadline_and_guard_is_refused[memory]",
        "too_early",
    ),
    "R77": (
        'Default(_S.MATCHED, "confirm", _S.SETTLED, _O.AUTO_RELEASED)',
        'Default(_S.MATCHED, "confirm", _S.REFUNDED, _O.NOT_RELAYED)',
        "contract/test_trade_ends.py::test_enforce_alone_ends_every_state[memory-MATCHED]",
        "assert 'REFUNDED' == 'SETTLED'",
    ),
    "R79": (
        '            "address": self.address,\n',
        '            "address": self.address,\n            "name": "Alice",\n',
        "contract/test_accounts.py::test_account_record_names_nobody[memory]",
        "Extra items in the left set",
    ),
    "R82": (
        "ciphertext = wrap(public, plaintext, info=_info(kind, market, key_version))",
        "ciphertext = plaintext + bytes(OVERHEAD)",
        "unit/protocol/test_sealed.py::test_only_the_receiver_reads_a_sealed_message",
        "assert b'a fingerprint' not in",
    ),
}
"""By requirement: what its guard says, what it says instead, the test that fails of it (under tests/), and why.

Where a transaction in memory is audited, it is often the auditor's rules by which the test fails."""

PROMISED = 20
"""Requirements, of those that have a guard, for which this is to be shown: docs/reliability.md."""


@pytest.fixture(scope="module")
def missed() -> Iterator[list[str]]:
    guards: list[str] = []
    yield guards
    show(f"guards switched off: {len(guards)} of {len(SWITCHED_OFF)}, each missed by a test of its requirement")


@pytest.fixture(scope="module")
def marked() -> frozenset[tuple[str, str]]:
    return frozenset((test.requirement, test.node) for test in marked_tests(ROOT))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SWITCHED_OFF)
def test_requirement_is_not_shown_without_its_guard(
    name: str, tmp_path: Path, marked: frozenset[tuple[str, str]], missed: list[str]
) -> None:
    old, new, test, reason = SWITCHED_OFF[name]
    node = f"tests/{test}"
    assert (name, node.partition("[")[0]) in marked, "the test says that it shows the requirement"
    path, _, symbol = GUARDS[name].partition("::")
    check_caught(Mutant(path, old, new, node, reason), tmp_path, symbol)
    missed.append(name)


def test_sample_is_as_large_as_promised() -> None:
    assert len(SWITCHED_OFF) >= PROMISED
