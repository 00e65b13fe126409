"""Applied settings rule from the next tick on, as a whole; those that cannot be used leave what ruled before (R28)."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from infra.local.exchange.dialect import ApiRequest
from infra.local.exchange.replies import Delivery
from marketmaker.bootstrap.settings import (
    KeptSettings,
    OperatorReason,
    WantedFile,
    apply_settings,
    plan_settings,
    revert_settings,
)
from marketmaker.config import Deployment, load_deployment
from marketmaker.domain.state import ActiveSettings
from marketmaker.errors import ConfigError, Refused
from tests.faults.world import BOOK, CREATE, World, Worlds

pytestmark = pytest.mark.row("R28")

D = Decimal
WHY = OperatorReason(reason="a test", requested_by="operator")
FILE = """
name = "faults"
tag = "abc"
stage = "local"

[accounts.{account}]
venue = "binance"

[[accounts.{account}.markets]]
symbol = "PAXG/USDT"
number = {number}
capital_base = {{ share = 1.0 }}
capital_quote = {{ share = 1.0 }}
fees = {{ maker_bps = 1, taker_bps = 10 }}
fair_price = "mid"
half_spread = {{ quote = {half_spread} }}
order_size_base = {size}
inventory = {{ policy = "shift", min_ratio = 0.2, max_ratio = 0.5, max_shift_share = 0.5, ramp_ratio = 0.1 }}
price_band = {{ low = 1800, high = 2000 }}
"""
QUOTED = {"BUY": (D("1899.5"), D("0.1")), "SELL": (D("1900.5"), D("0.1"))}
QUOTED_WIDER = {"BUY": (D("1899.2"), D("0.3")), "SELL": (D("1900.8"), D("0.3"))}


class Deployed:
    """A world that runs on a deployment file, which an operator changes."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self._folder = folder
        self._deployment = self.load()
        world.restart(settings=self._deployment.accounts[world.account])
        self.start()

    def write(self, *, half_spread: str = "0.5", size: str = "0.1", number: str = "0") -> str:
        path = self._folder / f"{half_spread} {size} {number}.toml"
        text = FILE.format(account=self.world.account, half_spread=half_spread, size=size, number=number)
        path.write_text(text)
        return str(path)

    def load(self) -> Deployment:
        return load_deployment(self.write())

    def start(self) -> None:
        """Let the world's process read what is kept, as functions do; nothing else of it changes."""
        desk = self.world.desk
        versions = KeptSettings(self._deployment, self.world.account, desk.store)
        assert self.world._office is not None
        self.world._office = replace(self.world._office, desk=replace(desk, versions=versions))

    def restart(self) -> None:
        self.world.restart()
        self.start()

    def apply(self, *, half_spread: str = "0.5", size: str = "0.1", number: str = "0") -> str:
        """Do what `mm config apply` does; returns the version."""
        file = WantedFile(self.write(half_spread=half_spread, size=size, number=number))
        apply_settings(plan_settings(file, self.world.desk), WHY, self.world.desk)
        return file.wanted.version

    def activate(self, version: str, text: str | None) -> None:
        """Let a version rule without any of the operator's checks."""
        store, account, control = self.world.desk.store, self.world.account, self.world.control()
        if text is not None:
            store.save_settings(account, version, text)
        assert control.deployed is not None
        previous = control.settings.version if control.settings else control.deployed
        active = ActiveSettings(
            version=version, base=control.deployed, previous=previous, since_ms=self.world.clock() // 1000, reason=""
        )
        store.activate_settings(account, active, epoch=control.epoch)

    def quoted(self) -> dict[str, tuple[Decimal, Decimal]]:
        return {each["side"]: (D(each["price"]), D(each["origQty"])) for each in self.world.own_orders()}


@pytest.fixture
def deployed(worlds: Worlds, tmp_path: Path) -> Deployed:
    """An account that quotes by its deployed file."""
    made = Deployed(worlds.new(metadata=False), tmp_path)
    made.world.tick()
    assert made.quoted() == QUOTED
    return made


