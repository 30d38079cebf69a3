"""The one family of errors of `network`: what was wrong with bytes that came from elsewhere."""


class NetworkError(Exception):
    """Something that came over the wire or from a file does not hold; `code` is stable, `detail` is for people."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class IdentityError(NetworkError):
    """A certificate, key or serialized identity that does not parse, or that its MSP does not accept."""


class SignatureError(NetworkError):
    """A signature that is not a low-S ECDSA signature by this key over these bytes."""


class EnvelopeError(NetworkError):
    """Bytes that are not the proposal, header, transaction or block that they should be."""


class BlockError(NetworkError):
    """A block, or a transaction in it, that does not hold; says where."""

    def __init__(self, code: str, detail: str, *, block: int, transaction: int | None = None) -> None:
        place = f"block {block}" if transaction is None else f"block {block}, transaction {transaction}"
        super().__init__(code, f"{place}: {detail}")
        self.block = block
        self.transaction = transaction


class ConfigurationError(NetworkError):
    """A configuration of a channel, a change of one, or a signature of such a change that does not hold."""
