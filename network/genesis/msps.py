"""An organisation's MSP as it stands in the channel's configuration."""

from typing import Any

from fabric_protos.msp import msp_config_pb2

from countermark.network.envelopes.wire import encode
from countermark.network.identities import Msp, Role

_FABRIC_MSP = 0


def msp_message(msp: Msp) -> Any:
    """Return `msp` as msp.MSPConfig: its roots, and roles told by the OU of a certificate (NodeOUs)."""

    def unit(role: Role) -> Any:
        return msp_config_pb2.FabricOUIdentifier(organizational_unit_identifier=role.value)

    config = msp_config_pb2.FabricMSPConfig(
        name=msp.msp_id,
        root_certs=msp.root_certs,
        tls_root_certs=msp.tls_root_certs,
        crypto_config=msp_config_pb2.FabricCryptoConfig(
            signature_hash_family="SHA2", identity_identifier_hash_function="SHA256"
        ),
        fabric_node_ous=msp_config_pb2.FabricNodeOUs(
            enable=True,
            client_ou_identifier=unit(Role.CLIENT),
            peer_ou_identifier=unit(Role.PEER),
            admin_ou_identifier=unit(Role.ADMIN),
            orderer_ou_identifier=unit(Role.ORDERER),
        ),
    )
    return msp_config_pb2.MSPConfig(type=_FABRIC_MSP, config=encode(config))
