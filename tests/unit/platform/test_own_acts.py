"""What the platform does of its own accord: opening its accounts, advancing the epoch."""

from countermark.platform.deadlines.ticking import TickJob
from countermark.platform.jobs.accounts import OwnAccountsJob
from countermark.platform.store import tables
from countermark.protocol.market import PublicKey
from tests.support.market import EPOCH_S, actor
from tests.support.platform import World


def test_platform_opens_the_accounts_that_are_missing_once(world: World) -> None:
    newcomer = actor("newcomer")
    encryption = PublicKey(1, newcomer.encryption.public)
    job = OwnAccountsJob(world.acting, [world.platform.key, newcomer.key], encryption)
    assert [key.address for key in job.find()] == [newcomer.address]
    assert job.run_once() == 1
    assert job.run_once() == 0
    opened = {row.address: row.record for row in world.rows(tables.accounts)}
    assert opened[newcomer.address]["encryption_key"] == {"key": encryption.key, "version": 1}


def test_epoch_advances_when_its_time_is_over_and_not_before(world: World) -> None:
    job = TickJob(world.acting)
    (before,) = world.rows(tables.epoch)
    assert job.run_once() == 0
    world.wait(EPOCH_S)
    assert job.run_once() == 1
    (after,) = world.rows(tables.epoch)
    assert after.n == before.n + 1
    world.finish()
    assert job.run_once() == 0
    world.wait(EPOCH_S)
    assert job.run_once() == 1


def test_market_that_is_not_founded_has_no_epoch_to_advance(world: World) -> None:
    with world.database.begin() as connection:
        connection.execute(tables.epoch.delete())
    assert list(TickJob(world.acting).find()) == []
