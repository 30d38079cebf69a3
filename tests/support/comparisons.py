"""Comparisons of fingerprints as they could come out, without fingerprints."""

from countermark.fingerprint import Comparison, Decision


def comparison(generator: str, decision: Decision, score: float) -> Comparison:
    return Comparison(decision, score, (), generator, f"{generator}+1")
