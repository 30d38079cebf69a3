from typing import Any

import pytest

from countermark.protocol import canonical
from countermark.protocol.description import Description, parse_description
from countermark.protocol.errors import ErrorCode, MarketError

FACTS: dict[str, Any] = {"bytes": 4096, "items": 1, "media_type": "image/jpeg"}


@pytest.mark.requirement("R24")
def test_words_are_optional_facts_are_not() -> None:
    assert parse_description(FACTS) == Description("image/jpeg", 1, 4096)
    for fact in FACTS:
        with pytest.raises(MarketError):
            parse_description({name: value for name, value in FACTS.items() if name != fact})


@pytest.mark.parametrize(
    "words",
    [{}, {"title": "Harbour"}, {"text": "Two lines\nof text", "tags": ["sea", "dusk"]}, {"title": "Häfen 港 😀"}],
    ids=repr,
)
def test_a_description_has_one_form(words: dict[str, Any]) -> None:
    description = parse_description(FACTS | words)
    assert description.to_json() == FACTS | words
    assert description.to_bytes() == canonical.dumps(FACTS | words)
    assert parse_description(canonical.loads(description.to_bytes())) == description


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param(FACTS | {"title": ""}, id="empty title, which would be a second form"),
        pytest.param(FACTS | {"tags": []}, id="empty tags, which would be a second form"),
        pytest.param(FACTS | {"title": "x" * 201}, id="long title"),
        pytest.param(FACTS | {"text": "x" * 10_001}, id="long text"),
        pytest.param(FACTS | {"tags": ["x"] * 2}, id="a tag twice"),
        pytest.param(FACTS | {"tags": [str(n) for n in range(33)]}, id="33 tags"),
        pytest.param(FACTS | {"tags": [7]}, id="a tag that is a number"),
        pytest.param(FACTS | {"title": "a\x00b"}, id="control character"),
        pytest.param(FACTS | {"price": "1"}, id="unknown member"),
        pytest.param(FACTS | {"items": 0}, id="no items"),
        pytest.param(FACTS | {"items": True}, id="items true"),
        pytest.param(FACTS | {"bytes": 0}, id="no bytes"),
        pytest.param(FACTS | {"media_type": "image"}, id="no media type"),
        pytest.param(FACTS | {"media_type": "image/JPEG"}, id="media type in another spelling"),
        pytest.param(FACTS | {"media_type": "text/html; charset=utf-8"}, id="media type with parameters"),
    ],
)
def test_refuses(value: object) -> None:
    with pytest.raises(MarketError) as refusal:
        parse_description(value)
    assert refusal.value.code is ErrorCode.DESCRIPTION_MALFORMED
