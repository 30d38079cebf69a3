import json

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from countermark.protocol import canonical, encoding, jws
from countermark.protocol.accounts import AccountKey
from countermark.protocol.errors import MarketError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
KEY = AccountKey.generate()
TOKEN = jws.sign(KEY, "test+jws", {"amount": "1", "nested": {"list": [1, 2]}})


@given(VALUES)
def test_every_value_has_one_form_and_comes_back(value: object) -> None:
    data = canonical.dumps(value)
    assert canonical.loads(data) == value
    assert json.loads(data) == value
    assert canonical.dumps(canonical.loads(data)) == data


@given(VALUES | st.dictionaries(st.text(st.characters(max_codepoint=127)), VALUES))
def test_what_json_writes_faster_are_the_bytes_of_the_general_encoder(value: object) -> None:
    assert canonical.dumps(value) == rfc8785.dumps(value)  # type: ignore[arg-type] # any JSON value


@given(VALUES)
def test_another_spelling_is_read_as_the_same_value_but_is_not_canonical(value: object) -> None:
    spaced = json.dumps(value, indent=1).encode()
    assert canonical.loads(spaced, canonical=False) == value
    if spaced != canonical.dumps(value):
        try:
            canonical.loads(spaced)
        except MarketError:
            return
        raise AssertionError("another spelling passed")


@given(st.binary(max_size=60) | TEXT.map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = canonical.loads(data)
    except MarketError:
        return
    assert canonical.dumps(value) == data


@given(st.binary(max_size=80))
def test_base64url_comes_back(data: bytes) -> None:
    assert encoding.unb64u(encoding.b64u(data)) == data


@given(st.text(max_size=12))
def test_any_text_is_the_only_base64url_of_its_bytes_or_refused(text: str) -> None:
    try:
        data = encoding.unb64u(text)
    except MarketError:
        return
    assert encoding.b64u(data) == text


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_no_other_character_anywhere_in_a_token_passes(at: int, character: str) -> None:
    changed = TOKEN[:at] + character + TOKEN[at + 1 :]
    if changed == TOKEN:
        return
    try:
        jws.verify(changed, "test+jws")
    except MarketError:
        return
    raise AssertionError("a changed token passed")
