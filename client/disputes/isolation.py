"""The examination of a package in a confined process of its own, which gets a question and gives one word back."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from countermark.client.disputes.examination import Question
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.protocol import canonical, fields
from countermark.protocol.decisions import Finding
from countermark.protocol.errors import MarketError

_LONGEST_WAIT_S = 3600
_LONGEST_ANSWER = 4096

_FINDING: Mapping[str, fields.Parser] = {"finding": fields.choice(*Finding)}
_FAILURE: Mapping[str, fields.Parser] = {"code": fields.name, "detail": fields.text(2000, empty=True)}


class _BrokeOffError(ClientError):
    """The data, or this machine, did not let the examination come to its end."""


def ask(question: Question, folder: Path) -> Finding:
    """Return what the package of ``question`` shows; ``folder`` has room for the data, which get no name there.

    Data by which the examination breaks off are looked at again without any decoder: if already their bytes are
    others than those that were registered, no more has to be known.

    Raises:
        ClientError: this machine cannot confine a process, or cannot examine such data, which says nothing of what
            was sent; or the examination broke off.
    """
    try:
        return _ask(question, folder)
    except _BrokeOffError:
        found = _ask(replace(question, decode=False), folder)
        if found is not Finding.OTHER_DATA:
            raise
        return found


def _ask(question: Question, folder: Path) -> Finding:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "countermark.client.disputes.worker"],
            input=canonical.dumps(question.to_json()),
            capture_output=True,
            # Nothing of the decider's own: neither passphrases nor where his keys lie.
            env={},
            cwd=folder,
            timeout=_LONGEST_WAIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _BrokeOffError(REFUSED_HERE, "the examination takes longer than an hour") from error
    try:
        document = canonical.loads(done.stdout[:_LONGEST_ANSWER], canonical=False)
        if done.returncode == 0:
            return Finding(fields.record(document, _FINDING)["finding"])
        failure = fields.record(document, _FAILURE)
    except MarketError as error:
        # What its decoders print may hold anything of the data, so it is not passed on.
        raise _BrokeOffError(REFUSED_HERE, f"the examination ended with status {done.returncode}") from error
    raise ClientError(failure["code"], failure["detail"], here=True)
