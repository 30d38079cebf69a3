"""What the verbs of `countermark platform` share."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from countermark.cli.platform.folder import PlatformFolder
    from countermark.network.nodes.owner import Owner

PLATFORM = click.option(
    "--platform",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("countermark-platform"),
    show_default=True,
    help="Folder of the platform's files.",
)


class Account(click.ParamType["Owner"]):
    """UID:GID, as Docker writes an account."""

    name = "uid:gid"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Owner":
        """Return the account that ``value`` names."""
        from countermark.network.nodes.owner import Owner

        uid, _, gid = str(value).partition(":")
        if not (uid.isdecimal() and gid.isdecimal() and int(uid)):
            self.fail("two numbers are expected, and not root: 10001:10001", param, ctx)
        return Owner(int(uid), int(gid))


def platform_folder(directory: Path, owner: "Owner | None" = None) -> "PlatformFolder":
    """Return the folder ``directory``, whose secrets belong to ``owner``, or to whom they usually do."""
    from countermark.cli.platform.folder import PlatformFolder
    from countermark.network.nodes.owner import Owner

    return PlatformFolder(directory.resolve(), owner or Owner.usual())
