"""`countermark network join-org`: an organisation joins a channel that runs."""

from pathlib import Path

import click

from countermark.cli.network.options import DIRECTORY, described_network, network_folder
from countermark.cli.network.updates import write_update
from countermark.cli.session import Session, noun, session_command

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_NEW_FILE = click.Path(path_type=Path, dir_okay=False)
_OUT = click.option("-o", "--out", type=_NEW_FILE, required=True, help="File to write.")
_CHECK = click.option("--check", is_flag=True, help="Say what would happen, and do nothing.")

join_org = noun(
    "join-org",
    "An organisation joins the running channel: invite, prepare, propose, sign, submit, record; then `network up` by "
    "the newcomer and `network upgrade` by all.",
)


@join_org.command("invite")
@DIRECTORY
@_OUT
@session_command
def invite(session: Session, directory: Path, out: Path) -> None:
    """A member writes what a newcomer must know: channel, organisations, genesis block."""
    from countermark.network.genesis import network_id
    from countermark.network.identities.files import write_file
    from countermark.network.operations import joining

    made = joining.invite(described_network(session, directory))
    if session.dry_run:
        session.result(
            {"dry_run": True, "channel": made.channel}, f"would write the invitation to {made.channel} to {out}"
        )
        return
    write_file(out, made.dumps())
    digest = network_id(made.genesis)
    names = [one.plan.name for one in made.organisations]
    document = {"file": str(out), "channel": made.channel, "organisations": names, "genesis_sha256": digest}
    session.result(document, str(out), f"genesis block sha256:{digest}", f"organisations: {', '.join(names)}")


@join_org.command("prepare")
@click.argument("invitation", type=_FILE)
@DIRECTORY
@click.option("--name", required=True, help="Name of the organisation: it names files and nodes.")
@click.option("--msp-id", required=True, help="Its MSP id.")
@click.option("--domain", required=True, help="Its domain, which stands in certificates.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the others reach its peer.")
@session_command
def prepare(
    session: Session, invitation: Path, directory: Path, name: str, msp_id: str, domain: str, host: str
) -> None:
    """The newcomer makes its own folder, keys and peer, and a file with its public half for the members."""
    from countermark.network.operations import joining
    from countermark.network.ports import free_ports
    from countermark.network.topology.default import NEWCOMER_PORTS
    from countermark.network.topology.invitation import load

    invited, folder = load(invitation), network_folder(directory)
    if session.dry_run:
        session.result(
            {"dry_run": True, "msp_id": msp_id}, f"would make keys and a peer of {msp_id} in {folder.path}"
        )
        return
    file = joining.prepare(
        folder,
        invited,
        name=name,
        msp_id=msp_id,
        domain=domain,
        host=host,
        ports=free_ports(NEWCOMER_PORTS),
    )
    session.result({"definition": str(file), "msp_id": msp_id}, str(file), f"{msp_id}: give this file to the members")


@join_org.command("propose")
@click.argument("definition", type=_FILE)
@DIRECTORY
@click.option("-o", "--out", type=_NEW_FILE, help="File to write the update to.")
@_CHECK
@session_command
def propose(session: Session, definition: Path, directory: Path, out: Path | None, check: bool) -> None:
    """A member writes the change of the channel's configuration that lets the newcomer in, for all to sign."""
    from countermark.network.operations import joining
    from countermark.network.topology.definitions import load

    if out is None and not check:
        raise click.UsageError("-o FILE, or --check")
    config, update = joining.propose(described_network(session, directory), load(definition))
    write_update(session, None if check else out, config, update)


@join_org.command("sign")
@click.argument("update", type=_FILE)
@DIRECTORY
@click.option("--organisation", help="Whose administrator signs, if the folder has the keys of several.")
@_OUT
@session_command
def sign(session: Session, update: Path, directory: Path, organisation: str | None, out: Path) -> None:
    """A member shows what the update changes on the channel as it is, and signs it."""
    from countermark.network import configuration
    from countermark.network.identities.files import write_file
    from countermark.network.operations import joining

    network = described_network(session, directory)
    plans = [one for one in network.topology.here if organisation in (None, one.name)]
    if len(plans) != 1:
        names = ", ".join(one.name for one in network.topology.here)
        raise click.UsageError(f"--organisation is one of {names}")
    parsed = configuration.load_update(update.read_bytes())
    lines = configuration.describe(joining.current_config(network), parsed)
    document = {"digest": parsed.digest, "changes": list(lines), "msp_id": plans[0].msp_id}
    if session.dry_run:
        session.result({"dry_run": True, **document}, parsed.digest, *lines)
        return
    write_file(out, configuration.dump_signature(joining.sign(network, plans[0], parsed)).encode())
    session.result({"file": str(out), **document}, str(out), f"{plans[0].msp_id} signed {parsed.digest}", *lines)


@join_org.command("submit")
@click.argument("update", type=_FILE)
@click.option("--signature", "signatures", type=_FILE, multiple=True, help="A signature's file; may be given again.")
@DIRECTORY
@_CHECK
@session_command
def submit(session: Session, update: Path, signatures: tuple[Path, ...], directory: Path, check: bool) -> None:
    """A member hands update and signatures to the orderers, unless signatures are missing: then it says whose."""
    from countermark.network import configuration
    from countermark.network.operations import joining

    network = described_network(session, directory)
    parsed = configuration.load_update(update.read_bytes())
    given = [configuration.load_signature(path.read_bytes()) for path in signatures]
    config = joining.current_config(network)
    signers = joining.check(config, parsed, given)
    if check or session.dry_run:
        session.result({"dry_run": True, "signed_by": list(signers)}, f"signed by {', '.join(signers)}: enough")
        return
    block = joining.submit(network, config, parsed, given)
    document = {"block": block.number, "digest": parsed.digest, "signed_by": list(signers)}
    session.result(document, f"block {block.number}", f"signed by {', '.join(signers)}")


@join_org.command("record")
@click.argument("definition", type=_FILE)
@DIRECTORY
@session_command
def record(session: Session, definition: Path, directory: Path) -> None:
    """A member adds the newcomer to network.yaml; the next `network upgrade` counts its endorsements."""
    from countermark.network.operations import joining
    from countermark.network.topology.definitions import load

    folder = network_folder(directory)
    newcomer = load(definition)
    if session.dry_run:
        document = {"dry_run": True, "organisation": newcomer.plan.name}
        session.result(document, f"would add {newcomer.plan.name} to {folder.description}")
        return
    added = joining.record(folder, newcomer)
    text = "added to" if added else "is in"
    document = {"organisation": newcomer.plan.name, "added": added}
    session.result(document, f"{newcomer.plan.name} {text} {folder.description}")
