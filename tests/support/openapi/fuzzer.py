"""Requests made up by schemathesis from the description, completed by plans, sent, and their answers checked."""

from functools import partial
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.hooks import HookContext

from tests.support.front import Front
from tests.support.openapi import acts
from tests.support.openapi.checks import checks
from tests.support.openapi.completion import Completion
from tests.support.openapi.live import LiveMarket
from tests.support.openapi.plans import PLANS
from tests.support.openapi.tally import Tally
from tests.support.openapi.wire import SigningWire

_SECRETS = (b"k" * 32, b"p" * 32)
"""The key of the private columns, and the market's pepper, of `support.front`."""


class Fuzzer:
    """Sends made-up requests to the gateway `front`."""

    def __init__(self, front: Front) -> None:
        self.live = LiveMarket(front)
        acts.deliver(self.live)
        self._completion = Completion(self.live)
        self._checks = checks(self.live.actors, _SECRETS)
        wire = SigningWire(front, self.live.actors)
        self.schema = schemathesis.openapi.from_wsgi("/openapi.json", wire)
        self.schema.config.checks.negative_data_rejection.expected_statuses = ["4xx"]

        @self.schema.hook
        def flatmap_case(_context: HookContext, case: Case[Any]) -> st.SearchStrategy[Case[Any]]:
            return PLANS.map(partial(self._completion.complete, case))

    def run(self, label: str, cases: int) -> Tally:
        """Send `cases` requests of the operation `label`, the first as a good client would, and return what came."""
        operation = next(one.ok() for one in self.schema.get_all_operations() if one.ok().label == label)
        tally = Tally()
        self.live.front.work()
        # What the description forbids is seldom more than a missing member: one in six.
        wrong = cases // 6 if operation.body or operation.query else 0
        self._give(operation.as_strategy(), cases - wrong, tally)
        if wrong:
            self._give(operation.as_strategy(GenerationMode.NEGATIVE), wrong, tally)
        return tally

    def _give(self, strategy: st.SearchStrategy[Case[Any]], cases: int, tally: Tally) -> None:
        @settings(
            max_examples=cases,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def send(case: Case[Any]) -> None:
            self._send(case, tally)

        send()

    def _send(self, case: Case[Any], tally: Tally) -> None:
        response = case.call()
        tally.statuses[response.status_code] += 1
        try:
            case.validate_response(response, checks=self._checks)
        except FailureGroup as group:
            for failure in group.exceptions:
                tally.failures.setdefault(f"{response.status_code} {failure}", f"{case!r}: {response.text}")
        if response.status_code < 300 and "json" in response.headers.get("content-type", [""])[0]:
            self._completion.learn(case.path, response.json())
        if response.status_code == 202:
            # Whoever asked for its outcome would wait for it: there is no worker beside this gateway.
            self.live.front.services.submitter.run_once()
