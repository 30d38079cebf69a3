"""What a market configuration must fulfil to come into force: its parts do not contradict each other.

Asked when a market is founded, when a change is proposed and when it comes into force; never of what is in force, so
that a stricter rule stops no market that was founded before it.
"""

from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.market import MarketConfig
from countermark.protocol.money import MAX_AMOUNT


def check(config: MarketConfig) -> None:
    """Check that ``config`` may come into force.

    Raises:
        MarketError: MARKET_INVALID, with the first rule that it breaks.
    """
    for holds, rule in (*_roles(config), *_arbitration(config), *_times(config), *_generators(config)):
        if not holds:
            raise MarketError(ErrorCode.MARKET_INVALID, f"it must hold that {rule}")


_Rules = tuple[tuple[bool, str], ...]


def _roles(config: MarketConfig) -> _Rules:
    roles = config.organisations
    return (
        (sorted(roles.values()).count("platform") == 1, "one organisation is the platform"),
        (sorted(roles.values()).count("supervisor") == 1, "one organisation is the supervisor"),
        (roles.get(config.platform.msp_id) == "platform", "the platform's MSP has the platform's role"),
        (roles.get(config.supervisor.msp_id) == "supervisor", "the supervisor's MSP has the supervisor's role"),
        (config.platform.account != config.supervisor.account, "platform and supervisor have different accounts"),
        (set(config.issuers) <= set(roles), "every issuer is an organisation"),
    )


def _arbitration(config: MarketConfig) -> _Rules:
    arbiters = config.arbiters
    accounts = [arbiter.account for arbiter in arbiters]
    return (
        (all(arbiter.msp_id in config.organisations for arbiter in arbiters), "every arbiter is of an organisation"),
        (len(set(accounts)) == len(accounts), "no arbiter is named twice"),
        # The platform relays, checks and earns the fee: it would judge its own work.
        (all(arbiter.msp_id != config.platform.msp_id for arbiter in arbiters), "no arbiter is of the platform"),
        (config.platform.account not in accounts, "the platform's account is no arbiter's"),
        # protocol.md: whoever loses a dispute must be able to pay the arbiter out of his bond.
        (config.bond >= config.arbiter_fee, "the bond covers the arbiter's fee"),
        # Who wins a claim gets both at once: a claim whose end made a coin too large could never end.
        (2 * config.claims.deposit <= MAX_AMOUNT, "both deposits of a claim fit into a coin"),
        (config.claims.deposit >= config.arbiter_fee, "a claim's deposit covers the arbiter's fee"),
    )


def _times(config: MarketConfig) -> _Rules:
    clocks = config.clocks.values()
    least = [*(clock.minimum_s for clock in clocks), config.management_s, config.redeem_s]
    least += config.claims.deadlines.values()
    return (
        (all(clock.default_s >= clock.minimum_s for clock in clocks), "no default deadline is below its minimum"),
        # Timestamps may be off by the guard: a shorter deadline could be over for one party before it began.
        (min(least) > config.guard_s, "every deadline is longer than the guard"),
        # While its recovery waits an account cannot answer.
        (
            config.claims.answer_s > config.change_delay_s + config.guard_s,
            "an owner can recover his account before he must answer a claim",
        ),
        (config.change_delay_s > 0, "a change of the market, and a recovery, can be seen before it is in force"),
    )


def _generators(config: MarketConfig) -> _Rules:
    accepted = set(config.generators)
    return (({config.preferred, *config.required} <= accepted, "preferred and required generators are accepted"),)
