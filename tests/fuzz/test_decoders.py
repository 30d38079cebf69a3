"""No bytes that anybody sends stop a decoder, keep it busy or fill the memory: it refuses them in a declared way."""

from dataclasses import dataclass

import pytest

from tests.fuzz import campaign
from tests.fuzz.decoders import broken
from tests.support.figures import show
from tests.support.sizes import size


@dataclass(frozen=True)
class Campaign:
    """How often a decoder is tried, and what shows that the changes went deep enough to say something."""

    name: str
    every_run: int
    nightly: int
    reached: frozenset[str]
    """Refusals that only come after much has been accepted."""
    accepted: bool = True
    """Whether some changes leave a thing that is accepted; every byte of a block or a bundle is signed or hashed."""
    memory_mib: int = 32
    """Most memory beyond what there is at the start; inputs have up to 256 KiB."""


# Each run 5 to 10 s of work for most of them; the night 10^8 cases in all.
CAMPAIGNS = (
    Campaign("intents", 50_000, 2 * 10**7, frozenset({"bad_signature", "market_invalid", "intent_too_long"})),
    Campaign(
        "sealed",
        18_000,
        2 * 10**6,
        frozenset({"sealed_undecryptable", "commitment_mismatch", "wrong_actor"}),
        memory_mib=64,  # an application that repeats fingerprints of 11 KiB as often as a message may hold them
    ),
    Campaign("packages", 28_000, 10**7, frozenset({"package_undecryptable", "package_tampered"})),
    Campaign("fingerprints", 15_000, 10**7, frozenset({"fingerprint_malformed", "unknown_generator"})),
    Campaign(
        "images",
        10_000,
        2 * 10**6,
        frozenset({"image_too_large", "not_an_image", "unsupported_format"}),
        memory_mib=1_300,  # what the decoder of WebP takes for the largest picture
    ),
    Campaign(
        "archives",
        12_000,
        10**7,
        frozenset({"not_an_archive", "archive_unsafe", "data_too_large"}),
    ),
    Campaign("texts", 4_000, 10**6, frozenset({"not_text", "empty_file"}), memory_mib=128),
    Campaign("tables", 500, 3 * 10**5, frozenset({"not_a_table", "empty_file"}), memory_mib=512),
    Campaign(
        "blocks", 7_000, 10**6, frozenset({"orderer_signature", "endorsement_policy", "bad_filter"}), accepted=False
    ),
    Campaign(
        *("bundles", 1_000, 10**6, frozenset({"malformed_bundle", "bundle_differs", "data_hash_mismatch"})),
        accepted=False,
    ),
    Campaign("configurations", 6_000, 10**6, frozenset({"stale_update", "malformed_file", "bad_signature"})),
    Campaign("messages", 25_000, 2 * 10**7, frozenset({"wrong_actor", "receipt_malformed", "bad_signature"})),
    Campaign("documents", 25_000, 10**7, frozenset({"malformed_record", "market_invalid", "KeyError"})),
    Campaign("files", 25_000, 10**7, frozenset({"ledger_unavailable", "refused_here", "malformed_request"})),
    Campaign("requests", 40_000, 2 * 10**7, frozenset({"bad_signature", "malformed_request"})),
)


# Ten seconds of work may take minutes on a machine that has others to do.
@pytest.mark.timeout(size(1_200, 6 * 3_600))
@pytest.mark.parametrize("tried", CAMPAIGNS, ids=lambda tried: tried.name)
def test_hostile_input_is_refused_in_a_declared_way_within_bounded_memory(tried: Campaign) -> None:
    outcome = campaign.run(tried.name, size(tried.every_run, tried.nightly))
    refusals = sum(outcome.refused.values())
    show(
        f"fuzz {tried.name}: {outcome.cases} cases, {refusals} refused in {len(outcome.refused)} declared ways, "
        f"memory +{outcome.peak_mib:.0f} MiB of {tried.memory_mib}"
    )
    assert refusals + outcome.accepted == outcome.cases
    assert outcome.refused.keys() >= tried.reached
    assert bool(outcome.accepted) is tried.accepted
    assert outcome.peak_mib < tried.memory_mib


@pytest.mark.parametrize(
    ("case", "said"),
    [
        pytest.param(broken.CRASH, "ended with status -11", id="the process crashes"),
        pytest.param(broken.UNDECLARED, "RecursionError: somebody", id="an error that nobody has declared"),
        pytest.param(broken.UNBOUNDED, "MemoryError", id="memory without bound"),
    ],
)
def test_a_campaign_finds_the_faults_that_it_looks_for_and_names_the_case(case: int, said: str) -> None:
    assert campaign.run("broken", 1).refused == {"malformed_request": 1}
    with pytest.raises(campaign.FuzzError, match=rf"case {case} of broken[\s\S]*{said}"):
        campaign.run("broken", 3, first=case)


def test_a_case_is_the_same_whichever_came_before() -> None:
    """Else a failure of the night could not be looked at in the morning by its number."""
    parts = [campaign.run("documents", 50, first=first).refused for first in (0, 50)]
    whole = campaign.run("documents", 100).refused
    assert {code: sum(part.get(code, 0) for part in parts) for code in whole} == whole
