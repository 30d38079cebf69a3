"""The message in which a signed update goes to an orderer."""

from fabric_protos.common import configtx_pb2

from countermark.network.blocks.configs import SignedUpdate
from countermark.network.configuration.updates import ConfigUpdate
from countermark.network.envelopes import HeaderType, build_header, build_payload, sign_payload
from countermark.network.envelopes.wire import encode
from countermark.network.identities import SigningIdentity


def update_envelope(update: ConfigUpdate, signed: SignedUpdate, submitter: SigningIdentity, *, now_ms: int) -> bytes:
    """Return common.Envelope with the `signed` `update`, sent by `submitter` at `now_ms`.

    Whoever may write to the channel may submit; it is the signatures inside that count.
    """
    signatures = [
        configtx_pb2.ConfigSignature(signature_header=header, signature=signature)
        for header, signature in signed.signatures
    ]
    data = encode(configtx_pb2.ConfigUpdateEnvelope(config_update=signed.update, signatures=signatures))
    header = build_header(submitter, HeaderType.CONFIG_UPDATE, update.channel, now_ms=now_ms)
    return sign_payload(submitter, build_payload(header, data)).serialized
