"""The platforms that foreign clients use, and the environment that `make interop` has made for them."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from countermark.network.nodes.folder import NetworkFolder
from countermark.network.topology import load
from tests.support.fabric.default_network import default_network
from tests.support.whole_platform import Platform


@pytest.fixture(scope="session", params=["embedded", pytest.param("fabric", marks=pytest.mark.fabric)])
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform on the embedded ledger, and one on a native network of Fabric."""
    directory = tmp_path_factory.mktemp("interop")
    with ExitStack() as stack:
        options: tuple[str, ...] = ()
        if request.param == "fabric":
            folder = stack.enter_context(default_network(directory / "network"))
            options = ("--ledger", "fabric", "--dir", str(folder), "--faucet")
        platform = Platform(directory / "platform", options=options)
        platform.start()
        stack.callback(platform.discard)
        stack.callback(platform.stop)
        yield platform


@pytest.fixture
def orderers(platform: Platform) -> dict[str, dict[str, str]]:
    """Where transactions are ordered: by the embedded peer's endpoints, or by Fabric's orderers."""
    if "--dir" not in platform.options:
        connections = [json.loads(path.read_text()) for path in (platform.data / "connection").glob("*.json")]
        return {
            one["msp_id"]: {
                "address": one["gateway"],
                **{name: one[name] for name in ("tls_ca_file", "host_override")},
            }
            for one in connections
        }
    folder = NetworkFolder(Path(platform.options[platform.options.index("--dir") + 1]))
    return {
        orderer.name: {
            "address": str(orderer.endpoint),
            "tls_ca_file": str(folder.organisation(plan.name).tls_ca_file),
            "host_override": "",
        }
        for plan, orderer in load(folder.description).orderers()
    }


@pytest.fixture(scope="session")
def foreign_python() -> Path:
    """The interpreter of the environment with fabric-sdk-py."""
    return Path(os.environ["INTEROP_PYTHON"])
