"""`countermark account`: keys and money."""

import secrets

import click

from countermark.cli.session import Session, session_command


@click.group("account")
def command() -> None:
    """Keys and money of an account."""


@command.command("new")
@click.option("--name", default="default", show_default=True, help="Name of the account in this home.")
@click.option("--offline", is_flag=True, help="Make the keys only; open the account on the market later.")
@session_command
def new(session: Session, name: str, offline: bool) -> None:
    """Make keys and open the account on the market."""
    from countermark.client import account

    keys = session.home.create_account(name, session.passphrase)
    session.options["profile"] = name
    if offline:
        session.result({"address": keys.address}, keys.address)
        return
    done = account.open_account(session.market(), keys)
    session.result({"address": keys.address, "txid": done.txid}, keys.address, f"transaction {done.txid}")


@command.command("open")
@session_command
def open_(session: Session) -> None:
    """Open an account on the market whose keys were made before."""
    from countermark.client import account

    done = account.open_account(session.market(), session.keys)
    session.result({"address": session.keys.address, "txid": done.txid}, done.txid)


@command.command("show")
@session_command
def show(session: Session) -> None:
    """Show address, state and balance."""
    market = session.market()
    record = market.http.get(f"/v1/accounts/{market.address}")
    purse = market.http.get(f"/v1/accounts/{market.address}/coins")
    record["balance"] = purse["balance"]
    session.result(record, record["address"], f"state {record['state']}", f"balance {purse['balance']}")


@command.command("list")
@session_command
def list_(session: Session) -> None:
    """List the accounts of this home."""
    accounts = session.home.accounts()
    in_use = session.home.profile.account
    document = [{"name": name, "address": address, "in_use": name == in_use} for name, address in accounts.items()]
    session.result({"items": document}, *(f"{address}  {name}" for name, address in accounts.items()))


@command.command("fund")
@click.argument("amount")
@click.option("--reference", default="", help="The deposit's reference; each is used once.")
@session_command
def fund(session: Session, amount: str, reference: str) -> None:
    """Ask the issuer for AMOUNT minor units against a deposit (on the embedded ledger, a faucet)."""
    from countermark.client import account

    market = session.market()
    done = account.fund(market, amount, reference or f"deposit-{secrets.token_hex(8)}")
    session.result({"txid": done.txid, "amount": amount}, done.txid, f"funded {amount}")


@command.command("transfer")
@click.argument("to")
@click.argument("amount")
@session_command
def transfer(session: Session, to: str, amount: str) -> None:
    """Pay AMOUNT minor units to the account TO."""
    market = session.market()
    done = market.act(f"/v1/accounts/{market.address}/transfers", "coin.transfer", {"to": to, "amount": amount})
    session.result({"txid": done.txid}, done.txid)
