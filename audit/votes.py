"""Changes of the market itself: its founding, votes on its configuration, its clock, and anchors of its board."""

from countermark.audit import records
from countermark.audit.acts import Act
from countermark.audit.effects import proposed_version
from countermark.audit.errors import AuditError
from countermark.audit.records import Record, State
from countermark.protocol import canonical, market_rules, merkle
from countermark.protocol.encoding import as_digest, digest, undigest
from countermark.protocol.errors import MarketError
from countermark.protocol.market import MarketConfig


def check_founding(act: Act, state: State) -> None:
    """Check that a market is founded once, with what its founder called it with.

    Raises:
        AuditError: ``wrong_state``, ``record_differs``, ``malformed_record``.
    """
    if records.CONFIG in state:
        raise AuditError("wrong_state", "the market has been founded")
    config = _allowed(act.subject.encode())
    _check_config(act, config, 1)
    records.check_same("market/pepper", act.function, act.records["market/pepper"], {"version": 1})
    records.check_same("epoch", act.function, act.records["epoch"], {"n": 1, "ts": act.time})


def check_tick(act: Act, state: State) -> None:
    """Check that the next epoch begins when it is due.

    Raises:
        AuditError: ``too_early``, ``record_differs``, ``unknown_record``.
    """
    before = records.read(state, "epoch")
    records.check_due(act.time_ms, before["ts"], records.config(state).epoch_s)
    after = {"n": before["n"] + 1, "ts": act.time}
    records.check_same("epoch", act.function, act.records["epoch"], after)


def check_vote(act: Act, state: State) -> None:
    """Check that a proposal gets the approval of the organisation that submits it, and of no other.

    Raises:
        AuditError: ``wrong_actor``, ``wrong_state``, ``record_differs``, ``unknown_record``.
    """
    rules = records.config(state)
    _check_voter(act, rules)
    before = _proposal(act, state)
    key = f"market/proposal/{before['version']:08d}/{before['digest']}"
    proposed = act.function == "market.propose"
    if before["version"] != rules.version + 1 or (key in state) is proposed or set(_proposals(act)) != {key}:
        raise AuditError("wrong_state", f"{act.function} of {key} has no place after version {rules.version}")
    approvals = {**before["approvals"], act.msp_id: act.tx_id}
    members = [msp for msp in approvals if msp in rules.organisations]
    enough = 2 * len(members) > len(rules.organisations) and rules.supervisor.msp_id in members
    effective = before["effective_at"] or (act.after(rules.change_delay_s) if enough else "")
    expected = {**before, "approvals": approvals, "effective_at": effective}
    records.check_same(key, act.function, act.records[key], expected)


def check_change(act: Act, state: State) -> None:
    """Check that what comes into force was approved, and its delay has passed.

    Raises:
        AuditError: ``unknown_record``, ``wrong_state``, ``too_early``, ``record_differs``.
    """
    rules = records.config(state)
    named = act.args[1] if len(act.args) > 1 else ""
    proposal = records.read(state, f"market/proposal/{proposed_version(act)}/{named}")
    if proposal["version"] != rules.version + 1:
        raise AuditError("wrong_state", f"version {proposal['version']} does not follow {rules.version}")
    records.check_due(act.time_ms, proposal["effective_at"], rules.guard_s)
    _check_config(act, _allowed(canonical.dumps(proposal["config"])), proposal["version"])


def check_anchor(act: Act, state: State) -> None:
    """Check that the platform anchors a board that extends the one it anchored last.

    Raises:
        AuditError: ``wrong_actor``, ``record_differs``, ``wrong_state``.
    """
    platform = records.config(state).platform
    if (act.signer, act.msp_id) != (platform.account, platform.msp_id):
        raise AuditError("wrong_actor", f"{act.signer} is not the platform")
    last = records.find(state, "board/anchor") or {"size": 0, "root": as_digest(merkle.EMPTY_ROOT)}
    size, root = act.params["size"], act.params["root"]
    proof = [undigest(node) for node in act.params["proof"]]
    try:
        merkle.verify_consistency(last["size"], undigest(last["root"]), size, undigest(root), proof)
    except MarketError as error:
        raise AuditError("wrong_state", f"the board does not extend the last anchor: {error.detail}") from error
    if size <= last["size"]:
        raise AuditError("wrong_state", f"the board is anchored at size {last['size']}")
    for key in ("board/anchor", f"board/anchor/{size:016d}"):
        expected = {"at": act.time, "root": root, "size": size, "tx": act.tx_id}
        records.check_same(key, act.function, act.records[key], expected)


def _proposal(act: Act, state: State) -> Record:
    """Return the proposal as it was before this vote."""
    if act.function == "market.approve":
        return records.read(state, f"market/proposal/{act.params['version']:08d}/{act.params['digest']}")
    config = _allowed(canonical.dumps(act.params["config"]))
    return {
        "approvals": {},
        "config": config,
        "digest": digest(canonical.dumps(config)),
        "effective_at": "",
        "proposed_at": act.time,
        "version": config["version"],
    }


def _proposals(act: Act) -> list[str]:
    return [key for key in act.records if key.startswith("market/proposal/")]


def _allowed(data: bytes) -> Record:
    """Return the configuration in ``data``, which must be one that may come into force."""
    config = records.parse_config(data)
    try:
        market_rules.check(config)
    except MarketError as error:
        raise AuditError("wrong_state", f"the configuration may not come into force: {error.detail}") from error
    return config.to_json()


def _check_config(act: Act, config: Record, version: int) -> None:
    config = {**config, records.NAME: act.market}
    for key in (records.CONFIG, f"market/version/{version:08d}"):
        records.check_same(key, act.function, act.records[key], config)


def _check_voter(act: Act, rules: MarketConfig) -> None:
    named = {party.msp_id: party.account for party in (rules.platform, rules.supervisor)}
    if act.msp_id in rules.issuers:
        named.setdefault(act.msp_id, rules.issuers[act.msp_id].account)
    own = act.signer == named[act.msp_id] if act.msp_id in named else act.admin
    if not own or act.msp_id not in rules.organisations:
        raise AuditError("wrong_actor", f"{act.signer} may not vote for {act.msp_id}")
