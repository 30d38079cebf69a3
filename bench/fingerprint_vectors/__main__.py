"""Make the files of fingerprint/conformance.json and print it anew.

python -m bench.fingerprint_vectors > fingerprint/conformance.json

Only for a new generator or a new vector: the files of published vectors stay as they are, whatever an encoder would
make of them now.
"""

import base64
import hashlib
import io
import json
import sys

from bench.fingerprint_vectors.binaries import binaries
from bench.fingerprint_vectors.collections import collections
from bench.fingerprint_vectors.pictures import pictures
from bench.fingerprint_vectors.tables import tables
from bench.fingerprint_vectors.texts import texts
from countermark.fingerprint import compute, generators
from countermark.fingerprint.conformance import vectors

FILES = {"image": pictures, "bytes": binaries, "text": texts, "table": tables, "collection": collections}
"""What makes the files of a kind, which its generators take."""


def _vector(name: str, data: bytes, kind: str) -> dict[str, object]:
    return {
        "name": name,
        "file": base64.b64encode(data).decode(),
        "fingerprints": {
            generator: hashlib.sha256(compute(io.BytesIO(data), generator).to_bytes()).hexdigest()
            for generator in generators()
            if generator.partition("/")[0] == kind
        },
    }


def main() -> None:
    published = {vector.name: (vector.file, vector.kind) for vector in vectors()}
    made = {name: (data, kind) for kind, files in FILES.items() for name, data in files().items()}
    drawn = [_vector(name, data, kind) for name, (data, kind) in {**published, **made, **published}.items()]
    sys.stdout.write(json.dumps(drawn, indent=1) + "\n")


if __name__ == "__main__":
    main()
