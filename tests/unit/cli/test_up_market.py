"""The configuration that `countermark up` founds a market with."""

from countermark.cli.up.ledgers.embedded import TIME_WINDOW_S
from countermark.cli.up.market import RoleKeys, default_market
from countermark.protocol import market, market_rules
from tests.support.market import PLATFORM, SUPERVISOR, TRADER, Actor, actor


def role(who: Actor) -> RoleKeys:
    return RoleKeys(who.msp, who.address, who.encryption)


def test_it_is_one_that_the_contracts_accept() -> None:
    config = default_market(
        platform=role(actor("platform", PLATFORM)),
        supervisor=role(actor("supervisor", SUPERVISOR)),
        arbiters=(role(actor("arbiter", SUPERVISOR)), role(actor("substitute", SUPERVISOR))),
        issuer=actor("issuer", PLATFORM).address,
        members=(TRADER,),
        guard_s=TIME_WINDOW_S,
    )
    assert market.parse(config.to_json()) == config
    market_rules.check(config)
