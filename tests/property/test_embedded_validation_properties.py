"""No bytes that anybody sends stop the embedded peer, and none of them count."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from countermark.network.blocks.codes import Code
from countermark.network.envelopes import Envelope
from tests.support.embedded_ledger import World, reading


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def envelope(world: World) -> bytes:
    raw = world.transaction(reading("a", None, a="1"))
    assert world.validator.check(raw).code is Code.VALID
    return raw


@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_envelope_is_a_verdict_and_never_a_crash(
    world: World, envelope: bytes, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, len(envelope) - 1))
    replacement = data.draw(st.binary(max_size=4))
    cut = data.draw(st.integers(0, 4))
    changed = envelope[:position] + replacement + envelope[position + cut :]
    if world.validator.check(changed).code is Code.VALID:
        # Protobuf has many encodings of one message: what is signed must be the same, and so must its id.
        assert Envelope.parse(changed).payload == Envelope.parse(envelope).payload


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rubbish_is_a_verdict(world: World, raw: bytes) -> None:
    assert world.validator.check(raw).code is not Code.VALID
