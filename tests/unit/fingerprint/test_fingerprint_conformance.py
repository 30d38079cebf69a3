import subprocess
import sys

import pytest

from countermark.fingerprint import conformance, generators
from countermark.fingerprint.conformance import Vector


@pytest.mark.requirement("R22")
@pytest.mark.requirement("A-46")
def test_this_machine_gives_the_published_fingerprints():
    assert conformance.failures() == ()


@pytest.mark.requirement("A-46")
@pytest.mark.parametrize("generator", generators())
def test_every_built_in_generator_has_vectors_for_every_file_of_its_kind(generator):
    kind = generator.partition("/")[0]
    vectors = [vector for vector in conformance.vectors() if vector.kind == kind]
    assert len(vectors) >= 10
    assert all(generator in vector.fingerprints for vector in vectors)


@pytest.mark.requirement("A-46")
def test_a_fingerprint_that_differs_is_named(monkeypatch):
    wrong = Vector("PNG", conformance.vectors()[0].file, {"image/v1": "0" * 64})
    monkeypatch.setattr(conformance, "vectors", lambda: (wrong,))
    assert conformance.failures() == ("PNG by image/v1",)


def test_command_ends_with_success():
    subprocess.run([sys.executable, "-m", "countermark.fingerprint.conformance"], check=True)
