"""The market configuration that `countermark up` writes on a fresh ledger: for demos, tests and development."""

from collections.abc import Sequence
from dataclasses import dataclass

from countermark.protocol.market import Claims, Clock, Issuer, Limits, MarketConfig, Party, PublicKey
from countermark.protocol.sealed import EncryptionKey

HOUR_S = 3600

_DEFAULTS_S = {
    "fee": 24 * HOUR_S,
    "send": 24 * HOUR_S,
    "relay": 24 * HOUR_S,
    "receive": 72 * HOUR_S,
    "check": 24 * HOUR_S,
    "confirm": 72 * HOUR_S,
    "answer": 24 * HOUR_S,
    "evidence": 24 * HOUR_S,
    "decide": 72 * HOUR_S,
    "substitute": 72 * HOUR_S,
}


@dataclass(frozen=True)
class RoleKeys:
    """Public halves of one role: MSP id, account address, encryption key (version 1)."""

    msp_id: str
    account: str
    encryption: EncryptionKey

    def party(self) -> Party:
        """Return the entry of the market configuration."""
        return Party(self.msp_id, self.account, PublicKey(1, self.encryption.public))


def default_market(
    *,
    platform: RoleKeys,
    supervisor: RoleKeys,
    arbiters: tuple[RoleKeys, ...],
    issuer: str,
    members: Sequence[str],
    guard_s: int,
) -> MarketConfig:
    """Return version 1 of the configuration; ``issuer`` is the faucet's account, ``members`` the trading MSPs.

    ``guard_s`` must not be below the peers' time window (protocol.md, "Time").
    """
    return MarketConfig(
        version=1,
        currency="EUR",
        exponent=2,
        organisations={
            platform.msp_id: "platform",
            supervisor.msp_id: "supervisor",
            **dict.fromkeys(members, "member"),
        },
        platform=platform.party(),
        supervisor=supervisor.party(),
        arbiters=tuple(arbiter.party() for arbiter in arbiters),
        issuers={platform.msp_id: Issuer(issuer, 1_000_000_00)},
        management_fee=1_00,
        transaction_bps=250,
        bond=5_00,
        arbiter_fee=3_00,
        claims=Claims(deposit=10_00, answer_s=7 * 24 * HOUR_S, decide_s=14 * 24 * HOUR_S),
        undecided="refund",
        # The least that the rules allow: a missed deadline shows while one looks on.
        clocks={clock: Clock(default_s, guard_s + 1) for clock, default_s in _DEFAULTS_S.items()},
        management_s=24 * HOUR_S,
        redeem_s=24 * HOUR_S,
        guard_s=guard_s,
        epoch_s=600,
        intent_s=3600,
        money_intent_s=600,
        change_delay_s=60,
        # The first of a kind is the one that its listings name.
        generators=("image/v1", "image/paper-v0", "text/v1", "table/v1", "bytes/v1", "collection/v1"),
        preferred="image/v1",
        required=("image/v1", "text/v1", "table/v1", "bytes/v1"),
        limits=Limits(items=20_000, fingerprint_bytes=65_536, description_bytes=16_384, package_bytes=1 << 40),
    )
