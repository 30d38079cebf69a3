"""The one error of an audit: what is wrong, and where in the ledger."""


class AuditError(Exception):
    """Something in the ledger does not hold. ``block`` and ``transaction`` (its position) say where, -1 unknown."""

    def __init__(self, code: str, detail: str, *, block: int = -1, transaction: int = -1) -> None:
        place = (
            f" (block {block}" + (f", transaction {transaction})" if transaction >= 0 else ")") if block >= 0 else ""
        )
        super().__init__(f"{code}: {detail}{place}")
        self.code = code
        self.detail = detail
        self.block = block
        self.transaction = transaction

    def at(self, block: int, transaction: int) -> "AuditError":
        """Return the same error with its place."""
        return AuditError(self.code, self.detail, block=block, transaction=transaction)
