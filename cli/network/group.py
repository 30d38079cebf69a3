"""The verbs of `countermark network`."""

from countermark.cli.network.backup import backup
from countermark.cli.network.certs import certs
from countermark.cli.network.deploy import deploy
from countermark.cli.network.down import down
from countermark.cli.network.generate import generate
from countermark.cli.network.join_org import join_org
from countermark.cli.network.orderer import orderer
from countermark.cli.network.restore import restore
from countermark.cli.network.status import status
from countermark.cli.network.up import up
from countermark.cli.network.upgrade import upgrade
from countermark.cli.session import noun

command = noun("network", "A network of Hyperledger Fabric, made and run from one description, network.yaml.")

for verb in (generate, up, down, status, deploy, upgrade, join_org, certs, backup, restore, orderer):
    command.add_command(verb)
