"""docs/http-operations.md: every operation of the gateway, from the OpenAPI document that it serves."""

from collections.abc import Iterator
from typing import Any

from countermark.gateway.app import describe
from countermark.gateway.refusals import INTENT, SEALED


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and description of every operation, in the order in which they are registered."""
    for path, item in describe()["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def page() -> str:
    """Return the page."""
    return "".join(f"{line}\n" for line in _lines(describe()))


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield "# Operations of the HTTP interface"
    yield ""
    yield "<!-- Made by `make docs` from gateway/routes/ and gateway/description.py. Change those. -->"
    yield ""
    yield "What `/openapi.json` of a gateway describes in full, with the schemas of bodies and answers; `/docs` shows"
    yield "it in a browser. The codes that a refusal may carry stand in [errors.md](errors.md)."
    yield ""
    yield document["info"]["description"].strip()
    for tag in document["tags"]:
        yield ""
        yield f"## {tag['description']}"
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if tag["name"] in operation["tags"]:
                    yield ""
                    yield from _operation(method.upper(), path, operation)


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"### `{method} {path}`"
    yield ""
    yield operation["summary"]
    if "description" in operation:
        yield ""
        yield operation["description"]
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| Who | {_who(operation)} |"
    if "requestBody" in operation:
        yield f"| Body | {', '.join(_content(operation['requestBody']))} |"
    for place, title in (("query", "Query"), ("header", "Headers")):
        names = [_parameter(one) for one in operation.get("parameters", []) if one["in"] == place]
        if names:
            yield f"| {title} | {'<br>'.join(names)} |"
    answers = {status: one for status, one in operation["responses"].items() if status < "4"}
    yield f"| Answers | {'<br>'.join(_answer(status, one) for status, one in answers.items())} |"
    yield f"| Refusals | {', '.join(status for status in operation['responses'] if status not in answers)} |"


def _who(operation: dict[str, Any]) -> str:
    if INTENT in operation:
        return "the account whose intent is in the " + ("sealed message" if _sealed_only(operation) else "body")
    if SEALED in operation:
        return "the account that signed what is sealed"
    security = operation.get("security", [])
    if not security:
        return "anybody"
    return "anybody; an account that signs the request sees more" if {} in security else "an account, signed request"


def _sealed_only(operation: dict[str, Any]) -> bool:
    return any("SealedBody" in content for content in _content(operation["requestBody"]))


def _content(part: dict[str, Any]) -> Iterator[str]:
    for media_type, content in part.get("content", {}).items():
        _, _, name = content["schema"].get("$ref", "").rpartition("/")
        yield f"`{name}`" if name else f"`{media_type}`"


def _parameter(parameter: dict[str, Any]) -> str:
    text = parameter.get("description", "")
    needed = ", required" if parameter.get("required") else ""
    return f"`{parameter['name']}`{needed}{': ' if text else ''}{text}"


def _answer(status: str, answer: dict[str, Any]) -> str:
    content = ", ".join(_content(answer))
    headers = ", ".join(f"`{name}`" for name in answer.get("headers", {}))
    return f"{status}{' ' if content else ''}{content}{'; ' if headers else ''}{headers}"
