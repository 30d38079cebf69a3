"""`countermark network generate`: everything that a network's folder must hold before its nodes start."""

import time
from pathlib import Path

import click

from countermark.cli.network.options import DIRECTORY, MODE, network_folder
from countermark.cli.session import Session, session_command


@click.command("generate")
@DIRECTORY
@MODE
@click.option("--consensus", type=click.Choice(["raft", "bft"]), help="How orderers agree; raft if not given.")
@click.option(
    "--genesis",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The channel's genesis block, as its founder sent it.",
)
@click.option(
    "--found",
    is_flag=True,
    help="Make the genesis block although other organisations keep their keys elsewhere; one of them does.",
)
@session_command
def generate(
    session: Session, directory: Path, mode: str | None, consensus: str | None, genesis: Path | None, found: bool
) -> None:
    """Make identities, genesis block, settings and connection files from network.yaml; again changes nothing.

    Without a network.yaml, one with three organisations is written first. As long as definitions of organisations
    elsewhere are missing, only keys and definitions of those here are made.
    """
    from countermark.network.identities.files import write_file
    from countermark.network.nodes import generation
    from countermark.network.nodes.founding import take_genesis
    from countermark.network.nodes.material import make_organisations
    from countermark.network.ports import free_ports
    from countermark.network.topology import Consensus, Mode, load, parse_topology
    from countermark.network.topology.default import default_text, port_count

    folder = network_folder(directory)
    if folder.description.exists():
        topology = load(folder.description, awaiting=True)
        if topology.awaited and (found or genesis is not None):
            load(folder.description)  # raises, and says which is missing
        for option, given, is_so in (("mode", mode, topology.mode), ("consensus", consensus, topology.consensus)):
            if given and given != is_so:
                raise click.UsageError(f"{folder.description} says {option}: {is_so}")
        text = b""
    elif genesis is not None:
        raise click.UsageError(f"--genesis is for the network of {folder.description}, which is missing")
    else:
        kind = Consensus(consensus or "raft")
        text = default_text(Mode(mode or "native"), kind, free_ports(port_count(kind))).encode()
        topology = parse_topology(text, folder.path)
    if session.dry_run:
        session.result(
            {"dry_run": True, "dir": str(folder.path)}, f"would write the network's files to {folder.path}"
        )
        return
    if text:
        write_file(folder.description, text)
        session.say(f"wrote {folder.description}")
    names = [one.name for one in topology.here]
    document = {"dir": str(folder.path), "organisations": names, "channel": topology.channel}
    line = f"{folder.path}: {', '.join(names)} on channel {topology.channel}"
    if topology.awaited:
        make_organisations(folder, topology)
        files, own = [str(path) for path in topology.awaited], [str(folder.definition(name)) for name in names]
        session.result({**document, "founded": False, "awaited": files, "definitions": own}, *own)
        session.say(f"give these to the others; missing of theirs: {', '.join(files)}")
        return
    if genesis is not None:
        take_genesis(folder, topology, genesis.read_bytes())
    alone = len(topology.here) == len(topology.organisations)
    made = generation.generate(folder, topology, now_ms=time.time_ns() // 1_000_000, found=found or alone)
    session.result({**document, "founded": made.founded}, line)
    if made.waiting:
        session.say(
            "the genesis block is missing: one organisation makes it (--found), the others take it (--genesis)"
        )
