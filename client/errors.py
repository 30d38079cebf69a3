"""The one error of the client: what went wrong, in the market's codes where the market said it."""

from dataclasses import dataclass

REFUSED_HERE = "refused_here"
"""Code of an error that this machine found before anything was sent."""
GATEWAY_UNREACHABLE = "gateway_unreachable"
"""No connection came about: nothing was sent."""
GATEWAY_SILENT = "gateway_silent"
"""The connection broke off after the request may have arrived."""
GATEWAY_ANSWER = "gateway_answer"
"""The gateway answered with something that is not its interface."""


@dataclass
class ClientError(Exception):
    """An operation did not succeed.

    ``code`` is one of the protocol's error codes, or one of this client's own: ``refused_here``,
    ``gateway_unreachable``, ``gateway_silent``, ``gateway_answer``. ``txid`` names the transaction if there is one;
    ``retryable`` says whether the same request may succeed later; ``extra`` holds further members of the problem
    document.
    """

    code: str
    detail: str = ""
    txid: str = ""
    retryable: bool = False
    status: int = 0
    extra: dict[str, object] | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code
