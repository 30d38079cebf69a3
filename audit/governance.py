"""What holds on a channel at a block: its configuration, and whose endorsements the market's chaincode wants.

Both change by blocks: the configuration by a block of its own, signed as the configuration before it wants, the
chaincode's definition by a transaction of Fabric's lifecycle. Either holds from the block after that one on.
"""

from countermark.audit.errors import AuditError
from countermark.audit.policy import MarketPolicy, defined_policy, foreign_policy, market_policy
from countermark.audit.roots import Roots
from countermark.network.blocks import (
    LIFECYCLE,
    Block,
    ChannelConfig,
    Transaction,
    read_config,
    read_definition,
    satisfied,
    verify_config,
    verify_last_config,
    verify_orderers,
)
from countermark.network.errors import NetworkError
from countermark.network.identities import Member

_REMEMBERED = 1024
"""Of how many members it is remembered whether they may submit transactions."""


class Governance:
    """The rules of the channel as they stand before the block that is applied."""

    def __init__(self, *, chaincode: str, platform: str, supervisor: str, roots: Roots | None = None) -> None:
        self._chaincode = chaincode
        self._roots = roots
        self._roles = {"platform": platform, "supervisor": supervisor}
        self._config: ChannelConfig | None = None
        self._policy: MarketPolicy | None = None
        self._may_write: dict[Member, bool] = {}
        """Whether members may submit transactions, as far as it was asked."""
        self._founders: tuple[str, ...] = ()
        self._last_config = 0
        self._lifecycle: dict[str, bytes] = {}
        """Keys of Fabric's lifecycle, with their values."""
        self._lifecycle_before: dict[str, bytes] = {}
        """The same as they were before the block at hand, of which nothing holds yet."""
        self._others: dict[str, MarketPolicy | None] = {}
        """Policies of chaincodes that are not the market's, as far as they were asked for."""
        self._next: ChannelConfig | None = None
        """The configuration that the block at hand brings."""
        self._changed = False
        """Whether the block at hand changes what was agreed about chaincodes."""

    @property
    def config(self) -> ChannelConfig:
        """The channel's configuration."""
        assert self._config is not None, "a ledger begins with a configuration"
        return self._config

    @property
    def policy(self) -> MarketPolicy:
        """Whose endorsements transactions want."""
        assert self._policy is not None, "a ledger begins with a configuration"
        return self._policy

    def may_write(self, member: Member) -> bool:
        """Return whether ``member`` may submit transactions: asked for each, and few members submit them."""
        if member not in self._may_write:
            if len(self._may_write) >= _REMEMBERED:
                self._may_write.clear()
            self._may_write[member] = satisfied(self.policy.writers, [member])
        return self._may_write[member]

    def policy_of(self, chaincode: str) -> MarketPolicy | None:
        """Return whose endorsements transactions of `chaincode` want; None if the channel has no such chaincode.

        Raises:
            NetworkError: Its definition is of a kind that is not supported here.
        """
        if chaincode in (self._chaincode, LIFECYCLE):
            return self.policy
        if chaincode not in self._others:
            definition = read_definition(chaincode, self._lifecycle_before, self.config)
            self._others[chaincode] = None if definition is None else foreign_policy(self.config, definition)
        return self._others[chaincode]

    def begin_block(self, block: Block) -> None:
        """Verify who has ordered ``block``, and the configuration in it if there is one.

        Raises:
            BlockError: it does not hold.
            AuditError: ``foreign_root``; it names an organisation that is not the one of that name.
        """
        self._next, self._changed = None, False
        if block.number == 0:
            self._config = self._next = read_config(block)
            self._founders = self._config.organisations.msp_ids
            self._check_roots(block.number)
            return
        verify_orderers(block, self.config)
        if any(one.kind == "config" for one in block.transactions):
            self._next = verify_config(block, self.config)
            self._check_roots(block.number)
            self._last_config = block.number
        verify_last_config(block, last_config=self._last_config)

    def _check_roots(self, number: int) -> None:
        if self._roots is not None and self._next is not None:
            self._roots.check(self._next, number)

    def write(self, transaction: Transaction) -> None:
        """Note what the valid ``transaction`` agrees about chaincodes."""
        for write in transaction.writes:
            if write.namespace == LIFECYCLE:
                self._changed = True
                if write.is_delete:
                    self._lifecycle.pop(write.key, None)
                else:
                    self._lifecycle[write.key] = write.value

    def end_block(self, number: int) -> None:
        """Have what block ``number`` changes come into force.

        Raises:
            AuditError: it is less than a market needs, or not supported here.
        """
        self._config = self._next or self._config
        if self._next is None and not self._changed:
            return
        self._lifecycle_before = dict(self._lifecycle)
        self._others.clear()
        self._may_write.clear()
        for role, msp_id in self._roles.items():
            # Who is taken off the channel could come back under the same name, with another's certificates.
            if msp_id not in self.config.organisations.msp_ids:
                raise AuditError(
                    "party_missing", f"{msp_id}, the market's {role}, is not on the channel", block=number
                )
        try:
            definition = read_definition(self._chaincode, self._lifecycle, self.config)
            if definition is None:
                self._policy = market_policy(self.config, self._founders, **self._roles)
            else:
                self._policy = defined_policy(self.config, definition, **self._roles)
        except NetworkError as error:
            raise AuditError(error.code, error.detail, block=number) from error
        except AuditError as error:
            raise error.at(number, -1) from error
