"""Changes of the channel of a native network, with the administrators of all its organisations at hand."""

from collections.abc import Callable

from countermark.network.blocks import Block, ChannelConfig, verify_config, verify_orderers
from countermark.network.client import OrdererClient
from countermark.network.configuration import (
    ConfigUpdate,
    check_complete,
    compute_update,
    merge_signatures,
    sign_update,
)
from countermark.network.configuration.fetching import fetch_config, fetch_config_block
from countermark.network.configuration.submission import submit_update
from countermark.network.identities import SigningIdentity
from tests.support.clock import now_ms
from tests.support.fabric.network import FabricNetwork
from tests.support.market import PLATFORM

ORDERER = "OrdererMSP"


class Channel:
    """A network's channel; every organisation's administrator can be asked for a signature."""

    def __init__(self, network: FabricNetwork) -> None:
        self._network = network
        plan, orderer = next(network.topology.orderers())
        self._orderer = OrdererClient(
            str(orderer.endpoint),
            tls_ca=network.folder.organisation(plan.name).tls_ca_file.read_bytes(),
            channel=network.channel,
            identity=self.administrator(PLATFORM),
        )

    def administrator(self, msp_id: str) -> SigningIdentity:
        (plan,) = [one for one in self._network.topology.organisations if one.msp_id == msp_id]
        return self._network.folder.organisation(plan.name).identity("admin")

    @property
    def config(self) -> ChannelConfig:
        """The configuration as the first orderer has it."""
        return fetch_config(self._orderer)

    @property
    def config_block(self) -> Block:
        return fetch_config_block(self._orderer)

    def change(self, edit: Callable[[ChannelConfig], ChannelConfig], *signers: str) -> Block:
        """Have the channel become what `edit` makes of it, by the signatures of `signers`; return the block of it."""
        before = self.config
        update = compute_update(before, edit(before))
        signatures = [sign_update(update, self.administrator(msp_id)) for msp_id in signers]
        signed, members = merge_signatures(before, update, signatures, at_ms=now_ms())
        check_complete(before, update, members)
        block = submit_update([self._orderer], update, signed, self.administrator(signers[0]))
        verify_orderers(block, before)
        config = verify_config(block, before)
        assert (config.sequence, block.last_config) == (before.sequence + 1, block.number)
        return block

    def send(self, update: ConfigUpdate, *signers: str) -> Block:
        """Send `update` to the orderer whether the signatures of `signers` are enough or not."""
        signatures = [sign_update(update, self.administrator(msp_id)) for msp_id in signers]
        signed, _ = merge_signatures(self.config, update, signatures, at_ms=now_ms())
        return submit_update([self._orderer], update, signed, self.administrator(signers[0]))

    def close(self) -> None:
        self._orderer.close()
