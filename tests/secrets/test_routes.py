"""The story leaves out no route: what it looks for, it has had every chance to meet."""

import re
from collections.abc import Iterator

import pytest

from tests.secrets.story import Story

_SAME_FOR_ALL = {("get", "/v1/market"), ("get", "/healthz"), ("get", "/readyz"), ("get", "/metrics")}
"""Operations without parameters, signature or body: there is nothing that they could refuse."""


def operations(story: Story) -> Iterator[tuple[str, str]]:
    document = story.outsider.ask("GET", "/openapi.json").json()
    for path, described in document["paths"].items():
        yield from ((method, path) for method in described)


def statuses(story: Story, method: str, path: str) -> set[int]:
    pattern = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path))
    return {one.status for one in story.exchanges if one.method == method.upper() and pattern.fullmatch(one.path)}


@pytest.mark.timeout(900)
def test_every_operation_was_used_and_refused(story: Story) -> None:
    described = list(operations(story))
    assert len(described) > 40
    met = {operation: statuses(story, *operation) for operation in described}
    assert not [operation for operation, found in met.items() if not any(200 <= status < 300 for status in found)]
    refused = {operation for operation, found in met.items() if any(400 <= status < 500 for status in found)}
    assert set(described) - refused <= _SAME_FOR_ALL
    assert not [operation for operation, found in met.items() if any(status >= 500 for status in found)]
