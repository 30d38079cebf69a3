"""orderer.yaml: the settings without which an orderer of Fabric 3 does not start, and no others."""

from tests.support.fabric import msp_folder
from tests.support.fabric.topology import LOOPBACK, Node, write_yaml


def write(node: Node) -> dict[str, str]:
    """Write the orderer's files and return the environment in which it starts."""
    tls = {
        "Enabled": True,
        "Certificate": str(node.tls.certificate_file),
        "PrivateKey": str(node.tls.key_file),
        "RootCAs": [str(node.organisation.tls_ca_file)],
        "ClientRootCAs": [str(node.organisation.tls_ca_file)],
    }
    settings = {
        "General": {
            "ListenAddress": LOOPBACK,
            "ListenPort": node.ports["general"],
            "LocalMSPID": node.organisation.msp_id,
            "LocalMSPDir": str(msp_folder.write(node)),
            "BootstrapMethod": "none",
            "TLS": {**tls, "ClientAuthRequired": False},
            "Cluster": {
                "ClientCertificate": str(node.tls.certificate_file),
                "ClientPrivateKey": str(node.tls.key_file),
                "SendBufferSize": 100,
            },
            "Authentication": {"TimeWindow": "15m"},
            "MaxRecvMsgSize": 100 * 1024 * 1024,
            "MaxSendMsgSize": 100 * 1024 * 1024,
            "BCCSP": {"Default": "SW", "SW": {"Hash": "SHA2", "Security": 256}},
        },
        "FileLedger": {"Location": str(node.folder / "ledger")},
        "Consensus": {"WALDir": str(node.folder / "wal"), "SnapDir": str(node.folder / "snapshots")},
        "ChannelParticipation": {"Enabled": True, "MaxRequestBodySize": "1 MB"},
        # Whoever may join channels shows a certificate.
        "Admin": {"ListenAddress": node.address("admin"), "TLS": {**tls, "ClientAuthRequired": True}},
        "Operations": {"ListenAddress": node.address("operations")},
        "Metrics": {"Provider": "disabled"},
    }
    write_yaml(node.folder / "orderer.yaml", settings)
    return {"FABRIC_CFG_PATH": str(node.folder)}
