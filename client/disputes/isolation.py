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


def ask(question: Question, folder: Path) -> Finding:
    """Return what the package of ``question`` shows; ``folder`` has room for the data, which get no name there.

    Bytes are compared first, without any decoder: others than those that were registered are the seller's fault,
    whatever they do to decoders. A decoder reads them afterwards, to tell an altered copy from other data.

    Raises:
        ClientError: this machine cannot confine a process, or cannot examine such data, which says nothing of what
            was sent; or the examination broke off.
    """
    found = _ask(replace(question, decode=False), folder)
    if found is Finding.OTHER_DATA:
        try:
            altered = _ask(question, folder) is Finding.ALTERED
        except ClientError:
            altered = False
        return Finding.ALTERED if altered else found
    if found is not Finding.AS_REGISTERED:
        return found
    found = _ask(question, folder)
    if found not in (Finding.AS_REGISTERED, Finding.FALSE_FINGERPRINT):
        raise ClientError(REFUSED_HERE, "the package changes while it is read")
    return found


def _ask(question: Question, folder: Path) -> Finding:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-B", "-m", "countermark.client.disputes.worker"],
            input=canonical.dumps(question.to_json()),
            stdout=subprocess.PIPE,
            # What decoders print may hold anything of the data.
            stderr=subprocess.DEVNULL,
            # It shares no terminal, whose input it could make up.
            start_new_session=True,
            # Nothing of the decider's own: neither passphrases nor where his keys lie.
            env={},
            cwd=folder,
            timeout=_LONGEST_WAIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ClientError(REFUSED_HERE, "the examination takes longer than an hour") from error
    try:
        document = canonical.loads(done.stdout[:_LONGEST_ANSWER], canonical=False)
        if done.returncode == 0:
            return Finding(fields.record(document, _FINDING)["finding"])
        failure = fields.record(document, _FAILURE)
    except MarketError as error:
        raise ClientError(REFUSED_HERE, f"the examination ended with status {done.returncode}") from error
    raise ClientError(failure["code"], failure["detail"], here=True)
