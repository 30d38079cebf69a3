"""Audit bundles, as somebody verifies them who has them from a stranger: the file, its stream, its records."""

import zlib
from io import BytesIO
from random import Random

from countermark.audit.bundles import Subject, verify
from countermark.audit.bundles.records import MAGIC
from countermark.audit.errors import AuditError
from tests.fixtures.fabric_blocks import recorded
from tests.fuzz import bytewise
from tests.fuzz.decoder import Decoder
from tests.support.bundled import Record, bundled, manifest, sealed, taken_apart

_BLOCKS = recorded()[:3]
_CHANNEL = _BLOCKS[0].transactions[0].channel
_SUBJECTS = (Subject("blocks", first=0, last=2), Subject("trade", "tr1x"), Subject("account", "did:key:x"))


def _make(random: Random, files: list[bytes]) -> bytes:
    data = random.choice(files)
    match random.randrange(3):
        case 0:
            return bytewise.change(random, data, files)
        case 1:
            streams = [zlib.decompress(one[len(MAGIC) :]) for one in files]
            return MAGIC + zlib.compress(bytewise.change(random, random.choice(streams), streams))
    records = _changed(random, taken_apart(data)[:-1])
    return sealed(records)


def _changed(random: Random, records: list[Record]) -> list[Record]:
    """Change a record, most often the manifest, which is small; the closing is made good afterwards."""
    at = 0 if random.random() < 0.6 else random.randrange(len(records))
    kind, data = records[at]
    if random.random() < 0.1:
        return [*records[:at], *records[at + 1 :]] if random.random() < 0.5 else [*records, records[at]]
    changed = bytewise.change(random, data, [one for _, one in records])
    return [*records[:at], (kind, changed), *records[at + 1 :]]


def _read(data: bytes) -> None:
    verify(BytesIO(data), genesis=_BLOCKS[0].header_hash)


def decoder() -> Decoder:
    """Return the decoder of bundles."""
    files = [bundled(_BLOCKS, about=manifest(subject, channel=_CHANNEL)) for subject in _SUBJECTS]
    return Decoder(lambda random: _make(random, files), _read, (AuditError,))
