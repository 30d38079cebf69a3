"""The market configuration: one form, and rules that keep its parts from contradicting each other."""

from typing import Any

import pytest

from countermark.protocol import market, market_rules
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.market import MarketConfig
from tests.support.market import PLATFORM, SUPERVISOR, TRADER, actor, config_json

ARBITER, SUBSTITUTE = actor("arbiter", SUPERVISOR).party(), actor("substitute", SUPERVISOR).party()
PLATFORMS_ACCOUNT = actor("platform", PLATFORM).party()


def deadlines(**changes: dict[str, int]) -> dict[str, Any]:
    return {**config_json()["deadlines"], **changes}


def test_configuration_comes_back_from_its_json() -> None:
    document = config_json()
    config = market.parse(document)
    assert config.to_json() == document
    assert MarketConfig.from_json(document) == config
    market_rules.check(config)


@pytest.mark.parametrize(
    "changes",
    [
        {"surprise": 1},
        {"bond": 5},
        {"organisations": {"A/B": "platform"}},
        {"deadlines": {}},
        {"deadlines": deadlines(management={"default": 100, "minimum": 10})},
        {"deadlines": deadlines(send={"default": 100})},
        {"arbiters": [ARBITER]},
    ],
    ids=str,
)
def test_malformed_configuration_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(MarketError):
        market.parse(config_json(**changes))


@pytest.mark.requirement("A-44")
@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"organisations": {PLATFORM: "member", SUPERVISOR: "supervisor"}}, "one organisation is the platform"),
        ({"organisations": {PLATFORM: "platform", SUPERVISOR: "member"}}, "one organisation is the supervisor"),
        ({"platform": {**PLATFORMS_ACCOUNT, "msp_id": TRADER}}, "the platform's MSP has the platform's role"),
        ({"supervisor": {**ARBITER, "msp_id": TRADER}}, "the supervisor's MSP has the supervisor's role"),
        ({"supervisor": {**PLATFORMS_ACCOUNT, "msp_id": SUPERVISOR}}, "platform and supervisor have different"),
        (
            {"issuers": {"OutsiderMSP": {"account": ARBITER["account"], "cap": "1"}}},
            "every issuer is an organisation",
        ),
        ({"arbiters": [ARBITER, {**SUBSTITUTE, "msp_id": "OutsiderMSP"}]}, "every arbiter is of an organisation"),
        ({"arbiters": [ARBITER, SUBSTITUTE, ARBITER]}, "no arbiter is named twice"),
        ({"arbiters": [ARBITER, {**ARBITER, "msp_id": TRADER}]}, "no arbiter is named twice"),
        ({"arbiters": [ARBITER, SUBSTITUTE, {**SUBSTITUTE, "msp_id": PLATFORM}]}, "no arbiter is named twice"),
        ({"arbiters": [ARBITER, actor("clerk", PLATFORM).party()]}, "no arbiter is of the platform"),
        ({"arbiters": [ARBITER, {**PLATFORMS_ACCOUNT, "msp_id": TRADER}]}, "the platform's account is no arbiter's"),
        ({"bond": "399"}, "the bond covers the arbiter's fee"),
        ({"deadlines": deadlines(send={"default": 9, "minimum": 10})}, "no default deadline is below its minimum"),
        ({"deadlines": deadlines(send={"default": 100, "minimum": 5})}, "every deadline is longer than the guard"),
        ({"deadlines": deadlines(management={"default": 5})}, "every deadline is longer than the guard"),
        ({"deadlines": deadlines(redeem={"default": 5})}, "every deadline is longer than the guard"),
        ({"guard": 900}, "every deadline is longer than the guard"),
        ({"change_delay": 0}, "a change of the market"),
        (
            {"generators": {"accepted": ["image/v1"], "preferred": "image/v2", "required": []}},
            "preferred and required generators are accepted",
        ),
    ],
    ids=str,
)
def test_configuration_that_contradicts_itself_is_refused(changes: dict[str, Any], rule: str) -> None:
    config = market.parse(config_json(**changes))
    with pytest.raises(MarketError, match=rule) as refusal:
        market_rules.check(config)
    assert refusal.value.code is ErrorCode.MARKET_INVALID


@pytest.mark.requirement("R62")
@pytest.mark.parametrize(
    ("kind", "preferred", "all_of_them"),
    [
        ("image", "image/v2", ("image/v1", "image/v2")),
        ("text", "text/v2", ("text/v2",)),
        ("table", "table/v1", ("table/v1",)),
        ("audio", None, ()),
    ],
)
def test_of_each_kind_the_first_is_preferred_and_those_required_of_it_come_beside(
    kind: str, preferred: str | None, all_of_them: tuple[str, ...]
) -> None:
    accepted = ["image/v1", "image/v2", "text/v2", "text/v1", "table/v1"]
    generators = {"accepted": accepted, "preferred": "image/v2", "required": ["image/v1", "table/v1"]}
    config = market.parse(config_json(generators=generators))
    assert config.generators_for(kind) == all_of_them
    if preferred is None:
        with pytest.raises(MarketError) as caught:
            config.preferred_for(kind)
        assert caught.value.code is ErrorCode.UNKNOWN_GENERATOR
    else:
        assert config.preferred_for(kind) == preferred
