"""docs/errors.md: the closed list of error codes with the gateway's problem types and the CLI's exit status."""

from collections.abc import Iterator

from countermark.cli.failures import status_of
from countermark.gateway.problems import PROBLEMS


def page() -> str:
    """Return the page."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield "# Error codes"
    yield ""
    yield "<!-- Made by `make docs` from gateway/problems.py and protocol/errors.py. Change those. -->"
    yield ""
    yield "A refusal carries one of these codes wherever it arises: in the chaincode's answer, in the gateway's"
    yield "problem document (RFC 9457, member `code`, type `/problems/CODE`) and in what `countermark` prints."
    yield "Retryable: the same request may succeed later. Exit: status of the `countermark` command."
    yield ""
    yield "| Code | HTTP | Title | Retryable | Exit |"
    yield "|---|---|---|---|---|"
    for code, problem in PROBLEMS.items():
        retryable = "yes" if problem.retryable else "no"
        yield f"| `{code}` | {problem.status} | {problem.title} | {retryable} | {status_of(code)} |"