@pytest.mark.parametrize("is_cold", [False, True], ids=["same process", "a new process"])
def test_what_is_applied_rules_the_next_tick_as_a_whole(deployed: Deployed, is_cold: bool) -> None:
    version = deployed.apply(half_spread="0.8", size="0.3")
    assert deployed.quoted() == QUOTED
    if is_cold:
        deployed.restart()
    report = deployed.world.tick()
    assert deployed.quoted() == QUOTED_WIDER
    assert report.config_hash == version
    assert deployed.world.telemetry.lines[-1][1]["config"] == version
    deployed.restart()
    assert deployed.world.tick().config_hash == version
    assert deployed.quoted() == QUOTED_WIDER


def test_a_tick_under_way_mixes_nothing(deployed: Deployed) -> None:
    world = deployed.world
    world.jump(2)
    sent = world.requests(CREATE)
    when_asked(world, BOOK, lambda: deployed.apply(half_spread="0.8", size="0.3"))
    report = world.tick()
    assert report.markets[0].held_back == "mode_changed"
    assert (world.requests(CREATE), world.own_orders()) == (sent, [])
    world.tick()
    assert {size for _, size in deployed.quoted().values()} == {D("0.3")}


def when_asked(world: World, route: str, act: Callable[[], object]) -> None:
    """Do something just before the exchange answers the next request on a route."""
    venue = world.served.venue
    receive = venue.receive
    done: list[ApiRequest] = []

    def act_first(request: ApiRequest) -> Delivery:
        if request.route == route and not done:
            done.append(request)
            act()
        return receive(request)

    venue.receive = act_first  # type: ignore[method-assign]


def test_reverting_lets_the_deployed_file_rule_again(deployed: Deployed) -> None:
    before = deployed.world.tick().config_hash
    deployed.apply(half_spread="0.8", size="0.3")
    deployed.world.tick()
    revert_settings(WHY, deployed.world.desk)
    assert deployed.world.tick().config_hash == before
    assert deployed.quoted() == QUOTED


@pytest.mark.parametrize(
    ("change", "error"),
    [({"half_spread": "-1"}, ConfigError), ({"size": "nan"}, ConfigError), ({"number": "7"}, Refused)],
    ids=["out of range", "no number", "needs a deploy"],
)
def test_an_invalid_change_is_refused_and_the_old_settings_stay(
    deployed: Deployed, change: dict[str, str], error: type[Exception]
) -> None:
    before = deployed.world.control()
    with pytest.raises(error, match=next(iter(change)).replace("size", "order_size_base")):
        deployed.apply(**change)
    assert deployed.world.control() == before
    assert deployed.world.tick().counts()["orders_kept"] == 2
    assert deployed.quoted() == QUOTED


UNUSABLE = {"never kept": None, "no file": "<html>", "another release's": "name = 3"}


@pytest.mark.parametrize("is_applied_before", [False, True], ids=["over the deployed", "over applied ones"])
@pytest.mark.parametrize("what", UNUSABLE)
def test_a_version_that_cannot_be_used_keeps_the_old_and_is_told_once(
    deployed: Deployed, what: str, is_applied_before: bool
) -> None:
    world = deployed.world
    if is_applied_before:
        deployed.apply(half_spread="0.8", size="0.3")
        world.tick()
    quoted = deployed.quoted()
    deployed.activate("unusable", UNUSABLE[what])
    for _ in range(2):
        assert world.tick().outcome == "done"
        assert deployed.quoted() == quoted
    deployed.restart()
    world.tick()
    assert deployed.quoted() == quoted
    assert world.alerts.kinds().count("settings_rejected") == 1
    revert_settings(WHY, world.desk)
    world.tick()
    assert deployed.quoted() == QUOTED
    assert world.alerts.kinds().count("settings_rejected") == 2
