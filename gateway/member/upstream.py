"""The platform's gateway as a member's reaches it: requests go on as they came, answers come back as they are.

Nothing of either is read. Method, target, body and the fields of the header stay, the authority above all: whoever
signed the request signed it for this gateway, and the platform knows for which ones it takes that.
"""

import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import httpx

from countermark.gateway.catching_up import HEIGHT
from countermark.gateway.config import PlatformAddress
from countermark.protocol.errors import ErrorCode, MarketError

CONNECT_S = 5.0
READ_S = 60.0
"""How long the platform may take for an answer, or the next piece of one: longer than any `Prefer: wait`."""

_IDLE_S = 20.0
"""After so long a connection is not used again: the platform closes it soon."""

_OF_ONE_HOP = frozenset(
    {"connection", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Fields that speak of one connection (RFC 9110, section 7.6.1)."""

_OWN = frozenset({"date", "server"})
"""Fields of an answer that whoever sends it says himself."""

LONGEST_DOCUMENT = 1 << 20
"""Most bytes of an answer that is read: transactions and listings have a few thousand."""

VIA = "1.1 countermark"


class Upstream:
    """Passes requests on. May be shared between threads, and made before a fork: it connects when it is needed."""

    def __init__(self, platform: PlatformAddress, *, connections: int) -> None:
        """Use at most ``connections`` at once.

        Raises:
            MarketError: MALFORMED_REQUEST; the authority's file holds no certificate.
        """
        try:
            context = ssl.create_default_context(cafile=platform.ca_file)
        except OSError as error:
            detail = f"{platform.ca_file} is no file of CA certificates"
            raise MarketError(ErrorCode.MALFORMED_REQUEST, detail) from error
        self._base = httpx.URL(platform.url)
        self._client = httpx.Client(
            verify=context,
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=connections, keepalive_expiry=_IDLE_S),
            # The platform is reached as it is configured, whatever the environment says of proxies.
            trust_env=False,
        )

    @contextmanager
    def opened(self, method: str, target: str, fields: Mapping[str, str]) -> Iterator["Answer"]:
        """Give the platform's answer to a request of this gateway's own, to be read before the context ends.

        Raises:
            MarketError: PLATFORM_UNAVAILABLE.
        """
        answer = self.ask(method, target, fields)
        try:
            yield answer
        finally:
            answer.close()

    def ask(
        self,
        method: str,
        target: str,
        fields: Mapping[str, str],
        body: Iterable[bytes] | None = None,
        *,
        height: int | None = None,
    ) -> "Answer":
        """Return the platform's answer to a request, which whoever asks must close.

        Args:
            method: Of the request.
            target: As it came over the wire, undecoded: it was signed.
            fields: Of its header, the authority among them if it was not asked for the platform's own.
            body: Its pieces as they come in, None where there is none.
            height: How many blocks of the ledger the platform should have read before it answers.

        Raises:
            MarketError: PLATFORM_UNAVAILABLE; the platform may have taken the request all the same.
        """
        own = [("Via", VIA), *([] if height is None else [(HEIGHT, str(height))])]
        theirs = [(name, value) for name, value in _end_to_end(fields.items()) if name != HEIGHT.lower()]
        request = httpx.Request(
            method,
            self._base,
            headers=[*theirs, *own],
            content=body,
            # Whatever would be spelled anew would not be what was signed.
            extensions={**self._timeouts(), "target": target.encode("latin-1")},
        )
        try:
            return Answer(self._client.send(request, stream=True))
        except httpx.RequestError as error:
            raise away(error) from error

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _timeouts(self) -> dict[str, dict[str, float | None]]:
        return {"timeout": self._client.timeout.as_dict()}


class Answer:
    """What the platform answered, its body still to come."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    @property
    def status(self) -> int:
        """The status."""
        return self._response.status_code

    @property
    def fields(self) -> Sequence[tuple[str, str]]:
        """The fields of its header that are for whoever asked."""
        return [(name, value) for name, value in _end_to_end(self._response.headers.items()) if name not in _OWN]

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it comes in, in whatever encoding the platform has chosen.

        Raises:
            ConnectionResetError: the platform broke off; whoever reads must not take it for the end.
        """
        try:
            yield from self._response.iter_raw()
        except httpx.RequestError as error:
            raise ConnectionResetError("the platform broke off") from error

    def read(self) -> bytes:
        """Return the body, a JSON document.

        Raises:
            MarketError: PLATFORM_UNAVAILABLE; the platform broke off, or sends more than `LONGEST_DOCUMENT`.
        """
        content = b""
        try:
            for piece in self._response.iter_bytes():
                content += piece
                if len(content) > LONGEST_DOCUMENT:
                    raise MarketError(ErrorCode.PLATFORM_UNAVAILABLE, "the platform's answer is too long")
        except httpx.RequestError as error:
            raise away(error) from error
        return content

    def close(self) -> None:
        """Give the connection up, or back if the body was read."""
        self._response.close()


def away(error: httpx.RequestError) -> MarketError:
    """Return what to say of a platform that was not reached, or broke off."""
    detail = f"the platform's gateway does not answer: {type(error).__name__}"
    return MarketError(ErrorCode.PLATFORM_UNAVAILABLE, detail)


def _end_to_end(fields: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    found = [(name.lower(), value) for name, value in fields]
    named = {one.strip().lower() for name, value in found if name == "connection" for one in value.split(",")}
    return ((name, value) for name, value in found if name not in _OF_ONE_HOP | named)
