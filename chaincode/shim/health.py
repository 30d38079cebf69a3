"""gRPC's standard question whether a server serves (grpc.health.v1): answered by the server, asked by a container.

Both messages are so small that their bytes stand here: an empty request, and field 1 of the answer, the status.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from cryptography import x509

from countermark.chaincode.shim.errors import ShimError

SERVICE: Final = "grpc.health.v1.Health"
SERVING: Final = b"\x08\x01"

ANSWER_S: Final = 5.0
"""How long whoever asks waits for an answer, in seconds."""


def handler() -> Any:
    """Return gRPC's handler of the question. It runs where invocations run: a loop that hangs does not answer."""

    async def check(_request: bytes, _context: Any) -> bytes:
        return SERVING

    return grpc.method_handlers_generic_handler(SERVICE, {"Check": grpc.unary_unary_rpc_method_handler(check)})


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks the server whose own certificate and key it shows: the authority that has issued them is its clients' too.

    So it needs no files beyond those of the server, in whose container it runs.
    """

    address: str
    """host:port on which the server listens; an address that stands for all of them is asked by loopback."""
    certificate: Path
    key: Path
    client_ca: Path

    def ask(self) -> None:
        """Return if the server serves.

        Raises:
            ShimError: It does not say so in `ANSWER_S`, or a file cannot be read.
        """
        target, options = self._target(), [("grpc.ssl_target_name_override", self._name())]
        with grpc.secure_channel(target, self._credentials(), options) as channel:
            call = channel.unary_unary(f"/{SERVICE}/Check")
            try:
                answer = call(b"", timeout=ANSWER_S)
            except grpc.RpcError as error:
                raise ShimError(f"no answer from {target}: {error.code().name}") from error
        if answer != SERVING:
            raise ShimError(f"{target} does not serve")

    def _target(self) -> str:
        host, _, port = self.address.rpartition(":")
        loopback = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - it is what is not dialled
        return f"{loopback.get(host, host)}:{port}"

    def _credentials(self) -> Any:
        roots, key, certificate = (_read(path) for path in (self.client_ca, self.key, self.certificate))
        return grpc.ssl_channel_credentials(roots, key, certificate)

    def _name(self) -> str:
        """Return a name that the server's certificate holds for."""
        try:
            certificate = x509.load_pem_x509_certificate(_read(self.certificate))
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (ValueError, x509.ExtensionNotFound) as error:
            raise ShimError(f"{self.certificate} is no certificate with names") from error
        return str(next(iter(names)).value)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ShimError(f"{path}: {error.strerror}") from error
