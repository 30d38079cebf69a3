"""Examines one package, confined: `python -m countermark.client.disputes.worker`.

The question comes as JSON on standard input, and one JSON document goes out. What reads a stranger's data has no
network, can start no program, and ends with its answer.
"""

import json
import sys
import tempfile
from pathlib import Path

from countermark.client.disputes.confinement import Limits, confine

_GIB = 1 << 30

LIMITS = Limits(cpu_s=3600, memory=8 * _GIB, file=1 << 41)
"""A file may be as large as a market's largest package."""

_LONGEST = 1 << 20
"""Bytes of a question."""


def main() -> None:
    """Answer one question; status 0 with ``finding``, or 1 with ``code`` and ``detail``."""
    text = sys.stdin.buffer.read(_LONGEST)
    confine(LIMITS)
    # It is known to be there: no file has to be written to find out.
    tempfile.tempdir = str(Path.cwd())
    from countermark.client.disputes.examination import Question, answer
    from countermark.client.errors import ClientError
    from countermark.protocol import canonical

    try:
        finding = answer(Question.from_json(canonical.loads(text)))
    except ClientError as error:
        print(json.dumps({"code": str(error.code), "detail": error.detail}))
        sys.exit(1)
    print(json.dumps({"finding": finding}))


if __name__ == "__main__":
    main()
