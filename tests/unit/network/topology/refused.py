"""What is changed in the default network.yaml, one thing at a time, and how each change is refused."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """What is changed in the default description, the code of the refusal, words of it, and what its line holds."""

    old: str
    new: str
    code: str
    words: str
    at: str = ""

    @property
    def place(self) -> str:
        return self.at or self.new.strip().splitlines()[0]


POLICY = "organisations:\n"


def policy(text: str, words: str, code: str = "impossible_policy") -> Case:
    return Case(POLICY, f"endorsement: {text}\n{POLICY}", code, words, "endorsement:")


PEER = "      - name: peer0\n        host: 127.0.0.1\n        ports: "
CASES = {
    # A key that nobody knows, at each level
    "key at the top": Case("mode: native", "mod: native", "unknown_key", "unknown key mod; known here:.* mode"),
    "key of the chaincode": Case('"1.0"}', '"1.0", x: 1}', "unknown_key", "unknown key x; known here: name, version"),
    "key of the batch": Case("max_messages: 100}", "max_bytes: 1}", "unknown_key", "unknown key max_bytes"),
    "key of an organisation": Case("    part: platform", "    role: platform", "unknown_key", "unknown key role"),
    "key of a peer": Case("        host: 127", "        address: x\n        host: 127", "unknown_key", "address"),
    "key of a peer's ports": Case("operations: 7003", "operations: 7003, gossip: 9", "unknown_key", "gossip", "7003"),
    "key of an orderer": Case("{orderer: 7006", "{consenter: 7006", "missing_key", "orderer is missing"),
    "key of a policy": policy("{out_of: 1, of: [PlatformMSP], x: 1}", "unknown key x", "unknown_key"),
    "key twice": Case(
        "channel: market",
        "channel: market\nchannel: other",
        "duplicate_key",
        "channel stands twice",
        "channel: other",
    ),
    "key twice, deep": Case(
        "part: platform", "part: platform\n    part: member", "duplicate_key", "part stands twice", "part: member"
    ),
    "a list as key": Case("mode: native", "[mode]: native", "malformed_value", "a text is expected"),
    "merged keys": Case("mode: native", "<<: {mode: native}", "unknown_key", "unknown key <<"),
    # A key that is missing
    "no network": Case("network: countermark\n", "", "missing_key", "network is missing", "mode"),
    "no channel": Case("channel: market\n", "", "missing_key", "channel is missing", "network:"),
    "no version": Case(', version: "1.0"', "", "missing_key", "version is missing", "chaincode"),
    "no time window": Case("time_window_s: 5\n", "", "missing_key", "time_window_s is missing", "network:"),
    "no MSP id": Case("    msp_id: PlatformMSP\n", "", "missing_key", "msp_id is missing", "- name: platform"),
    "no host": Case("        host: 127.0.0.1\n", "", "missing_key", "host is missing", "- name: peer0"),
    "no ports": Case(
        f"{PEER}{{peer: 7001, listener: 7002, operations: 7003, chaincode: [7004, 7005]}}\n",
        "      - name: peer0\n        host: 127.0.0.1\n",
        "missing_key",
        "ports is missing",
        "- name: peer0",
    ),
    "no listener": Case("listener: 7002, ", "", "missing_key", "listener is missing", "7001"),
    # Values of the wrong kind
    "a list as text": Case("channel: market", "channel: [market]", "malformed_value", "channel: a text is expected"),
    "an empty text": Case("channel: market", "channel:", "malformed_value", "channel: a text is expected"),
    "a text as list": Case("chaincode: [7004, 7005]", "chaincode: 7004", "malformed_value", "a list is expected"),
    "a text as mapping": Case(
        "batch: {timeout_ms: 200, max_messages: 100}", "batch: 200", "malformed_value", "names with values"
    ),
    "one chaincode port": Case("[7004, 7005]", "[7004]", "malformed_value", "two ports are expected", "7001"),
    "three chaincode ports": Case("[7004, 7005]", "[7004, 7005, 1]", "malformed_value", "two ports", "7001"),
    "organisations as mapping": Case(
        "organisations:\n  - name: platform\n",
        "organisations:\n    name: platform\n",
        "not_yaml",
        "expected <block end>",
        "- name: supervisor",
    ),
    # Numbers
    "port 0": Case("peer: 7001", "peer: 0", "malformed_value", "peer: an integer from 1 to 65535", "peer: 0"),
    "port 65536": Case("peer: 7001", "peer: 65536", "malformed_value", "an integer from 1 to 65535", "65536"),
    "negative port": Case("peer: 7001", "peer: -1", "malformed_value", "an integer", "peer: -1"),
    "port in words": Case("peer: 7001", "peer: http", "malformed_value", "an integer", "http"),
    "broken port": Case("peer: 7001", "peer: 7001.0", "malformed_value", "an integer", "7001.0"),
    "port in other digits": Case("peer: 7001", "peer: ٧٠٠١", "malformed_value", "an integer", "٧٠٠١"),
    "endless number": Case("peer: 7001", f"peer: {'9' * 5000}", "malformed_value", "an integer", "99999"),
    "no time window at all": Case("time_window_s: 5", "time_window_s: 0", "malformed_value", "from 1 to 3600"),
    "half a second": Case("time_window_s: 5", "time_window_s: 0.5", "malformed_value", "an integer"),
    "batches of none": Case("max_messages: 100", "max_messages: 0", "malformed_value", "from 1 to", "max_messages"),
    "batches at once": Case("timeout_ms: 200", "timeout_ms: 1", "malformed_value", "from 10 to 60000", "timeout_ms"),
    # Names
    "path as network": Case("network: countermark", "network: ../x", "malformed_value", "a name of a-z"),
    "upper case name": Case("- name: platform", "- name: Platform", "malformed_value", "name: a name of a-z"),
    "dotted node": Case("- name: peer0", "- name: peer.0", "malformed_value", "a name of a-z"),
    "long name": Case("- name: platform", f"- name: {'a' * 31}", "malformed_value", "a name of a-z"),
    "slash in an MSP id": Case("PlatformMSP", "Platform/MSP", "malformed_value", "an MSP id"),
    "long MSP id": Case("PlatformMSP", "P" * 65, "malformed_value", "an MSP id"),
    "newline in an MSP id": Case("PlatformMSP", '"PlatformMSP\\n"', "malformed_value", "an MSP id"),
    "domain of one label": Case(
        "domain: platform.example", "domain: platform", "malformed_value", "a domain such as"
    ),
    "wildcard domain": Case("domain: platform.example", "domain: '*.example'", "malformed_value", "a domain such as"),
    "host with a scheme": Case("host: 127.0.0.1", "host: 'http://a'", "malformed_value", "a host name"),
    "host with a port": Case("host: 127.0.0.1", "host: a:80", "malformed_value", "a host name"),
    "host of IPv6": Case("host: 127.0.0.1", "host: '::1'", "malformed_value", "a host name or IPv4"),
    "long host": Case("host: 127.0.0.1", f"host: {'a.' * 95}aa", "malformed_value", "a host name"),
    "upper case channel": Case("channel: market", "channel: Market", "malformed_value", "a channel's name"),
    "underscore in a channel": Case("channel: market", "channel: my_market", "malformed_value", "a channel's name"),
    "chaincode with a dot": Case("name: countermark", "name: counter.mark", "malformed_value", "a chaincode's name"),
    "chaincode that ends in a hyphen": Case(
        "name: countermark", "name: countermark-", "malformed_value", "single hyphens"
    ),
    "chaincode with two hyphens": Case(
        "name: countermark", "name: counter--mark", "malformed_value", "single hyphens"
    ),
    "chaincode of Fabric's own": Case("name: countermark", "name: lscc", "malformed_value", "a chaincode's name"),
    "long chaincode": Case("name: countermark", f"name: {'c' * 49}", "malformed_value", "a chaincode's name"),
    "version with a slash": Case('"1.0"', '"1/0"', "malformed_value", "a version"),
    "node called as the administrator": Case("- name: peer0", "- name: admin", "malformed_value", "and no node"),
    "orderer called as the client": Case("- name: orderer0", "- name: gateway", "malformed_value", "and no node"),
    # Choices
    "mode": Case("mode: native", "mode: docker", "malformed_value", "mode: one of native, compose is expected"),
    "consensus": Case("consensus: raft", "consensus: kafka", "malformed_value", "one of raft, bft is expected"),
    "part": Case("part: supervisor", "part: auditor", "malformed_value", "one of platform, supervisor, member"),
    # Names twice
    "organisation twice": Case(
        "- name: trader", "- name: platform  # again", "duplicate_name", "name: platform stands twice"
    ),
    "MSP id twice": Case(
        "TraderMSP", "PlatformMSP", "duplicate_msp_id", "PlatformMSP is the MSP of platform", "- name: trader"
    ),
    "node twice": Case("- name: peer1", "- name: peer0  # again", "duplicate_name", "peer0.supervisor stands twice"),
    "peer and orderer of one name": Case(
        "- name: orderer0", "- name: peer0  # again", "duplicate_name", "peer0.platform stands twice"
    ),
    # Parts
    "no platform": Case(
        "part: platform", "part: member", "missing_organisation", "has the part platform", "organisations:"
    ),
    "no supervisor": Case(
        "part: supervisor", "part: member", "missing_organisation", "has the part supervisor", "organisations:"
    ),
    "two platforms": Case(
        "part: member", "part: platform", "duplicate_part", "platform is the platform already", "- name: trader"
    ),
    "two supervisors": Case(
        "part: member", "part: supervisor", "duplicate_part", "supervisor is the supervisor", "- name: trader"
    ),
    # Ports
    "port twice in a node": Case(
        "listener: 7002",
        "listener: 7001",
        "port_clash",
        "peer0.platform: port 7001 is taken by itself",
        "- name: peer0",
    ),
    "chaincode port twice": Case(
        "[7004, 7005]", "[7004, 7004]", "port_clash", "port 7004 is taken by itself", "- name: peer0"
    ),
    "port of two nodes": Case(
        "admin: 7007", "admin: 7003", "port_clash", "peer0.platform: port 7003 is taken by orderer0", "- name: peer0"
    ),
    "port of two organisations": Case(
        "\n        host: 127.0.0.1\n        ports: {orderer: 7019",
        "  # second\n        host: 127.0.0.1\n        ports: {orderer: 7001",
        "port_clash",
        "orderer0.supervisor: port 7001 is taken by peer0.platform",
        "# second",
    ),
    "port of two names of one machine": Case(
        "host: 127.0.0.1\n        ports: {orderer: 7006",
        "host: localhost\n        ports: {orderer: 7003",
        "port_clash",
        "port 7003 is taken",
        "- name: peer0",
    ),
    # Ordering
    "BFT of three": Case("consensus: raft", "consensus: bft", "missing_orderer", "at least 4 orderers, there are 3"),
    # Policies
    "policy of a stranger": policy("{out_of: 2, of: [SupervisorMSP, NobodyMSP]}", "NobodyMSP has no peer here"),
    "policy of more than there are": policy(
        "{out_of: 3, of: [SupervisorMSP, PlatformMSP]}", "3 of 2 rules can never hold"
    ),
    "policy of nobody": policy("{out_of: 1, of: []}", "1 of 0 rules can never hold"),
    "policy of none of them": policy("{out_of: 0, of: [SupervisorMSP]}", "an integer from 1", "malformed_value"),
    "policy of the same twice": policy(
        "{out_of: 2, of: [SupervisorMSP, SupervisorMSP]}", "not even all organisations"
    ),
    "policy without the supervisor": policy(
        "{out_of: 2, of: [PlatformMSP, TraderMSP]}", "holds without the supervisor"
    ),
    "policy of any two": policy(
        "{out_of: 2, of: [SupervisorMSP, PlatformMSP, TraderMSP]}", "holds without the supervisor"
    ),
    "policy of the supervisor alone": policy("SupervisorMSP", "the supervisor alone satisfies it"),
    "policy in words": policy("AND('SupervisorMSP.peer')", "an MSP id", "malformed_value"),
    # Files of others
    "definition that is not there": Case(
        "  - name: trader", "  - definition: gone.json\n  - name: trader", "no_definition", "gone.json: No such file"
    ),
    "definition that is a folder": Case(
        "  - name: trader", "  - definition: .\n  - name: trader", "no_definition", "Is a directory"
    ),
    "definition of no file": Case(
        "  - name: trader", '  - definition: "a\\0b"\n  - name: trader', "malformed_value", "a file's name"
    ),
    "definition and more": Case(
        "  - name: trader", "  - definition: gone.json\n    name: trader", "no_definition", "gone.json"
    ),
    # YAML
    "alias": Case("mode: native", "mode: &a native\nchannel: *a", "alias", "aliases are not allowed", "channel: *a"),
    "open bracket": Case("batch: {", "batch: {{", "not_yaml", "expected ',' or", "time_window_s"),
    "tab": Case("mode: native", "\tmode: native", "not_yaml", "cannot start any token", "\tmode"),
    "two documents": Case("organisations:", "---\norganisations:", "not_yaml", "another document", "---"),
}
