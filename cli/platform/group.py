"""The verbs of `countermark platform`."""

from countermark.cli.platform.found import found
from countermark.cli.platform.prepare import prepare
from countermark.cli.session import noun

command = noun("platform", "Gateway and worker in containers: their files, and the market on the ledger.")

for verb in (prepare, found):
    command.add_command(verb)
