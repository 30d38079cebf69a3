"""Bundles that somebody has forged who holds keys of the consortium: each is found, and where.

The attacks on ledgers are those of `test_audit_attacks` and `test_audit_collusion`, each handed over as a bundle
whose digest is good, to readers who know the genesis block and to such as know the root certificates.
"""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from countermark.audit.bundles import Subject, export
from countermark.audit.errors import AuditError
from countermark.audit.roots import Roots, read_roots, write_roots
from countermark.network.blocks import Block, build_block, parse_block, read_config, with_validation_codes
from countermark.network.genesis import OrdererOrganisation, PeerOrganisation, genesis_block
from countermark.network.identities import Organisation, Role
from tests.support.bundled import bundled, judged, manifest, roots_of, serialized
from tests.unit.audit.chains import Chain, altered, pay
from tests.unit.audit.test_audit_attacks import ATTACKS, begin_with_another_genesis_block
from tests.unit.audit.test_audit_collusion import ATTACKS as COLLUSIONS
from tests.unit.network.consortium import Network, now_ms

Attack = Callable[[Chain], list[Block]]
Place = tuple[str, int, int]


def found(data: bytes, *, genesis: bytes = b"", roots: Roots | None = None, market: str = "") -> Place:
    with pytest.raises(AuditError) as caught:
        judged(data, genesis=genesis, roots=roots, market=market)
    return caught.value.code, caught.value.block, caught.value.transaction


