"""`countermark webhook`: have an account's events told to a server of one's own."""

import click

from countermark.cli.session import Session, noun, session_command
from countermark.cli.texts import TEXT

command = noun("webhook", "Have an account's events told to a server of one's own.")


@command.command("add")
@click.argument("url", type=TEXT)
@session_command
def add(session: Session, url: str) -> None:
    """Tell the account's events to URL (https://…) from now on; one that was disabled is told again."""
    from countermark.client import webhooks

    market = session.market()
    if session.dry_run:
        session.result({"dry_run": True, "url": url}, "nothing was sent")
        return
    hook = webhooks.add(market, url)
    session.result(hook, hook["id"], f"state {hook['state']}")


@command.command("list")
@session_command
def list_(session: Session) -> None:
    """List the account's webhooks, and why one was not told or is told no more."""
    from countermark.client import webhooks

    hooks = list(webhooks.mine(session.market()))
    session.result({"items": hooks}, *(_line(hook) for hook in hooks))


@command.command("remove")
@click.argument("webhook", metavar="ID", type=TEXT)
@session_command
def remove(session: Session, webhook: str) -> None:
    """Forget the webhook ID."""
    from countermark.client import webhooks

    market = session.market()
    if session.dry_run:
        session.result({"dry_run": True, "id": webhook}, "nothing was sent")
        return
    webhooks.remove(market, webhook)
    session.result({"id": webhook}, webhook)


def _line(hook: dict[str, str]) -> str:
    error = f"  {hook['last_error']}" if hook["last_error"] else ""
    return f"{hook['id']}  {hook['state']}  {hook['url']}{error}"
