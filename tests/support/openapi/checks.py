"""What must hold of every answer, whatever was asked."""

import re
from collections.abc import Iterable
from typing import Any

from schemathesis import Case, CheckContext, Response
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from countermark.protocol.encoding import b64u
from tests.support.market import Actor

_INSIDES = re.compile(
    r"Traceback|File \"|\.py\b|psycopg|sqlalchemy|postgresql|SELECT |INSERT |Error\(", re.IGNORECASE
)


def checks(actors: Iterable[Actor], secrets: Iterable[bytes]) -> list[CheckFunction]:
    """Return all checks; no answer may hold a key of `actors` or one of `secrets`."""
    keys = [key for who in actors for key in (who.key.to_bytes(), who.encryption.to_bytes())]
    forbidden = [form for secret in (*keys, *secrets) for form in _forms(secret)]

    def tells_nothing_of_its_insides(_context: CheckContext, response: Response, _case: Case[Any]) -> None:
        text = response.content.decode("latin-1")
        found = _INSIDES.search(text)
        assert not found, f"the answer tells of the insides: {found and found.group()}"
        assert not any(form in text for form in forbidden), "the answer holds a secret"

    def problem_is_what_the_status_says(_context: CheckContext, response: Response, _case: Case[Any]) -> None:
        if response.status_code >= 400 and response.content:
            assert response.json()["status"] == response.status_code

    return [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        negative_data_rejection,
        response_headers_conformance,
        response_schema_conformance,
        tells_nothing_of_its_insides,
        problem_is_what_the_status_says,
    ]


def _forms(secret: bytes) -> tuple[str, ...]:
    return b64u(secret), secret.hex(), secret.decode("latin-1")
