"""A change of the channel's configuration is shown in words, and written for all to sign."""

from pathlib import Path
from typing import TYPE_CHECKING

from countermark.cli.session import Session

if TYPE_CHECKING:
    from countermark.network.configuration import ChannelConfig, ConfigUpdate


def write_update(session: Session, out: Path | None, before: "ChannelConfig", update: "ConfigUpdate") -> None:
    """Print what ``update`` changes of ``before`` and who must sign it, and write it to ``out``.

    Without ``out``, or in a dry run, nothing is written.
    """
    from countermark.network import configuration
    from countermark.network.identities.files import write_file

    lines = configuration.describe(before, update)
    lacking = [str(one) for one in configuration.missing(before, update, ())]
    document = {"digest": update.digest, "changes": list(lines), "needs": lacking}
    if out is None or session.dry_run:
        session.result({"dry_run": True, **document}, update.digest, *lines, *lacking)
        return
    write_file(out, configuration.dump_update(update).encode())
    session.result({"file": str(out), **document}, str(out), update.digest, *lines, *lacking)
