"""`countermark trade`: buy and sell, step by step."""

from pathlib import Path

import click

from countermark.cli import disputes
from countermark.cli.amounts import AMOUNT
from countermark.cli.proving import keep_proof, prove
from countermark.cli.session import Session, noun, session_command
from countermark.protocol.transitions import TradeState

command = noun("trade", "Buy and sell, step by step.")


@command.command("buy")
@click.argument("listing")
@click.option("--max-price", type=AMOUNT, help="Pay no more than this, in minor units.")
@session_command
def buy(session: Session, listing: str, max_price: int | None) -> None:
    """Pay for the ownership of LISTING into its contract (step 11)."""
    from countermark.client import purchases

    market = session.market()
    done = purchases.buy(market, session.vault, listing, max_price=max_price)
    if market.dry_run:
        session.show_done(done)
        return
    trade, state = str(done.result["id"]), str(done.result["state"])
    document = {"trade": trade, "txid": done.txid, "state": state, **session.resumed(done)}
    session.result(document, trade, f"transaction {done.txid}", f"state {state}")


@command.command("show")
@click.argument("trade")
@session_command
def show(session: Session, trade: str) -> None:
    """Show a trade of yours: its state, who must act next and until when."""
    from countermark.client import deliveries, trades

    market = session.market()
    resource = trades.show(market, trade)
    remedied = deliveries.is_relayed(resource, deliveries.REMEDY)
    acts = resource.get("next", {}).get("actors", {})
    session.result(
        resource,
        resource["id"],
        f"state {resource['state']}" + (f" ({resource['outcome']})" if resource["outcome"] else ""),
        f"listing {resource['listing']}",
        f"price {resource['price']}",
        *([f"deadline {resource['deadline']}"] if resource["deadline"] else []),
        *([f"remedy relayed {resource['remedy']['relayed_at']}"] if remedied else []),
        *(f"next: {', '.join(roles)} may call {function}" for function, roles in acts.items()),
    )
    keep_proof(session, market, trade)


@command.command("wait")
@click.argument("trade")
@click.argument(
    "states", metavar="STATES...", nargs=-1, required=True, type=click.Choice([str(state) for state in TradeState])
)
@session_command
def wait_for(session: Session, trade: str, states: tuple[str, ...]) -> None:
    """Wait until TRADE is in one of STATES; status 3 if it ends in another."""
    from countermark.client import trades

    market = session.market()
    resource = trades.await_state(market, trade, frozenset(states))
    session.result(resource, resource["id"], f"state {resource['state']}")
    keep_proof(session, market, trade)


@command.command("list")
@click.option("--open", "open_only", is_flag=True, help="Only trades that have not ended.")
@click.option("--deciding", is_flag=True, help="Not yours, but those whose dispute you decide now.")
@session_command
def list_(session: Session, open_only: bool, deciding: bool) -> None:
    """List your trades."""
    from countermark.client import trades

    market = session.market()
    items = list(trades.mine(market, open_only=open_only, deciding=deciding))
    session.result(
        {"items": items},
        *(
            f"{item['id']}  {item['state']:<10}  {item['price']:>10}  "
            + ("deciding" if deciding else "selling" if item["seller"] == market.address else "buying")
            for item in items
        ),
    )


@command.command("charge")
@click.argument("trade")
@session_command
def charge(session: Session, trade: str) -> None:
    """Seller: accept the sale by paying transaction fee and bond (step 12)."""
    from countermark.client import deliveries, trades

    market = session.market()
    session.show_done(deliveries.charge(market, trades.show(market, trade)))


@command.command("send")
@click.argument("trade")
@click.option(
    "--path", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The data, if it was moved."
)
@session_command
def send(session: Session, trade: str, path: Path | None) -> None:
    """Seller: encrypt the data for the buyer and hand it to the relay, with your notice (steps 13-16)."""
    from countermark.cli.sending import hand_over
    from countermark.client.deliveries import FIRST

    hand_over(session, trade, path, FIRST)


@command.command("remedy")
@click.argument("trade")
@click.option(
    "--path", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The data, if it was moved."
)
@session_command
def remedy(session: Session, trade: str, path: Path | None) -> None:
    """Seller: send the data once more, in a dispute that waits for its decision; the buyer may accept it."""
    from countermark.cli.sending import hand_over
    from countermark.client.deliveries import REMEDY

    hand_over(session, trade, path, REMEDY)


@command.command("receive")
@click.argument("trade")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Where to store the data."
)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@click.option(
    "--package",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The package, as somebody has handed it over, instead of the platform's.",
)
@click.option("--remedy", is_flag=True, help="Fetch what the seller has sent in a dispute, and acknowledge nothing.")
@session_command
def receive(session: Session, trade: str, output: Path, force: bool, package: Path | None, remedy: bool) -> None:
    """Buyer: fetch, open and check the data, and acknowledge it with your notice (steps 18-20).

    Nothing is acknowledged in a dispute, nor once the trade has ended.
    """
    from countermark.client import deliveries, purchases, receiving, trades

    market, vault = session.market(), session.vault
    resource = trades.show(market, trade)
    packages, progress = session.home.path / "downloads", session.progress("download")
    delivery = deliveries.REMEDY if remedy else deliveries.FIRST
    received = receiving.fetch(
        *(market, vault, resource, output, packages, progress), force=force, delivery=delivery, handed=package
    )
    document = {"trade": trade, "path": str(output), "verdict": received.verdict}
    state = TradeState(resource["state"])
    if remedy or state.final or state in (TradeState.DISPUTED, TradeState.EVIDENCED):
        purchases.hold(market, vault, resource, received)
        session.result(document, trade, f"stored {output}", f"verdict {received.verdict}")
        return
    done = purchases.acknowledge(market, session.keys, vault, resource, received)
    session.show_done(done, document, f"stored {output}", f"verdict {received.verdict}")


@command.command("confirm")
@click.argument("trade")
@session_command
def confirm(session: Session, trade: str) -> None:
    """Buyer: confirm; price, fee, bonds and ownership move at once (23-24)."""
    from countermark.client import purchases

    market = session.market()
    session.show_done(purchases.confirm(market, trade))
    keep_proof(session, market, trade)


@command.command("accept")
@click.argument("trade")
@session_command
def accept(session: Session, trade: str) -> None:
    """Buyer: accept a copy that was altered, or in a dispute the seller's remedy."""
    from countermark.client import purchases

    market = session.market()
    session.show_done(purchases.accept(market, trade))
    keep_proof(session, market, trade)


@command.command("cancel")
@click.argument("trade")
@session_command
def cancel(session: Session, trade: str) -> None:
    """Seller: give the sale up before anything was sent."""
    from countermark.client import deliveries

    session.show_done(deliveries.cancel(session.market(), trade))


command.add_command(prove)
for _one in disputes.COMMANDS:
    command.add_command(_one)
