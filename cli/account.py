"""`countermark account`: keys and money."""

import click

from countermark.cli.amounts import AMOUNT
from countermark.cli.session import Session, noun, session_command
from countermark.cli.texts import TEXT
from countermark.protocol.conduct import Mark

command = noun("account", "Keys and money of an account.")


@command.command("new")
@click.option("--name", default="default", show_default=True, help="Name of the account in this home.")
@click.option("--offline", is_flag=True, help="Make the keys only; open the account on the market later.")
@session_command
def new(session: Session, name: str, offline: bool) -> None:
    """Make keys and open the account on the market."""
    from countermark.client import account

    if not offline:
        # Before any key is made: whoever forgot to say which gateway would have to say so by another command.
        session.gateway()
    if session.dry_run:
        path = session.home.check_new(name)
        session.result({"dry_run": True, "keystore": str(path)}, f"nothing was made; keys would lie in {path}")
        return
    keys = session.home.create_account(name, session.new_passphrase)
    session.act_as(name, keys)
    # Told before the account is opened: the keys are there, whatever becomes of that; `account open` does it later.
    session.first({"address": keys.address}, keys.address)
    if offline:
        session.result({})
        return
    done = account.open_account(session.market(), keys)
    session.result({"txid": done.txid}, f"transaction {done.txid}")


@command.command("open")
@session_command
def open_(session: Session) -> None:
    """Open an account on the market whose keys were made before."""
    from countermark.client import account

    done = account.open_account(session.market(), session.keys)
    session.show_done(done, {"address": session.keys.address}, f"address {session.keys.address}")


@command.command("show")
@session_command
def show(session: Session) -> None:
    """Show address, state and balance."""
    from countermark.client import account

    record = account.show(session.market())
    session.result(record, record["address"], f"state {record['state']}", f"balance {record['balance']}")


@command.command("conduct")
@click.argument("address", default="")
@session_command
def conduct(session: Session, address: str) -> None:
    """Tell how the trades and claims of ADDRESS, by default yours, have ended; counted from the ledger."""
    from countermark.client import account

    counted = account.conduct(session.market(), address)
    session.result(counted, counted["address"], *(f"{name} {counted[name]}" for name in Mark))


@command.command("list")
@session_command
def list_(session: Session) -> None:
    """List the accounts of this home."""
    accounts = session.home.accounts()
    in_use = session.home.profile.account
    document = [{"name": name, "address": address, "in_use": name == in_use} for name, address in accounts.items()]
    session.result({"items": document}, *(f"{address}  {name}" for name, address in accounts.items()))


@command.command("fund")
@click.argument("amount", type=AMOUNT)
@click.option("--reference", default="", type=TEXT, help="The deposit's reference; each is used once.")
@session_command
def fund(session: Session, amount: int, reference: str) -> None:
    """Ask the issuer for AMOUNT minor units against a deposit (on the embedded ledger, a faucet)."""
    from countermark.client import account

    done = account.fund(session.market(), str(amount), reference)
    reference = done.entity or reference
    session.show_done(done, {"amount": str(amount), "reference": reference}, f"funded {amount} by {reference}")


@command.command("transfer")
@click.argument("to")
@click.argument("amount", type=AMOUNT)
@session_command
def transfer(session: Session, to: str, amount: int) -> None:
    """Pay AMOUNT minor units to the account TO."""
    from countermark.client import account

    session.show_done(account.transfer(session.market(), to, str(amount)), {"amount": str(amount), "to": to})
