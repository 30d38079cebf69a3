"""core.yaml: the settings without which a peer of Fabric 3.1 does not start or not serve, and no others."""

import json
from pathlib import Path

from tests.support.fabric import msp_folder
from tests.support.fabric.external_builder import CONFIGURATION
from tests.support.fabric.topology import Node, write_yaml

_LARGEST = 100 * 1024 * 1024


def write(node: Node, *, builder: Path, chaincode: str, time_window_s: int) -> dict[str, str]:
    """Write the peer's files and return the environment in which it starts.

    Args:
        node: The peer.
        builder: Folder of the external builder.
        chaincode: host:port of the organisation's chaincode server.
        time_window_s: How far a proposal's timestamp may be from the peer's clock.
    """
    tls_ca = str(node.organisation.tls_ca_file)
    certificate, key = str(node.tls.certificate_file), str(node.tls.key_file)
    address = node.address("peer")
    settings = {
        "peer": {
            "id": node.name,
            "networkId": "countermark",
            "listenAddress": address,
            "address": address,
            "chaincodeListenAddress": node.address("chaincode"),
            "localMspId": node.organisation.msp_id,
            "mspConfigPath": str(msp_folder.write(node)),
            "fileSystemPath": str(node.folder / "data"),
            "tls": {
                "enabled": True,
                "cert": {"file": certificate},
                "key": {"file": key},
                "rootcert": {"file": tls_ca},
            },
            "authentication": {"timewindow": f"{time_window_s}s"},
            "handlers": {
                "authFilters": [{"name": name} for name in ("DefaultAuth", "ExpirationCheck", "TimeWindowCheck")],
                "decorators": [{"name": "DefaultDecorator"}],
                "endorsers": {"escc": {"name": "DefaultEndorsement"}},
                "validators": {"vscc": {"name": "DefaultValidation"}},
            },
            "gateway": {
                "enabled": True,
                "endorsementTimeout": "20s",
                "broadcastTimeout": "10s",
                "dialTimeout": "10s",
            },
            "discovery": {"enabled": True, "authCacheEnabled": False},
            "gossip": {
                "bootstrap": address,
                "endpoint": address,
                "externalEndpoint": address,
                "orgLeader": True,
                "useLeaderElection": False,
                # What a chaincode's definition changes is known to the other peers when this has come round.
                "publishStateInfoInterval": "200ms",
                "requestStateInfoInterval": "200ms",
                "reconnectInterval": "1s",
                "aliveTimeInterval": "1s",
                # Left out, these are 0: no endorser would wait for the second keeper of a private value.
                "pvtData": {
                    "pushAckTimeout": "3s",
                    "pullRetryThreshold": "10s",
                    "transientstoreMaxBlockRetention": 20_000,
                    "reconciliationEnabled": True,
                },
            },
            "deliveryclient": {"reconnectTotalTimeThreshold": "1h", "minimalReconnectInterval": "100ms"},
            "limits": {
                "concurrency": {"endorserService": 2500, "deliverService": 2500, "gatewayService": 500},
            },
            "maxRecvMsgSize": _LARGEST,
            "maxSendMsgSize": _LARGEST,
            "BCCSP": {"Default": "SW", "SW": {"Hash": "SHA2", "Security": 256}},
        },
        # Otherwise the health check looks for a Docker engine.
        "vm": {"endpoint": ""},
        "chaincode": {
            "mode": "net",
            "externalBuilders": [
                {"name": "service", "path": str(builder), "propagateEnvironment": [CONFIGURATION]},
            ],
            "installTimeout": "30s",
            "startuptimeout": "30s",
            "executetimeout": "5s",
            "system": dict.fromkeys(("_lifecycle", "cscc", "lscc", "qscc"), "enable"),
            "logging": {"level": "warning", "shim": "warning"},
            "runtimeParams": {"useWriteBatch": True, "maxSizeWriteBatch": 1000},
        },
        "ledger": {
            "state": {"stateDatabase": "goleveldb", "totalQueryLimit": 100_000},
            "history": {"enableHistoryDatabase": True},
            "snapshots": {"rootDir": str(node.folder / "snapshots")},
        },
        "operations": {"listenAddress": node.address("operations")},
        "metrics": {"provider": "disabled"},
    }
    write_yaml(node.folder / "core.yaml", settings)
    files = {"client_cert": certificate, "client_key": key, "root_cert": tls_ca}
    return {
        "FABRIC_CFG_PATH": str(node.folder),
        CONFIGURATION: json.dumps({"address": chaincode, **files}),
    }
