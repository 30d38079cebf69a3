"""The error of an evaluation."""


class EvaluationError(Exception):
    """What is to be evaluated cannot be: it says why."""
