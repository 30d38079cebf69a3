"""Made-up requests completed by a plan: live ids in the path, an intent in the body, what is sealed sealed."""

import copy
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from schemathesis import Case
from schemathesis.core.parameters import ParameterLocation

from countermark.gateway.refusals import INTENT, SEALED
from countermark.protocol import ids, intents, jws, times
from countermark.protocol.transitions import TradeState
from tests.support.market import Actor
from tests.support.openapi import acts
from tests.support.openapi.acts import Act
from tests.support.openapi.live import POOL, LiveMarket
from tests.support.openapi.plans import Envelope, Plan, Seal
from tests.support.openapi.wire import SIGNER, SIGNING
from tests.support.platform import MARKET, part

_LIFETIME_S = 300
_DECIDED = 3


class Completion:
    """Completes requests to the gateway of a live market."""

    def __init__(self, live: LiveMarket) -> None:
        self.live = live
        self._sent: deque[tuple[str, str]] = deque(maxlen=POOL)
        """Intents sent before, by their action."""
        self._learned: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=POOL))
        """Ids in answers of each collection."""
        self._cursors: deque[str] = deque(maxlen=POOL)
        self._parts: deque[tuple[str, Actor]] = deque(maxlen=POOL)
        self._decided: list[str] = []
        """Claims that were decided, evidence and reasons handed in."""
        self._filled: dict[str, Callable[[Case[Any], Plan], Act]] = {
            "accounts_fund": self._fund,
            "packages_upload": self._upload,
            "packages_upload_remedy": self._upload_remedy,
            "fingerprints_upload": self._part,
        }
        """Operations whose bodies have no intent and cannot be made up."""

    def complete(self, case: Case[Any], plan: Plan) -> Case[Any]:
        """Return `case` as `plan` says; whose signature it gets on its way stands in headers of `wire`."""
        self.live.tick()
        spec = case.operation.definition.raw
        audits = case.operation.path.startswith("/v1/audit/")
        signer = self.live.market.supervisor if audits else self.live.market.buyer
        wrong = _wrong_parts(case)
        if not plan.raw and not wrong:
            act = self._act(spec, plan)
            if act is not None:
                self._ask(case, act, plan)
            elif SEALED in spec and spec["operationId"] not in self._filled:
                case.body = {"sealed": acts.inquiry(self.live, spec[SEALED], fresh=plan.fresh, pick=plan.pick)}
            else:
                act = self._fill(case, plan)
            signer = self._point(case, plan, act) or signer
            if isinstance(case.body, dict):
                case.body = _spoil(case.body, plan.seal)
            if {"first", "second"} <= set(case.query) and plan.fresh:
                sizes = self.live.anchored()
                case.query |= {"first": sizes[plan.pick % len(sizes)], "second": sizes[-1]}
            if "cursor" in case.query and self._cursors:
                case.query["cursor"] = self._cursors[plan.pick % len(self._cursors)]
            if plan.wait and any(one.name == "Prefer" for one in case.operation.headers):
                case.headers["Prefer"] = "wait=5"
        if any(spec.get("security", [])) and ParameterLocation.HEADER not in wrong:
            if plan.other_signer:
                signer = self.live.actors[plan.other_signer % len(self.live.actors)]
            case.headers[SIGNER], case.headers[SIGNING] = signer.name, plan.signing
        return case

    def learn(self, path: str, answer: object) -> None:
        """Remember the ids and the cursor in the JSON `answer` of the collection at `path`."""
        if not isinstance(answer, dict):
            return
        items = answer.get("items")
        for item in items if isinstance(items, list) else [answer]:
            if isinstance(item.get("id"), str):
                self._learned[path].append(item["id"])
        if answer.get("next"):
            self._cursors.append(answer["next"])

    # Intents

    def _act(self, spec: Mapping[str, Any], plan: Plan) -> Act | None:
        action = spec.get(INTENT)
        return None if action is None else acts.make(self.live, action, fresh=plan.fresh, pick=plan.pick)

    def _ask(self, case: Case[Any], act: Act, plan: Plan) -> None:
        body: dict[str, Any] = dict(act.extra)
        if act.params:  # the intent of a listing stands in what is sealed
            if plan.other_signer:
                act.signer = self.live.actors[plan.other_signer % len(self.live.actors)]
            token = self._token(act, plan)
            if token is not None:
                body["intent"] = token
            elif isinstance(case.body, dict):
                body["intent"] = case.body.get("intent", "")
        case.body, case.media_type = body, "application/json"

    def _token(self, act: Act, plan: Plan) -> str | None:
        """Return the intent of `act`, as far as `plan` lets it be good; None where it is to be as made up."""
        same = [token for action, token in self._sent if action == act.action]
        if plan.envelope is Envelope.AS_MADE_UP:
            return None
        if act.token and plan.envelope is Envelope.GOOD:
            return act.token
        if plan.envelope is Envelope.AGAIN and same:
            return same[plan.pick % len(same)]
        nonce = intents.new_nonce()
        if plan.envelope is Envelope.SAME_NONCE and same:
            nonce = jws.verify(same[-1], intents.TYP).payload["nonce"]
        if act.action == "trade.pay":
            listing = act.params["listing"]
            act.path["trade"] = ids.trade_id(market=MARKET, listing=listing, buyer=act.signer.address, nonce=nonce)
        payload = self._payload(act, plan, nonce)
        token = jws.sign(act.signer.key, intents.TYP, payload)
        if plan.envelope is Envelope.FORGED:
            signed, _, _ = token.rpartition(".")
            token = f"{signed}.{jws.sign(self.live.actors[-1].key, intents.TYP, payload).rpartition('.')[2]}"
        self._sent.append((act.action, token))
        return token

    def _payload(self, act: Act, plan: Plan, nonce: str) -> dict[str, Any]:
        issued_ms = self.live.now_ms + {Envelope.EXPIRED: -3_600_000, Envelope.FUTURE: 3_600_000}.get(
            plan.envelope, 0
        )
        lifetime_s = 10**8 if plan.envelope is Envelope.LONG else _LIFETIME_S
        params = copy.deepcopy(act.params)
        names = sorted(params)
        if 0 < plan.strange_param <= len(names):
            params[names[plan.strange_param - 1]] = plan.strange
        return {
            "action": "board.anchor" if plan.envelope is Envelope.OTHER_ACTION else act.action,
            "expires_at": times.to_text(issued_ms + lifetime_s * 1000),
            "issued_at": times.to_text(issued_ms),
            "market": "market/other" if plan.envelope is Envelope.OTHER_MARKET else MARKET,
            "nonce": nonce,
            "params": params,
        }

    # Paths, queries and bodies without an intent

    def _fill(self, case: Case[Any], plan: Plan) -> Act | None:
        """Give `case` a body that is good as far as `plan` says, where it has no intent and cannot be made up."""
        fill = self._filled.get(case.operation.definition.raw["operationId"])
        if fill is not None:
            return fill(case, plan)
        if plan.fresh:
            _take_examples(case)
        return None

    def _fund(self, case: Case[Any], plan: Plan) -> Act:
        who = self.live.market.buyer
        number = self.live.number() if plan.fresh else plan.pick % 5
        case.body = {"amount": "5", "reference": f"deposit-{number}"}
        if plan.strange_param:
            case.body[("amount", "reference")[plan.strange_param % 2]] = plan.strange
        return Act("", who, {}, {"address": who.address})

    def _part(self, case: Case[Any], plan: Plan) -> Act:
        who = self.live.actors[plan.pick % 6]
        digest, message = part([b"%d" % self.live.number()])
        case.body = {"sealed": message}
        self._parts.append((digest, who))
        return Act("", who, {}, {"digest": digest})

    def _upload(self, case: Case[Any], plan: Plan) -> Act:
        packages = list(self.live.packages)
        trade = self.live.trade(TradeState.FUNDED) if plan.fresh else packages[plan.pick % len(packages)]
        return self._part_of_package(case, plan, trade)

    def _upload_remedy(self, case: Case[Any], plan: Plan) -> Act:
        trades = self.live.remedied
        trade = self.live.trade(TradeState.EVIDENCED) if plan.fresh else trades[plan.pick % len(trades)]
        if plan.fresh:
            trades.append(trade)
        return self._part_of_package(case, plan, trade)

    def _part_of_package(self, case: Case[Any], plan: Plan, trade: str) -> Act:
        package, _ = self.live.package(trade)
        start = 0 if plan.pick % 3 == 0 else plan.pick % len(package)
        stop = len(package) if plan.pick % 5 == 0 else min(start + 1 + plan.pick % 1_000, len(package))
        total = len(package) + (plan.strange_param == 1)
        case.body = package[start:stop] + b"." * (plan.strange_param == 2)
        case.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{total}"
        return Act("", self.live.market.seller, {}, {"trade": trade})

    def _point(self, case: Case[Any], plan: Plan, act: Act | None) -> Actor | None:
        """Put live ids into the path of `case`, and return who may see what they name, None where it is no matter."""
        signer = None if act is None else act.signer
        for name in case.path_parameters:
            value = None if act is None or plan.other_path else act.path.get(name)
            if value is None:
                value, signer = self._live_id(case, name, plan)
            case.path_parameters[name] = quote(value, safe="")
        return signer

    def _live_id(self, case: Case[Any], name: str, plan: Plan) -> tuple[str, Actor | None]:
        find: Callable[[Case[Any], Plan], tuple[str, Actor | None]] | None = getattr(self, f"_some_{name}", None)
        if find is not None:
            return find(case, plan)
        collection = case.path.partition(f"/{{{name}}}")[0]
        learned = self._learned[collection]
        assert learned, (
            f"{case.operation.label}: no answer of {collection} has told an `id` for {{{name}}};"
            f" add `_some_{name}` to tests/support/openapi/completion.py"
        )
        return learned[plan.pick % len(learned)], None

    def _some_address(self, case: Case[Any], plan: Plan) -> tuple[str, Actor | None]:
        who = self.live.actors[plan.pick % 6]
        return who.address, who

    def _some_listing(self, case: Case[Any], plan: Plan) -> tuple[str, Actor | None]:
        return self.live.listings[plan.pick % len(self.live.listings)], self.live.market.seller

    def _some_trade(self, case: Case[Any], plan: Plan) -> tuple[str, Actor | None]:
        if case.path.endswith(("/opening", "/decision")) and plan.fresh:
            opening = case.path.endswith("/opening")
            trade = acts.evidence(self.live) if opening else acts.decided(self.live)
            return trade, self.live.market.arbiter if opening else self.live.market.buyer
        trades = list(self.live.trades)
        if case.path.endswith("/package") and plan.pick % 4 == 0:
            remedied = case.path.endswith("/remedy/package")
            trades = list(self.live.remedied) if remedied else [*self.live.delivered, *self.live.packages]
        return trades[plan.pick // 4 % len(trades)], self.live.market.buyer

    def _some_claim(self, case: Case[Any], plan: Plan) -> tuple[str, Actor | None]:
        if case.path.endswith(("/evidence", "/decision")) and plan.fresh:
            if len(self._decided) < _DECIDED:
                self._decided.append(acts.decided_claim(self.live))
            return self._decided[plan.pick % len(self._decided)], self.live.market.supervisor
        return self.live.claims[plan.pick // 4 % len(self.live.claims)], self.live.market.stranger

    def _some_digest(self, case: Case[Any], plan: Plan) -> tuple[str, Actor | None]:
        if not self._parts:
            (digest, message), who = part([b"the first"]), self.live.market.seller
            self.live.front.services.parts.keep(who.address, digest, message)
            self._parts.append((digest, who))
        return self._parts[plan.pick % len(self._parts)]

    def _some_seq(self, case: Case[Any], plan: Plan) -> tuple[str, Actor | None]:
        seq, signer = self.live.entries()[plan.pick % len(self.live.entries())]
        return seq, self.live.by_address(signer)

    def _some_txid(self, case: Case[Any], plan: Plan) -> tuple[str, Actor | None]:
        return self.live.transactions[plan.pick % len(self.live.transactions)], None

    def _some_subject(self, case: Case[Any], plan: Plan) -> tuple[str, Actor | None]:
        noun = case.path.split("/")[-2].removesuffix("s").replace("account", "address")
        value, _ = self._live_id(case, noun, plan)
        return value, self.live.market.supervisor


def _take_examples(case: Case[Any]) -> None:
    """Make the body of `case` of the examples that the description gives for its members, where it gives them all."""
    content = case.operation.definition.raw.get("requestBody", {}).get("content", {}).get("application/json", {})
    _, _, name = content.get("schema", {}).get("$ref", "").rpartition("/")
    schema = case.operation.schema.raw_schema["components"]["schemas"].get(name, {})
    examples = {member: schema["properties"][member].get("examples", []) for member in schema.get("required", [])}
    if examples and all(examples.values()):
        case.body = {member: given[0] for member, given in examples.items()}


def _wrong_parts(case: Case[Any]) -> set[ParameterLocation]:
    """Return where `case` breaks the description on purpose."""
    components = {} if case.meta is None else case.meta.components
    return {location for location, part in components.items() if part.mode.is_negative}


def _spoil(body: dict[str, Any], seal: Seal) -> dict[str, Any]:
    """Return `body` with every sealed message in it as `seal` says."""
    return {
        name: (_spoiled(value, seal) if "ciphertext" in value else _spoil(value, seal))
        if isinstance(value, dict)
        else value
        for name, value in body.items()
    }


def _spoiled(message: dict[str, Any], seal: Seal) -> dict[str, Any]:
    text = str(message["ciphertext"])
    changes: dict[Seal, dict[str, Any]] = {
        Seal.CUT: {"ciphertext": text[: len(text) // 2]},
        Seal.FLIPPED: {"ciphertext": text[::-1]},
        Seal.OTHER_KIND: {"kind": "opening" if message.get("kind") != "opening" else "notice"},
        Seal.OTHER_VERSION: {"key_version": 2},
        Seal.OTHER_FORM: {"v": 2},
    }
    return {**message, **changes.get(seal, {})}
