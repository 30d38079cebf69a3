"""What stops a projection: the tables stay at the last good block until a person has looked at the cause."""


class ProjectionError(Exception):
    """A block does not follow the one before, or its writes cannot be read; nothing of it was applied."""

    def __init__(self, block: int, detail: str) -> None:
        super().__init__(f"block {block}: {detail}")
        self.block = block
        self.detail = detail
