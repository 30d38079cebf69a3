"""The table of actions: which of them move money."""

from countermark.protocol.actions import MONEY_ACTIONS, PARAMS
from countermark.protocol.transitions import ACTS


def test_every_act_that_ends_a_trade_moves_money() -> None:
    assert {act.function for act in ACTS if act.target.final} <= MONEY_ACTIONS


def test_every_action_with_an_amount_moves_money() -> None:
    assert {name for name, params in PARAMS.items() if {"amount", "price", "fee"} & set(params)} <= MONEY_ACTIONS


def test_money_actions_are_actions() -> None:
    assert set(PARAMS) >= MONEY_ACTIONS