@pytest.mark.requirement("R11", "R17")
@pytest.mark.parametrize("trust", ["genesis", "roots"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_on_the_ledger_is_found_in_a_bundle(
    attack: Attack, trust: str, chain: Chain, located: list[str]
) -> None:
    genesis, roots = chain.genesis, roots_of(chain.blocks[0])
    data = bundled(attack(chain))
    if trust == "genesis":
        assert found(data, genesis=genesis) == ATTACKS[attack]
    elif attack is begin_with_another_genesis_block:
        # By the roots alone it is the ledger of another channel of this consortium, signed by its orderer.
        assert judged(data, roots=roots).genesis != genesis
    else:
        assert found(data, roots=roots) == ATTACKS[attack]
    located.append(attack.__name__)


@pytest.mark.requirement("R11", "R17")
@pytest.mark.parametrize("attack", COLLUSIONS, ids=lambda attack: attack.__name__)
def test_what_all_endorsers_together_may_not_do_is_found_in_a_bundle(
    attack: Attack, chain: Chain, located: list[str]
) -> None:
    roots, blocks = roots_of(chain.blocks[0]), attack(chain)
    assert found(bundled(blocks), roots=roots) == (COLLUSIONS[attack], len(blocks) - 1, 0)
    located.append(attack.__name__)


def test_a_block_made_anew_from_its_members_is_the_same(chain: Chain) -> None:
    """Else the attacks above could be found for another reason than theirs."""
    assert [serialized(block) for block in chain.blocks] == [block.serialized for block in chain.blocks]


# Whose genesis block


def _ledger_of(network: Network, genesis: bytes, chain: Chain) -> list[Block]:
    """A ledger from `genesis` on with the transactions of `chain`, ordered by the orderer of `network`."""
    blocks = [parse_block(genesis)]
    for old in chain.blocks[1:]:
        data = build_block(
            old.number,
            blocks[-1].header_hash,
            [one.raw for one in old.transactions],
            last_config=0,
            orderer=network.orderer,
        )
        blocks.append(parse_block(with_validation_codes(data, [0] * len(old.transactions))))
    return blocks


def give_the_supervisor_ones_own_root(network: Network, _own: Organisation) -> bytes:
    """The trader's authority speaks for the supervisor, and the supervisor's for the trader: all roots are known."""
    definition = network.definition()
    swap = {"SupervisorMSP": "TraderMSP", "TraderMSP": "SupervisorMSP"}
    organisations = tuple(
        replace(one, msp=replace(one.msp, msp_id=swap.get(one.msp.msp_id, one.msp.msp_id)))
        for one in definition.organisations
    )
    return genesis_block(replace(definition, organisations=organisations), now_ms=now_ms())


def order_with_ones_own_authority(network: Network, _own: Organisation) -> bytes:
    """A member's authority can issue a certificate of an orderer like any other."""
    definition = network.definition()
    (orderer,) = definition.orderers
    own = OrdererOrganisation(network.organisations["trader"].msp, orderer.endpoints)
    return genesis_block(replace(definition, orderers=(own,)), now_ms=now_ms())


def give_the_orderers_ones_own_root(network: Network, own: Organisation) -> bytes:
    definition = network.definition()
    (orderer,) = definition.orderers
    msp = replace(own.msp, msp_id="OrdererMSP")
    return genesis_block(
        replace(definition, orderers=(OrdererOrganisation(msp, orderer.endpoints),)), now_ms=now_ms()
    )


def add_a_root_to_the_supervisors(network: Network, own: Organisation) -> bytes:
    definition = network.definition()
    organisations = tuple(
        replace(one, msp=replace(one.msp, root_certs=(*one.msp.root_certs, *own.msp.root_certs)))
        if one.msp.msp_id == "SupervisorMSP"
        else one
        for one in definition.organisations
    )
    return genesis_block(replace(definition, organisations=organisations), now_ms=now_ms())


def add_an_organisation(network: Network, own: Organisation) -> bytes:
    definition = network.definition()
    one = PeerOrganisation(own.msp, definition.organisations[0].anchor_peers)
    return genesis_block(replace(definition, organisations=(*definition.organisations, one)), now_ms=now_ms())


GENESIS = (
    give_the_supervisor_ones_own_root,
    order_with_ones_own_authority,
    give_the_orderers_ones_own_root,
    add_a_root_to_the_supervisors,
    add_an_organisation,
)


@pytest.mark.requirement("R17")
@pytest.mark.parametrize("forge", GENESIS, ids=lambda forge: forge.__name__)
def test_a_genesis_block_of_ones_own_is_found(
    forge: Callable[[Network, Organisation], bytes], chain: Chain, tmp_path: Path, located: list[str]
) -> None:
    own = Organisation.create(tmp_path / "own", "OwnMSP", "own.example")
    own.issue("peer0", Role.PEER)
    roots = roots_of(chain.blocks[0])
    blocks = _ledger_of(chain.network, forge(chain.network, own), chain)
    assert found(bundled(blocks), roots=roots) == ("foreign_root", 0, -1)
    assert found(bundled(blocks), genesis=chain.genesis) == ("genesis_differs", 0, -1)
    located.append(forge.__name__)


def test_wrong_roots_are_refused(chain: Chain, tmp_path: Path) -> None:
    data, roots = bundled(chain.blocks), roots_of(chain.blocks[0])
    other = Network.create(tmp_path / "other")
    assert found(data, roots=roots_of(other.genesis())) == ("foreign_root", 0, -1)
    for missing in roots.members:
        members = {msp_id: one for msp_id, one in roots.members.items() if msp_id != missing}
        assert found(data, roots=replace(roots, members=members)) == ("foreign_root", 0, -1)
    assert found(data, roots=replace(roots, orderers={})) == ("foreign_root", 0, -1)
    more = replace(roots, members={**roots.members, "LaterMSP": frozenset({b"x" * 32})})
    assert judged(data, roots=more).blocks == len(chain.blocks)


def test_a_bundle_of_another_market_is_refused(chain: Chain) -> None:
    data, roots = bundled(chain.blocks), roots_of(chain.blocks[0])
    assert found(data, roots=roots, market="market/other") == ("other_market", -1, -1)
    assert judged(data, roots=roots, market="market/countermark").blocks == len(chain.blocks)
    about = manifest(Subject("blocks", first=0, last=len(chain.blocks) - 1), channel="other")
    assert found(bundled(chain.blocks, about=about), roots=roots, market="other/countermark") == (
        *("bundle_differs", 0),
        -1,
    )


def test_other_roles_than_those_of_the_ledger_are_refused(chain: Chain) -> None:
    """An organisation that names itself as the platform would have its endorsements count as the platform's."""
    about = replace(manifest(Subject("blocks", first=0, last=4)), platform="TraderMSP")
    assert found(bundled(chain.blocks, about=about), genesis=chain.genesis)[0] in (
        *("market_differs", "validation_differs"),
    )
    about = replace(about, platform="NobodyMSP")
    assert found(bundled(chain.blocks, about=about), genesis=chain.genesis) == ("party_missing", 0, -1)


@pytest.mark.parametrize("signer", ["platform", "supervisor", "trader"])
def test_a_trade_that_one_organisation_has_resigned_is_found(signer: str, chain: Chain) -> None:
    """It alters the last payment and endorses that anew; the orderer and the digest are with it."""
    blocks = chain.remade(4, lambda all_: [altered(chain.network, all_[0], b'"700"', b'"900"', signer=signer)])
    assert found(bundled(blocks), roots=roots_of(blocks[0])) == ("validation_differs", 4, 0)


# Roots as files


def test_roots_are_written_and_read(chain: Chain, tmp_path: Path) -> None:
    written = write_roots(chain.blocks[0], tmp_path / "roots")
    assert {path.relative_to(tmp_path / "roots").as_posix() for path in written} == {
        *("members/PlatformMSP.pem", "members/SupervisorMSP.pem", "members/TraderMSP.pem"),
        "orderers/OrdererMSP.pem",
    }
    assert read_roots(tmp_path / "roots") == roots_of(chain.blocks[0])
    with pytest.raises(AuditError, match="not_written"):
        write_roots(chain.blocks[0], tmp_path / "roots")


@pytest.mark.parametrize("damage", ["no folder", "no members", "empty", "rubbish", "empty file"])
def test_roots_that_are_not_there_are_refused(damage: str, chain: Chain, tmp_path: Path) -> None:
    folder = tmp_path / "roots"
    if damage != "no folder":
        for path in write_roots(chain.blocks[0], folder):
            if (damage == "no members" and path.parent.name == "members") or damage == "empty":
                path.unlink()
            elif damage in ("rubbish", "empty file") and path.stem == "OrdererMSP":
                path.write_bytes(b"rubbish" if damage == "rubbish" else b"")
    with pytest.raises(AuditError, match="no_roots"):
        read_roots(folder)


@pytest.mark.parametrize("msp_id", ["../x", "a/b", "", "x\0y"])
def test_an_organisation_whose_name_is_no_file_name_is_not_written(
    msp_id: str, chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = read_config(chain.blocks[0])
    one = config.organisations.msp("TraderMSP")
    named = replace(config, organisations=type(config.organisations)([replace(one, msp_id=msp_id)]))
    monkeypatch.setattr("countermark.audit.roots.read_config", lambda _block: named)
    with pytest.raises(AuditError, match="not_written"):
        write_roots(chain.blocks[0], tmp_path / "roots")


def test_a_block_without_configuration_names_no_roots(chain: Chain, tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="not_a_config_block"):
        write_roots(chain.blocks[1], tmp_path / "roots")


def test_whoever_exports_judges_by_roots_too(chain: Chain) -> None:
    chain.add(pay())
    span = manifest(Subject("blocks", first=0, last=5))
    verdict, _ = export(chain.blocks, BytesIO(), span, roots=roots_of(chain.blocks[0]))
    assert verdict.blocks == 6
