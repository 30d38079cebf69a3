"""The OpenAPI document: complete, without loose ends, and as exact as those who write other clients need it."""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter

from countermark.gateway.app import describe
from countermark.gateway.problems import CONTENT_TYPE, PROBLEMS
from countermark.gateway.refusals import INTENT, SEALED
from countermark.gateway.schemas import Problem
from countermark.protocol import actions
from countermark.protocol.errors import ErrorCode
from tests.support.front import Front

DOCUMENT = describe()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
by_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


def _models(model: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        yield from _models(child)
        if child.__module__.startswith("countermark.gateway"):
            yield child


MODELS = list(_models())


def test_openapi_31_of_every_route_is_served(front: Front) -> None:
    document = front.raw().get("/openapi.json").json()
    assert document == json.loads(json.dumps(DOCUMENT))
    assert document["openapi"].startswith("3.1")
    served = {
        re.sub(r"<(\w+)>", r"{\1}", rule.rule)
        for rule in front.app.url_map.iter_rules()
        if not rule.rule.startswith(("/docs", "/openapi"))
    }
    assert set(document["paths"]) == served


def test_references_resolve() -> None:
    for reference in re.findall(r'"\$ref": "#/(components/\w+)/(\w+)"', json.dumps(DOCUMENT)):
        kind, name = reference
        assert name in DOCUMENT["components"][kind.partition("/")[2]], reference


@by_operation
def test_operation_says_what_it_does_and_who_may_ask(operation: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Z].*\.", operation["summary"])
    assert "<br/>" not in operation.get("description", "")
    tags = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}
    assert [tags[tag] for tag in operation["tags"]]
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert all(schemes[name]["description"] for way in operation.get("security", []) for name in way)
    assert all(one.get("description") for one in operation.get("parameters", []))


def test_no_two_operations_have_one_name() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(names) == len(set(names))


def test_no_two_models_have_one_name() -> None:
    """One would stand in the document for both."""
    names = [model.__name__ for model in MODELS]
    assert len(names) == len(set(names))


@by_operation
def test_refusals_follow_from_what_is_taken(operation: dict[str, Any]) -> None:
    answers = set(operation["responses"])
    assert {"400", "500", "503"} <= answers
    assert ("401" in answers) == bool(operation.get("security") or INTENT in operation or SEALED in operation)
    assert ("415" in answers) == ("application/json" in operation.get("requestBody", {}).get("content", {}))
    if INTENT in operation:
        assert {"403", "404", "409", "502", "504"} <= answers
        assert operation[INTENT] in actions.PARAMS
        assert f"`{operation[INTENT]}`" in operation["description"]


@pytest.mark.parametrize("name", DOCUMENT["components"]["responses"])
def test_problem_enumerates_the_codes_of_its_status(name: str) -> None:
    answer = DOCUMENT["components"]["responses"][name]
    media = answer["content"][CONTENT_TYPE]
    members = media["schema"]["allOf"][1]["properties"]
    status = members["status"]["const"]
    assert set(members["code"]["enum"]) >= {str(code) for code in ErrorCode if PROBLEMS[code].status == status}
    example = Problem.model_validate(media["example"])
    assert (example.status, str(example.code) in members["code"]["enum"]) == (status, True)


def test_every_code_stands_in_an_answer() -> None:
    answers = DOCUMENT["components"]["responses"].values()
    listed = {
        code
        for answer in answers
        for code in answer["content"][CONTENT_TYPE]["schema"]["allOf"][1]["properties"]["code"]["enum"]
    }
    assert listed == set(map(str, ErrorCode))
    assert set(DOCUMENT["components"]["schemas"]["ErrorCode"]["enum"]) == listed


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_examples_are_of_the_described_form(model: type[BaseModel]) -> None:
    described = DOCUMENT["components"]["schemas"].get(model.__name__, {}).get("properties", {})
    for name, member in model.model_fields.items():
        extra = member.json_schema_extra
        if isinstance(extra, dict) and "example" in extra:
            form: Any = Annotated[member.annotation, *member.metadata] if member.metadata else member.annotation
            assert TypeAdapter(form).validate_python(extra["example"]) == extra["example"], name
            assert not described or described[name]["examples"] == [extra["example"]], name


def test_what_a_client_sends_has_examples() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    bodies = {
        content["schema"]["$ref"].rpartition("/")[2]
        for operation in OPERATIONS.values()
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    }
    assert bodies
    for body in bodies:
        for name, member in schemas[body]["properties"].items():
            assert "examples" in member or "$ref" in member, (body, name)


def test_text_tells_how_intents_signatures_and_sealed_messages_are_made() -> None:
    text = DOCUMENT["info"]["description"]
    for needed in ("countermark-intent+jws", "RFC 9421", "@authority", "RFC 9180", "Prefer: wait=N", "RFC 9457"):
        assert needed in text
