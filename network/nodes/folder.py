"""Where things are in the folder of a network.

network.yaml            the description
organisations/<name>/   key material of an organisation whose keys are here
definitions/<name>.json its public half, to be given to the others
genesis.block           the channel's first block
nodes/<node>/           settings, MSP folder and ledger of a node
connection/<name>.json  how clients reach an organisation's peer
packages/               chaincode packages that were made here
run/, logs/             of the processes, in native mode
"""

from dataclasses import dataclass
from pathlib import Path

from countermark.network.identities import Organisation


@dataclass(frozen=True, slots=True)
class NetworkFolder:
    """The paths under one folder."""

    path: Path

    @property
    def description(self) -> Path:
        """network.yaml."""
        return self.path / "network.yaml"

    @property
    def genesis(self) -> Path:
        """The channel's genesis block (common.Block)."""
        return self.path / "genesis.block"

    @property
    def connections(self) -> Path:
        """Connection profiles."""
        return self.path / "connection"

    @property
    def packages(self) -> Path:
        """Chaincode packages."""
        return self.path / "packages"

    @property
    def builder(self) -> Path:
        """The external builder that peers call."""
        return self.path / "builder"

    @property
    def run(self) -> Path:
        """What is known of running processes."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.path / "logs"

    def definition(self, name: str) -> Path:
        """Return the file of an organisation's public half."""
        return self.path / "definitions" / f"{name}.json"

    def node(self, name: str) -> Path:
        """Return the folder of a node."""
        return self.path / "nodes" / name

    def organisation(self, name: str) -> Organisation:
        """Return the organisation whose key material `generate` made.

        Raises:
            IdentityError: There is none.
        """
        return Organisation.load(self.organisation_path(name))

    def organisation_path(self, name: str) -> Path:
        """Return the folder of an organisation's key material."""
        return self.path / "organisations" / name
