"""Fingerprints: robust, comparable digests of data for sale (paper section III.C).

Reading and writing fingerprints needs the standard library only; numpy and Pillow are imported when one is computed
or compared.
"""

from countermark.fingerprint import binary as _binary
from countermark.fingerprint import collection as _collection
from countermark.fingerprint import image as _image
from countermark.fingerprint import table as _table
from countermark.fingerprint import text as _text
from countermark.fingerprint.codec import Fingerprint, Segment
from countermark.fingerprint.comparison import Comparison, Decision
from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.index.candidates import Index
from countermark.fingerprint.operations import (
    DEFAULT_GENERATOR,
    compare,
    compare_many,
    compute,
    index_of,
    is_featureless,
    newest_generator,
)
from countermark.fingerprint.registry import generators

__all__ = [
    "DEFAULT_GENERATOR",
    "Comparison",
    "Decision",
    "Fingerprint",
    "FingerprintError",
    "FingerprintErrorCode",
    "Index",
    "Segment",
    "compare",
    "compare_many",
    "compute",
    "generators",
    "index_of",
    "is_featureless",
    "newest_generator",
]

_image.register_generators()
_collection.register_generators()
_text.register_generators()
_binary.register_generators()
_table.register_generators()
