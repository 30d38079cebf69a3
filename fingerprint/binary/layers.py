"""Reads a file, what it unpacks to, what that unpacks to, and so on, all in one pass and in little memory."""

from enum import Enum, auto
from typing import Final

from countermark.fingerprint.binary import MOST_CONTENT
from countermark.fingerprint.binary.containers import HEAD_BYTES, PIECE_BYTES, BrokenError, Unpacker, form_of
from countermark.fingerprint.binary.tally import Tally
from countermark.fingerprint.binary.windows import Windows
from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.sketch.sample import Sketch

__all__ = ["MOST_LAYERS", "Layer"]

MOST_LAYERS: Final = 4
"""Compressed files within each other that are unpacked."""


class _State(Enum):
    """What the next bytes of a layer are."""

    START = auto()
    MEMBER = auto()
    """Within a compressed member."""
    BETWEEN = auto()
    """Behind a member: another, or padding, or something else."""
    AFTER = auto()
    """Behind the last member and none: it counts as unpacked, for somebody put it there."""
    SETTLED = auto()
    """Not compressed, or behind a break."""


class Layer:
    """Bytes that are sampled as they are and, if they are compressed, unpacked into a layer within."""

    def __init__(self, tally: Tally, depth: int = 0) -> None:
        """Create the layer within `depth` others."""
        self._tally = tally
        self._depth = depth
        self._windows = Windows(MOST_CONTENT)
        self._waiting = bytearray()
        self._state = _State.START
        self._unpacker: Unpacker | None = None
        self._sure = False
        self._within: Layer | None = None

    def add(self, data: bytes) -> None:
        """Take in `data`, which follow what was added before; in which portions makes no difference.

        Raises:
            FingerprintError: ``data_too_large``, or ``unsupported_format`` for what would be a way to hide things:
                too many layers, or rare filters.
        """
        self._windows.add(data)
        if self._state is _State.SETTLED:
            return
        self._waiting += data
        while len(self._waiting) >= PIECE_BYTES:
            # Pieces of one size: what is dropped before a break must not depend on the portions.
            piece = bytes(self._waiting[:PIECE_BYTES])
            del self._waiting[:PIECE_BYTES]
            self._read(piece, last=False)

    def end(self) -> tuple[Sketch, list[Sketch]]:
        """Return the sample of what is innermost, and those of the compressed layers around it.

        Raises:
            FingerprintError: as `add`.
        """
        self._read(bytes(self._waiting), last=True)
        if self._state is _State.MEMBER:
            self._break_off()
        mine = self._windows.sketch()
        if self._within is None:
            return mine, []
        content, around = self._within.end()
        return content, [mine, *around]

    def _read(self, data: bytes, *, last: bool) -> None:
        while data and self._state is not _State.SETTLED:
            if self._state is _State.MEMBER:
                data = self._unpack(data)
            elif self._state is _State.AFTER:
                self._come_out(data)
                return
            else:
                if self._state is _State.BETWEEN:
                    data = data.lstrip(b"\0")
                if len(data) < HEAD_BYTES and not last:
                    # Too short to tell what it is.
                    self._waiting[:0] = data
                    return
                self._begin(data[:HEAD_BYTES])

    def _begin(self, head: bytes) -> None:
        """Tell from `head` what comes."""
        form = form_of(head)
        if self._state is _State.BETWEEN and not (form and form.sure):
            self._state = _State.AFTER
        elif form is None:
            self._state = _State.SETTLED
        elif self._depth < MOST_LAYERS:
            self._state, self._unpacker, self._sure = _State.MEMBER, form.open(head), form.sure
        elif form.sure:
            # Taken as it is, it would be a way to hide things.
            raise FingerprintError(
                FingerprintErrorCode.UNSUPPORTED_FORMAT, f"more than {MOST_LAYERS} compressed layers"
            )
        else:
            self._state = _State.SETTLED

    def _unpack(self, data: bytes) -> bytes:
        """Unpack `data` as far as the member goes, and return what is behind it."""
        assert self._unpacker is not None
        try:
            for piece in self._unpacker.feed(data):
                self._come_out(piece)
        except BrokenError:
            self._break_off()
            return b""
        rest = self._unpacker.rest
        if rest is None:
            return b""
        self._state = _State.BETWEEN
        if self._within is None:
            self._within = Layer(self._tally, self._depth + 1)
        return rest

    def _come_out(self, piece: bytes) -> None:
        if piece:
            self._tally.unpacked(len(piece))
            if self._within is None:
                self._within = Layer(self._tally, self._depth + 1)
            self._within.add(piece)

    def _break_off(self) -> None:
        self._state = _State.SETTLED
        if not self._sure:
            # It only looked like a compressed file.
            self._within = None
