"""An audit goes on when the channel changes in the middle, and finds what somebody changed who may not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from countermark.audit.errors import AuditError
from countermark.audit.policy import defined_policy
from countermark.network.blocks import (
    Block,
    ChaincodeDefinition,
    ChannelConfig,
    MetaPolicy,
    OutOf,
    Policy,
    SignedBy,
    SignedByIdentity,
    all_of,
    any_of,
)
from countermark.network.configuration import (
    with_batch,
    with_msp,
    with_orderer_organisation,
    with_organisation,
    without_orderer_organisation,
    without_organisation,
)
from countermark.network.genesis import Batch, Endpoint, OrdererOrganisation, PeerOrganisation
from countermark.network.identities import Msp, Organisation, Role, SerializedIdentity
from tests.support.reconfiguration import newcomer, numbered
from tests.unit.audit.chains import Act, Chain, envelope, opened, pay, with_codes
from tests.unit.audit.governed import (
    commitment,
    configuration,
    endorsed_by,
    market_rule,
    reconfigure,
)

DIFFERS = "validation_differs"
THREE = ("PlatformMSP", "TraderMSP")
FOUR = (*THREE, "NewcomerMSP")
QUERY = Act("market.show")


@pytest.fixture(scope="session")
def fourth(tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    organisation = newcomer(tmp_path_factory.mktemp("joining") / "newcomer")
    organisation.issue("orderer0", Role.ORDERER)
    return organisation


@pytest.fixture
def joining(fourth: Organisation) -> Callable[[ChannelConfig], ChannelConfig]:
    return lambda config: with_organisation(config, PeerOrganisation(fourth.msp))


def batch(config: ChannelConfig) -> ChannelConfig:
    return with_batch(config, Batch(max_messages=9))


Join = Callable[[ChannelConfig], ChannelConfig]

# What holds


def test_an_organisation_joins_and_submits_from_then_on(chain: Chain, fourth: Organisation, joining: Join) -> None:
    reconfigure(chain, joining)
    peers = [chain.network.peer(name) for name in ("platform", "supervisor")]
    chain.add(endorsed_by(chain, pay(), peers, fourth.identity("gateway")))
    audit = chain.replay()
    assert (audit.height, audit.invalid) == (7, 0)
    assert audit.history["coin/c.0"][0].transaction.creator_msp == "NewcomerMSP"


def test_before_it_has_joined_it_submits_nothing(chain: Chain, fourth: Organisation, joining: Join) -> None:
    peers = [chain.network.peer(name) for name in ("platform", "supervisor")]
    chain.add(endorsed_by(chain, pay(), peers, fourth.identity("gateway")))
    assert chain.found() == (DIFFERS, 5, 0)


def test_after_it_has_left_it_submits_nothing(chain: Chain, fourth: Organisation, joining: Join) -> None:
    reconfigure(chain, joining)
    reconfigure(chain, lambda config: without_organisation(config, "NewcomerMSP"), "platform", "supervisor", "trader")
    peers = [chain.network.peer(name) for name in ("platform", "supervisor")]
    raw = endorsed_by(chain, pay(), peers, fourth.identity("gateway"))
    chain.add(raw, codes=[4])
    assert chain.replay().invalid == 1
    chain.blocks.pop()
    chain.add(raw)
    assert chain.found() == (DIFFERS, 7, 0)


def test_a_renewed_authority_counts_from_then_on(chain: Chain, tmp_path: Path) -> None:
    renewed = Organisation.create(tmp_path / "renewed", "TraderMSP", "trader.example")
    client = renewed.issue("gateway", Role.CLIENT)
    assert client.certificate_file.exists()
    peers = [chain.network.peer(name) for name in ("platform", "supervisor")]

    def both(config: ChannelConfig) -> ChannelConfig:
        return with_msp(config, Msp("TraderMSP", (*old.root_certs, *renewed.msp.root_certs), old.tls_root_certs))

    old = chain.network.organisations["trader"].msp
    raw = endorsed_by(chain, pay(), peers, renewed.identity("gateway"))
    chain.add(raw)
    assert chain.found() == (DIFFERS, 5, 0)
    chain.blocks.pop()
    reconfigure(chain, both, "trader").add(raw)
    assert chain.replay().height == 7


def test_orderers_change_and_each_block_is_judged_by_those_before_it(chain: Chain, fourth: Organisation) -> None:
    second = OrdererOrganisation(fourth.msp, (Endpoint("127.0.0.1", 7150),))
    theirs = fourth.identity("orderer0")
    reconfigure(chain, lambda config: with_orderer_organisation(config, second), "orderer")
    chain.add(pay(), orderer=theirs)
    raw = configuration(
        chain,
        lambda config: without_orderer_organisation(config, "OrdererMSP"),
        ("orderer",),
        administrators=[fourth.identity("admin")],
    )
    # The block by which the first orderers leave is theirs to sign; the next is not.
    chain.append([raw], last_config=7).add(QUERY, orderer=theirs)
    assert chain.replay().height == 9
    chain.add(QUERY)
    assert chain.found() == ("orderer_signature", 9, -1)


def test_what_two_configurations_later_holds_is_the_last_one(chain: Chain, joining: Join) -> None:
    reconfigure(chain, batch, "orderer").add(pay())
    reconfigure(chain, joining).add(QUERY)
    assert [block.last_config for block in chain.blocks[4:]] == [0, 5, 5, 7, 7]
    assert chain.replay().height == 9


# What somebody may try with the configuration

Forge = Callable[[Chain, Join, Organisation], list[Block]]


def sign_alone(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    return reconfigure(chain, join, "platform").blocks


def sign_as_those_who_join(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    return reconfigure(chain, join, "platform", administrators=[fourth.identity("admin")]).blocks


def sign_with_peers_and_clients(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    members = [chain.network.peer("supervisor"), chain.network.client("trader")]
    return reconfigure(chain, join, "platform", administrators=members).blocks


def change_blocks_as_traders(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    return reconfigure(chain, batch, "platform", "supervisor", "trader").blocks


def say_more_than_was_signed(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    return reconfigure(chain, batch, "orderer", claimed=lambda config: numbered(join(batch(config)), 1)).blocks


def say_less_than_was_signed(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    return reconfigure(chain, join, claimed=lambda config: numbered(config, 1)).blocks


def skip_a_sequence(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    return reconfigure(chain, batch, "orderer", claimed=lambda config: numbered(batch(config), 2)).blocks


def repeat_an_update(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    reconfigure(chain, join)
    raw = chain.blocks[-1].transactions[0].raw
    return chain.append([raw], last_config=6).blocks


def take_an_update_of_before(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    raw = configuration(chain, join)
    reconfigure(chain, lambda config: without_organisation(config, "TraderMSP"))
    return chain.append([raw], last_config=6).blocks


def submit_a_configuration_as_a_stranger(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    return reconfigure(chain, join, orderer=fourth.identity("admin")).blocks


def hide_a_configuration_from_the_index(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    return chain.append([configuration(chain, join)], last_config=0).blocks


def point_back_at_the_old_configuration(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    reconfigure(chain, join)
    return chain.append([envelope(chain.network, pay())], last_config=0).blocks


def call_a_configuration_invalid(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    reconfigure(chain, join)
    return [*chain.blocks[:5], with_codes(chain.blocks[5], 24)]


def put_a_payment_beside_a_configuration(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    return chain.append([configuration(chain, join), envelope(chain.network, pay())], last_config=5).blocks


def let_the_newcomer_order(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    return reconfigure(chain, join).add(pay(), orderer=fourth.identity("orderer0")).blocks


def put_another_in_the_supervisors_place(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    impostor = PeerOrganisation(replace(fourth.msp, msp_id="SupervisorMSP"))
    reconfigure(chain, lambda config: without_organisation(config, "SupervisorMSP"), "platform", "trader")
    return reconfigure(chain, lambda config: with_organisation(config, impostor), "platform", "trader").blocks


def change_the_supervisors_certificates(chain: Chain, join: Join, fourth: Organisation) -> list[Block]:
    impostor = replace(fourth.msp, msp_id="SupervisorMSP")
    return reconfigure(chain, lambda config: with_msp(config, impostor), "platform", "trader").blocks


FORGED: dict[Forge, tuple[str, int, int]] = {
    sign_alone: ("update_not_signed", 5, 0),
    sign_as_those_who_join: ("update_not_signed", 5, 0),
    sign_with_peers_and_clients: ("update_not_signed", 5, 0),
    change_blocks_as_traders: ("update_not_signed", 5, 0),
    say_more_than_was_signed: ("configuration_differs", 5, 0),
    say_less_than_was_signed: ("configuration_differs", 5, 0),
    skip_a_sequence: ("wrong_sequence", 5, 0),
    repeat_an_update: ("stale_update", 6, 0),
    take_an_update_of_before: ("stale_update", 6, 0),
    submit_a_configuration_as_a_stranger: ("unknown_msp", 5, 0),
    hide_a_configuration_from_the_index: ("wrong_last_config", 5, -1),
    point_back_at_the_old_configuration: ("wrong_last_config", 6, -1),
    call_a_configuration_invalid: (DIFFERS, 5, 0),
    put_a_payment_beside_a_configuration: ("not_a_config_block", 5, -1),
    let_the_newcomer_order: ("orderer_signature", 6, -1),
    put_another_in_the_supervisors_place: ("party_missing", 5, -1),
    change_the_supervisors_certificates: ("update_not_signed", 5, 0),
}


@pytest.mark.parametrize("attack", FORGED, ids=lambda attack: attack.__name__)
def test_a_configuration_that_does_not_hold_is_found_and_located(
    chain: Chain, joining: Join, fourth: Organisation, attack: Forge, located: list[str]
) -> None:
    assert chain.found(attack(chain, joining, fourth)) == FORGED[attack]
    located.append(attack.__name__)


# The chaincode's definition


def test_a_new_policy_holds_from_the_next_block_on_and_not_before(
    chain: Chain, fourth: Organisation, joining: Join
) -> None:
    """The newcomer endorses when the definition says so, not yet when he has joined or in the block of the commit."""
    chain.add(commitment(chain, market_rule(*THREE)))
    reconfigure(chain, joining)
    members = [chain.network.peer("supervisor"), fourth.identity("peer0")]
    raw = endorsed_by(chain, pay(), members, chain.network.client())
    new = commitment(chain, market_rule(*FOUR), sequence=2, endorsers=("platform", "supervisor", "trader"))
    for codes in ([0, 10], [0, 0]):
        chain.add(new, raw, codes=codes)
        if codes == [0, 0]:
            assert chain.found() == (DIFFERS, 7, 1)
        else:
            assert chain.replay().invalid == 1
        chain.blocks.pop()
    chain.add(new).add(raw)
    assert chain.replay().history["coin/c.0"][0].endorsers == ("NewcomerMSP", "SupervisorMSP")


def test_a_policy_that_is_stricter_than_the_markets_is_kept(chain: Chain) -> None:
    chain.add(commitment(chain, all_of(*map(SignedBy, ("SupervisorMSP", *THREE)))))
    chain.add(pay())
    assert chain.found() == (DIFFERS, 6, 0)
    chain.blocks.pop()
    chain.add(replace(pay(), endorsers=("platform", "supervisor", "trader")))
    assert chain.replay().height == 7


def test_a_majority_of_four_is_three(chain: Chain, joining: Join) -> None:
    reconfigure(chain, joining)
    chain.add(commitment(chain, market_rule(*FOUR)))
    assert chain.found() == (DIFFERS, 6, 0)
    chain.blocks.pop()
    chain.add(commitment(chain, market_rule(*FOUR), endorsers=("platform", "supervisor", "trader")))
    assert chain.replay().height == 7


def test_a_definition_that_a_minority_has_committed_is_found(chain: Chain) -> None:
    chain.add(commitment(chain, market_rule(*THREE), endorsers=("supervisor",)))
    assert chain.found() == (DIFFERS, 5, 0)


def test_a_definition_that_does_without_the_supervisor_is_found(chain: Chain) -> None:
    chain.add(commitment(chain, all_of(*map(SignedBy, THREE))))
    assert chain.found() == ("policy_too_weak", 5, -1)


def test_a_definition_that_another_plugin_judges_is_found(chain: Chain) -> None:
    chain.add(commitment(chain, market_rule(*THREE), plugin="yes"))
    assert chain.found() == ("unsupported_definition", 5, -1)


PEERS = {name: SignedBy(f"{name}MSP") for name in ("Platform", "Supervisor", "Trader")}
P, S, T = PEERS["Platform"], PEERS["Supervisor"], PEERS["Trader"]
WEAK: dict[str, tuple[Policy | MetaPolicy, Policy]] = {
    "anybody": (any_of(P, S, T), all_of(P, S)),
    "the supervisor alone": (all_of(S, S), all_of(P, S)),
    "two of three": (OutOf(2, (P, S, T)), all_of(P, S)),
    "everybody but the supervisor": (all_of(P, T), all_of(P, S)),
    "five of the platform's": (any_of(all_of(S, T), OutOf(5, (P,) * 5)), all_of(P, S)),
    "clients of the others": (all_of(S, any_of(SignedBy("TraderMSP", Role.CLIENT), P)), all_of(P, S)),
    "any member of the supervisor's": (all_of(SignedBy("SupervisorMSP", None), any_of(P, T)), all_of(P, S)),
    "nobody": (OutOf(0, ()), all_of(P, S)),
    "a majority": (MetaPolicy(2, (P, S, T)), all_of(P, S)),
    "fingerprints without the platform": (all_of(S, any_of(P, T)), all_of(S, T)),
    "fingerprints without the supervisor": (all_of(S, any_of(P, T)), all_of(P, T)),
    "fingerprints by one of the two": (all_of(S, any_of(P, T)), any_of(P, S)),
}
STRONG: dict[str, tuple[Policy | MetaPolicy, Policy]] = {
    "the market's": (all_of(S, any_of(P, T)), all_of(P, S)),
    "in another order": (all_of(any_of(T, P), S), all_of(S, P)),
    "one other only": (all_of(S, T), all_of(P, S)),
    "all": (MetaPolicy(3, (P, S, T)), all_of(P, S, T)),
    "said in two ways": (any_of(all_of(S, P), all_of(T, S)), all_of(P, S)),
}


@pytest.mark.parametrize("case", [*WEAK, *STRONG])
def test_a_policy_is_judged_by_whose_signatures_it_can_do_without(chain: Chain, case: str) -> None:
    policy, collection = (WEAK | STRONG)[case]
    definition = ChaincodeDefinition("countermark", 1, "1.0", policy, {"fingerprints": collection})

    def judge() -> None:
        defined_policy(chain.network.config, definition, platform="PlatformMSP", supervisor="SupervisorMSP")

    if case in STRONG:
        judge()
        return
    with pytest.raises(AuditError, match="policy_too_weak"):
        judge()


def test_a_policy_of_single_certificates_is_not_told_apart_and_so_refused(chain: Chain) -> None:
    network = chain.network
    own = SignedByIdentity(SerializedIdentity("TraderMSP", network.peer("trader").certificate_pem))
    chain.add(commitment(chain, all_of(S, any_of(P, own))))
    assert chain.found() == ("policy_too_weak", 5, -1)


def test_accounts_are_opened_under_a_definition_as_without(chain: Chain) -> None:
    chain.add(commitment(chain, market_rule(*THREE))).add(opened("arbiter"))
    assert chain.replay().height == 7
