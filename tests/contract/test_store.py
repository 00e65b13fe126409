"""What every `Store` promises: the one in memory, moto's DynamoDB and the real engine answer alike."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import batched
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from infra.local.tables import create_tables
from marketmaker.adapters.memory import InMemoryStore
from marketmaker.domain.caution import Caution
from marketmaker.domain.drawdown import DayStart, Equity
from marketmaker.domain.exits import Exit, ExitCause, ExitState
from marketmaker.domain.exposure import Exposure
from marketmaker.domain.inventory import FillRow, OpeningRow, Transfer, TransferRow, open_inventory
from marketmaker.domain.metering import DAY_MS, HOUR_MS, Counts, Hour, Meter, Standing
from marketmaker.domain.orders import Fee, Fill, NewOrder, Order, Side
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.state import (
    ActiveSettings,
    BookMark,
    Control,
    Episode,
    Lease,
    MarketState,
    Mode,
    Refreshed,
    Restriction,
    TradeCursor,
    UnresolvedOrder,
)
from marketmaker.domain.units import AccountName, Asset, ClientOrderId, Symbol, TradeId, VenueOrderId
from marketmaker.errors import Conflict, LeaseLost
from marketmaker.ports import ClaimRefusal, Store
from tests import strategies
from tests.tables import LEDGER_TABLE, PRICES_TABLE, REGION, STATE_TABLE, local_store

pytest_plugins = ["tests.dynamodb_local"]

GOLD = Symbol("PAXG/USDT")
BITCOIN = Symbol("BTC/USDT")
USDT = Asset("USDT")
EXIT = Exit(cause=ExitCause.STOP_LOSS, started_ms=5, target_base=Decimal("0.5"), reason="it fell", attempts=2)


@pytest.fixture(scope="module")
def moto_store(fake_credentials: None) -> Iterator[Store]:
    with mock_aws():
        create_tables(state_table=STATE_TABLE, ledger_table=LEDGER_TABLE, prices_table=PRICES_TABLE, region=REGION)
        yield local_store(None)


@pytest.fixture(scope="module")
def engine_store(dynamodb_local: str) -> Store:
    return local_store(dynamodb_local)


@pytest.fixture(params=["memory", "moto_store", "engine_store"])
def store(request: pytest.FixtureRequest) -> Store:
    return InMemoryStore() if request.param == "memory" else request.getfixturevalue(request.param)


def opening(symbol: Symbol = GOLD) -> OpeningRow:
    return OpeningRow(
        symbol=symbol, time_ms=1_000, base=Decimal("10.5"), quote=Decimal("19000.25"), cost_quote=Decimal("1901.37")
    )


def new_market(symbol: Symbol = GOLD) -> MarketState:
    return MarketState(
        symbol=symbol,
        version=0,
        inventory=open_inventory(opening(symbol)),
        reference_price=Decimal("1901.37"),
        cursor=TradeCursor(next_id=7, reread_id=7, reread_since_ms=1_000, read_ms=1_000),
    )


def opened(store: Store, account: AccountName, symbol: Symbol = GOLD) -> MarketState:
    return store.open_market(account, new_market(symbol), opening(symbol), {USDT: Decimal("12.5")})


def fill_row(number: int, *, fee: Fee | None = None, client_id: str | None = None) -> FillRow:
    fill = Fill(
        trade_id=TradeId(str(number)),
        venue_order_id=VenueOrderId("77"),
        symbol=GOLD,
        side=Side.BUY,
        price=Decimal("1900.01"),
        size_base=Decimal("0.0013"),
        fee=fee,
        time_ms=2_000 + number,
        is_maker=True,
    )
    return FillRow(
        fill=fill,
        client_id=None if client_id is None else ClientOrderId(client_id),
        base_change=Decimal("0.0013"),
        quote_change=Decimal("-2.470013"),
        realised_quote=Decimal(0),
        fee_quote=None if fee is None else fee.amount,
    )


def book_all(store: Store, account: AccountName, market: MarketState, rows: Sequence[FillRow]) -> MarketState:
    for chunk in batched(rows, 90, strict=False):
        market = store.book(account, market, chunk)
    return market


def claim(store: Store, account: AccountName, slot_ms: int, *, owner: str = "a", now_ms: int = 0) -> object:
    return store.claim(account, slot_ms=slot_ms, owner=owner, now_ms=now_ms, lease_ms=10_000)


def refreshed(marks: Mapping[Symbol, BookMark] | None = None) -> Refreshed:
    return Refreshed(book_marks=marks or {}, differing={}, unreachable_ticks=0)


def release(
    store: Store, account: AccountName, owner: str = "a", marks: Mapping[Symbol, BookMark] | None = None
) -> None:
    store.release(account, owner=owner, refreshed=refreshed(marks))


class TestClaim:
    def test_first_claim_of_an_account_creates_its_control(self, store: Store, account: AccountName) -> None:
        control = claim(store, account, 5_000, owner="a", now_ms=5_001)
        expected = Control(account=account, last_slot_ms=5_000, lease=Lease(owner="a", expires_ms=15_001))
        assert control == store.read_control(account) == expected

    def test_lease_keeps_others_out_until_it_expires(self, store: Store, account: AccountName) -> None:  # R9
        claim(store, account, 5_000, owner="a", now_ms=0)
        assert claim(store, account, 10_000, owner="b", now_ms=9_999) is ClaimRefusal.LEASE_TAKEN
        taken = claim(store, account, 10_000, owner="b", now_ms=10_000)
        assert isinstance(taken, Control)
        assert taken.lease == Lease(owner="b", expires_ms=20_000)

    def test_claim_names_whose_expired_lease_it_took_over_and_only_that(
        self, store: Store, account: AccountName
    ) -> None:  # R3
        owners = []
        for owner, slot_ms, now_ms in (("a", 5_000, 0), ("b", 10_000, 10_000), ("c", 15_000, 10_001)):
            control = claim(store, account, slot_ms, owner=owner, now_ms=now_ms)
            assert isinstance(control, Control)
            owners.append(control.taken_over_from)
            if owner == "b":
                release(store, account, "b")
        assert owners == [None, "a", None]

    def test_released_lease_is_free_at_once(self, store: Store, account: AccountName) -> None:
        claim(store, account, 5_000, owner="a")
        release(store, account, "a")
        assert isinstance(claim(store, account, 10_000, owner="b", now_ms=1), Control)

    @pytest.mark.parametrize("slot_ms", [4_999, 5_000])
    def test_slot_is_worked_once(self, store: Store, account: AccountName, slot_ms: int) -> None:
        claim(store, account, 5_000, owner="a")
        release(store, account, "a")
        assert claim(store, account, slot_ms, owner="b") is ClaimRefusal.SLOT_DONE

    def test_repeated_claim_of_the_same_invocation_is_its_own(self, store: Store, account: AccountName) -> None:
        first = claim(store, account, 5_000, owner="a")
        assert claim(store, account, 5_000, owner="a") == first

    def test_halted_account_cannot_be_claimed(self, store: Store, account: AccountName) -> None:
        store.strengthen(account, Mode.HALTED, reason="operator", now_ms=1)
        assert claim(store, account, 5_000) is ClaimRefusal.HALTED

    @pytest.mark.parametrize("mode", [Mode.REDUCE_ONLY, Mode.CANCEL_ONLY])
    def test_weaker_modes_can_be_claimed(self, store: Store, account: AccountName, mode: Mode) -> None:
        store.strengthen(account, mode, reason="risk", now_ms=1)
        control = claim(store, account, 5_000)
        assert isinstance(control, Control)
        assert (control.mode, control.epoch) == (mode, 1)

    def test_halted_is_told_before_slot_done_and_that_before_lease_taken(
        self, store: Store, account: AccountName
    ) -> None:
        claim(store, account, 5_000, owner="a")
        assert claim(store, account, 5_000, owner="b") is ClaimRefusal.SLOT_DONE
        store.strengthen(account, Mode.HALTED, reason="operator", now_ms=1)
        assert claim(store, account, 5_000, owner="b") is ClaimRefusal.HALTED
        assert claim(store, account, 5_000, owner="a") is ClaimRefusal.HALTED


def hour(start_ms: int, **counts: Any) -> Hour:
    return Hour(start_ms=start_ms, since_ms=start_ms + 7, counts=Counts(**counts))


METERS = {
    GOLD: Meter(
        hour=hour(
            500_000 * HOUR_MS,
            placed=2**31,
            rejected=1,
            volume_quote=Decimal("1234567.123456789"),
            maker_fees_quote=Decimal("-0.000001"),
            two_sided_ms=3_599_999,
            spread_bps_ms=Decimal("17999.9950"),
        ),
        seen_ms=500_000 * HOUR_MS + 5,
        standing=Standing(spread_bps=Decimal("5.2604"), depth_quote=Decimal("189.95")),
    ),
    BITCOIN: Meter.start(500_000 * HOUR_MS),
}


class TestHours:
    def test_hours_come_back_in_order_whichever_was_kept_first(self, store: Store, account: AccountName) -> None:  # S8
        first_ms = 20_000 * DAY_MS
        kept = [hour(first_ms + number * HOUR_MS, placed=number) for number in (0, 9, 10, 23, 24, 49)]
        for each in reversed(kept):
            store.keep_hour(account, GOLD, each)
        store.keep_hour(account, BITCOIN, hour(first_ms, placed=99))
        assert store.hours(account, GOLD, from_ms=0, to_ms=2**46) == kept
        inside = store.hours(account, GOLD, from_ms=first_ms + 9 * HOUR_MS, to_ms=first_ms + 24 * HOUR_MS)
        assert inside == kept[1:4]

    def test_an_hour_that_is_kept_twice_is_what_was_written_last(self, store: Store, account: AccountName) -> None:
        for placed in (1, 2):
            store.keep_hour(account, GOLD, hour(20_000 * DAY_MS, placed=placed, volume_quote=Decimal("0.1")))
        (found,) = store.hours(account, GOLD, from_ms=0, to_ms=2**46)
        assert found.counts == Counts(placed=2, volume_quote=Decimal("0.1"))

    def test_what_ticks_read_does_not_grow_with_the_hours(self, store: Store, account: AccountName) -> None:
        before = store.read_account(account)
        store.keep_hour(account, GOLD, hour(20_000 * DAY_MS, placed=1))
        assert store.read_account(account) == before


class TestRelease:
    def test_release_keeps_what_the_tick_refreshed(self, store: Store, account: AccountName) -> None:
        claim(store, account, 5_000, owner="a")
        marks = {GOLD: BookMark(update_id=2**53 + 1, since_ms=4), BITCOIN: BookMark(update_id=9, since_ms=5)}
        written = Refreshed(
            book_marks=marks, differing={USDT: 2}, unreachable_ticks=3, blocked_until_ms=2**41 + 1, is_banned=True
        )
        store.release(account, owner="a", refreshed=written)
        assert store.read_control(account) == Control(
            account=account,
            last_slot_ms=5_000,
            book_marks=marks,
            differing={USDT: 2},
            unreachable_ticks=3,
            blocked_until_ms=2**41 + 1,
            is_banned=True,
        )

    def test_tick_that_met_no_block_leaves_that_of_another(self, store: Store, account: AccountName) -> None:  # R10
        claim(store, account, 5_000)
        store.release(account, owner="a", refreshed=replace(refreshed(), blocked_until_ms=9, is_banned=True))
        told = claim(store, account, 10_000)
        assert isinstance(told, Control)
        assert (told.blocked_until_ms, told.is_banned) == (9, True)
        store.note_block(account, until_ms=20, is_ban=False)
        release(store, account)
        kept = store.read_control(account)
        assert (kept.blocked_until_ms, kept.is_banned) == (20, False)

    def test_meters_come_back_as_they_were_counted(self, store: Store, account: AccountName) -> None:  # S8
        claim(store, account, 5_000)
        store.release(account, owner="a", refreshed=replace(refreshed(), meters=METERS))
        assert store.read_control(account).meters == METERS
        assert store.read_account(account).control.meters == METERS

    def test_tick_that_counted_nothing_leaves_the_meters(self, store: Store, account: AccountName) -> None:
        claim(store, account, 5_000)
        store.release(account, owner="a", refreshed=replace(refreshed(), meters=METERS))
        claim(store, account, 10_000)
        release(store, account)
        assert store.read_control(account).meters == METERS

    def test_block_is_noted_without_the_lease_and_never_shortened(self, store: Store, account: AccountName) -> None:
        store.note_block(account, until_ms=2**41, is_ban=True)
        for until_ms in (2**41 - 1, 2**41):
            store.note_block(account, until_ms=until_ms, is_ban=False)
        noted = store.read_control(account)
        assert (noted.blocked_until_ms, noted.is_banned, noted.epoch) == (2**41, True, 0)
        store.note_block(account, until_ms=2**41 + 1, is_ban=False)
        later = store.read_control(account)
        assert (later.blocked_until_ms, later.is_banned) == (2**41 + 1, False)

    def test_release_replaces_what_was_there(self, store: Store, account: AccountName) -> None:  # R24
        for slot_ms, marks in ((1_000, {GOLD: BookMark(update_id=1, since_ms=1)}), (2_000, {})):
            claim(store, account, slot_ms)
            release(store, account, marks=marks)
        assert store.read_control(account).book_marks == {}

    @pytest.mark.parametrize("asset", ["S", "N", "M", "L", "B", "NULL"])
    def test_asset_named_like_a_type_of_the_database_is_kept(
        self, store: Store, account: AccountName, asset: str
    ) -> None:
        claim(store, account, 5_000)
        store.release(account, owner="a", refreshed=replace(refreshed(), differing={Asset(asset): 2}))
        assert store.read_control(account).differing == {asset: 2}

    def test_release_of_a_lost_lease_writes_nothing(self, store: Store, account: AccountName) -> None:  # R25
        claim(store, account, 5_000, owner="a", now_ms=0)
        taken = claim(store, account, 10_000, owner="b", now_ms=10_000)
        release(store, account, "a", {GOLD: BookMark(update_id=1, since_ms=1)})
        assert store.read_control(account) == taken

    def test_release_without_any_claim_writes_nothing(self, store: Store, account: AccountName) -> None:
        release(store, account, "a", {GOLD: BookMark(update_id=1, since_ms=1)})
        assert store.read_control(account) == Control(account=account)


class TestMode:
    def test_strengthen_creates_the_control_and_starts_an_epoch(self, store: Store, account: AccountName) -> None:
        control = store.strengthen(account, Mode.HALTED, reason="operator", now_ms=9)
        expected = Control(account=account, mode=Mode.HALTED, epoch=1, mode_reason="operator", mode_since_ms=9)
        assert control == store.read_control(account) == expected

    def test_strengthen_needs_no_lease_and_keeps_it(self, store: Store, account: AccountName) -> None:
        claim(store, account, 5_000, owner="a")
        control = store.strengthen(account, Mode.REDUCE_ONLY, reason="risk", now_ms=9)
        assert control.lease == Lease(owner="a", expires_ms=10_000)
        assert not control.may_create(0, "a", 9)

    @pytest.mark.parametrize("mode", [Mode.QUOTING, Mode.REDUCE_ONLY, Mode.CANCEL_ONLY])
    def test_strengthen_never_weakens(self, store: Store, account: AccountName, mode: Mode) -> None:
        before = store.strengthen(account, Mode.CANCEL_ONLY, reason="first", now_ms=1)
        assert store.strengthen(account, mode, reason="second", now_ms=2) == before

    def test_each_stronger_mode_is_a_new_epoch(self, store: Store, account: AccountName) -> None:
        stronger = (Mode.REDUCE_ONLY, Mode.CANCEL_ONLY, Mode.HALTED, Mode.HALTED)
        epochs = [store.strengthen(account, mode, reason="risk", now_ms=1).epoch for mode in stronger]
        assert epochs == [1, 2, 3, 3]

    def test_strengthen_to_quoting_changes_nothing(self, store: Store, account: AccountName) -> None:
        assert store.strengthen(account, Mode.QUOTING, reason="none", now_ms=1) == Control(account=account)

    def test_resume_quotes_again_in_a_new_epoch(self, store: Store, account: AccountName) -> None:
        store.strengthen(account, Mode.HALTED, reason="operator", now_ms=1)
        control = store.resume(account, reason="checked", now_ms=2)
        assert control == Control(account=account, epoch=2, mode_reason="checked", mode_since_ms=2)
        assert store.read_control(account) == control

    def test_resume_of_a_quoting_account_changes_nothing(self, store: Store, account: AccountName) -> None:
        assert store.resume(account, reason="checked", now_ms=2) == Control(account=account)
        claimed = claim(store, account, 5_000)
        assert store.resume(account, reason="checked", now_ms=2) == claimed


class TestStops:
    def stop(self, store: Store, account: AccountName, symbol: Symbol = GOLD, *, now_ms: int = 5) -> Control:
        return store.stop_market(account, symbol, reason="delisting (operator)", now_ms=now_ms)

    def test_stop_of_a_new_account_is_kept_with_reason_and_epoch(self, store: Store, account: AccountName) -> None:
        control = self.stop(store, account)
        stopped = Restriction(mode=Mode.HALTED, reason="delisting (operator)", since_ms=5)
        assert control == Control(account=account, epoch=1, stops={GOLD: stopped})
        assert store.read_account(account).control == control

    def test_stop_needs_no_lease_and_ends_the_creates_of_the_tick_that_has_it(
        self, store: Store, account: AccountName
    ) -> None:  # R5
        claimed = claim(store, account, 5_000, owner="a")
        control = self.stop(store, account)
        assert isinstance(claimed, Control)
        assert control.lease == claimed.lease
        assert not control.may_create(claimed.epoch, "a", 0)

    def test_account_with_a_stopped_market_is_claimed(self, store: Store, account: AccountName) -> None:
        self.stop(store, account)
        claimed = claim(store, account, 5_000)
        assert isinstance(claimed, Control)
        assert (claimed.mode_of(GOLD), claimed.mode_of(BITCOIN)) == (Mode.HALTED, Mode.QUOTING)

    def test_second_stop_changes_nothing(self, store: Store, account: AccountName) -> None:
        first = self.stop(store, account)
        assert self.stop(store, account, now_ms=9) == first

    def test_markets_are_stopped_and_resumed_one_by_one(self, store: Store, account: AccountName) -> None:
        self.stop(store, account)
        self.stop(store, account, BITCOIN)
        control = store.resume_market(account, GOLD, reason="back (ada)", now_ms=9)
        assert control.stops[GOLD] == Restriction(mode=Mode.QUOTING, reason="back (ada)", since_ms=9)
        assert (control.epoch, control.mode_of(GOLD), control.mode_of(BITCOIN)) == (3, Mode.QUOTING, Mode.HALTED)
        assert store.read_control(account) == control

    def test_resumed_market_is_stopped_anew(self, store: Store, account: AccountName) -> None:
        self.stop(store, account)
        store.resume_market(account, GOLD, reason="back", now_ms=6)
        assert self.stop(store, account, now_ms=7).stops[GOLD].since_ms == 7

    def test_resume_of_a_market_that_is_not_stopped_changes_nothing(self, store: Store, account: AccountName) -> None:
        assert store.resume_market(account, GOLD, reason="back", now_ms=6) == Control(account=account)
        self.stop(store, account)
        resumed = store.resume_market(account, GOLD, reason="back", now_ms=6)
        assert store.resume_market(account, GOLD, reason="again", now_ms=7) == resumed

    def test_stop_survives_a_halt_its_end_and_the_lifting_of_a_restriction(
        self, store: Store, account: AccountName
    ) -> None:
        kept = self.stop(store, account).stops
        store.strengthen(account, Mode.HALTED, reason="operator", now_ms=6)
        store.resume(account, reason="checked", now_ms=7)
        restriction = Restriction(mode=Mode.CANCEL_ONLY, reason="a limit", since_ms=8)
        control = store.restrict(account, GOLD, restriction)
        assert store.lift(account, GOLD, epoch=control.epoch).stops == kept


class TestArming:
    def test_takeover_is_noted_once_in_a_new_epoch(self, store: Store, account: AccountName) -> None:  # S13
        assert store.read_control(account).armed_ms == 0
        armed = store.arm(account, now_ms=7)
        assert armed == Control(account=account, epoch=1, armed_ms=7)
        assert store.arm(account, now_ms=9) == armed
        assert store.read_account(account).control == armed

    def test_takeover_keeps_the_lease_and_outlasts_ticks(self, store: Store, account: AccountName) -> None:
        claimed = claim(store, account, 5_000)
        assert isinstance(claimed, Control)
        assert store.arm(account, now_ms=7).lease == claimed.lease
        release(store, account)
        assert store.read_control(account).armed_ms == 7


class TestRestrictions:
    def restrict(self, store: Store, account: AccountName, symbol: Symbol = GOLD, *, now_ms: int = 5) -> Control:
        return store.restrict(
            account, symbol, Restriction(mode=Mode.CANCEL_ONLY, reason="fair price is outside", since_ms=now_ms)
        )

    def test_restriction_of_a_new_account_is_kept_with_reason_and_epoch(
        self, store: Store, account: AccountName
    ) -> None:
        control = self.restrict(store, account)
        restriction = Restriction(mode=Mode.CANCEL_ONLY, reason="fair price is outside", since_ms=5)
        assert control == Control(account=account, epoch=1, restrictions={GOLD: restriction})
        assert store.read_control(account) == control
        assert store.read_account(account).control == control

    def test_restriction_needs_no_lease_and_stops_the_creates_of_the_tick_that_has_it(
        self, store: Store, account: AccountName
    ) -> None:  # R5
        claimed = claim(store, account, 5_000, owner="a")
        control = self.restrict(store, account)
        assert isinstance(claimed, Control)
        assert control.lease == claimed.lease
        assert claimed.may_create(claimed.epoch, "a", 0)
        assert not control.may_create(claimed.epoch, "a", 0)

    def test_restricted_market_leaves_the_account_to_its_ticks(self, store: Store, account: AccountName) -> None:
        self.restrict(store, account)
        claimed = claim(store, account, 5_000)
        assert isinstance(claimed, Control)
        assert (claimed.mode_of(GOLD), claimed.mode_of(BITCOIN)) == (Mode.CANCEL_ONLY, Mode.QUOTING)
        assert claimed.may_create(claimed.epoch, "a", 0)

    @pytest.mark.parametrize("mode", [Mode.REDUCE_ONLY, Mode.CANCEL_ONLY])
    def test_restriction_as_strong_as_the_one_there_changes_nothing(
        self, store: Store, account: AccountName, mode: Mode
    ) -> None:
        first = self.restrict(store, account)
        assert store.restrict(account, GOLD, Restriction(mode=mode, reason="later", since_ms=9)) == first
        assert store.read_control(account) == first

    def test_stronger_restriction_replaces_the_weaker_in_a_new_epoch(self, store: Store, account: AccountName) -> None:
        store.restrict(account, GOLD, Restriction(mode=Mode.REDUCE_ONLY, reason="weak", since_ms=1))
        control = self.restrict(store, account)
        assert (control.epoch, control.restrictions[GOLD].since_ms, control.mode_of(GOLD)) == (2, 5, Mode.CANCEL_ONLY)

    def test_of_two_restrictions_of_one_mode_the_more_cautious_stands(self, store: Store, account: AccountName) -> None:
        def cautious(**caution: Any) -> Control:
            asked = Restriction(mode=Mode.QUOTING, reason=str(caution), since_ms=1, caution=Caution(**caution))
            return store.restrict(account, GOLD, asked)

        wider = cautious(widen=Decimal("2.5"), patience=Decimal(2))
        assert wider.restrictions[GOLD].caution == Caution(widen=Decimal("2.5"), patience=Decimal(2))
        assert cautious(patience=Decimal(9)) == cautious(widen=Decimal(9)) == wider
        pulled = cautious(pulls_adding=True)
        assert (pulled.epoch, pulled.restrictions[GOLD].caution) == (2, Caution(pulls_adding=True))
        stopped = self.restrict(store, account)
        assert (stopped.epoch, stopped.restrictions[GOLD].caution) == (3, Caution())
        target = Caution(target_base=Decimal("-0.123456789012345678"))
        leaving = store.restrict(
            account, GOLD, Restriction(mode=Mode.CANCEL_ONLY, reason="less", since_ms=2, caution=target)
        )
        assert leaving.restrictions[GOLD].caution == target
        assert store.read_control(account) == leaving

    def test_markets_are_restricted_one_by_one(self, store: Store, account: AccountName) -> None:
        self.restrict(store, account)
        control = self.restrict(store, account, BITCOIN, now_ms=6)
        assert control.epoch == 2
        assert {symbol: each.since_ms for symbol, each in control.restrictions.items()} == {GOLD: 5, BITCOIN: 6}

    def test_lifting_frees_one_market_in_a_new_epoch(self, store: Store, account: AccountName) -> None:
        self.restrict(store, account)
        control = self.restrict(store, account, BITCOIN)
        lifted = store.lift(account, GOLD, epoch=control.epoch)
        assert (lifted.epoch, set(lifted.restrictions)) == (3, {BITCOIN})
        assert store.read_control(account) == lifted
        assert store.lift(account, BITCOIN, epoch=lifted.epoch).restrictions == {}

    def test_lifting_by_an_older_state_is_refused(self, store: Store, account: AccountName) -> None:  # R5
        seen = self.restrict(store, account)
        store.strengthen(account, Mode.HALTED, reason="operator", now_ms=6)
        before = store.read_control(account)
        with pytest.raises(Conflict, match=f"no longer in {seen.epoch}"):
            store.lift(account, GOLD, epoch=seen.epoch)
        assert store.read_control(account) == before

    def test_lifting_what_was_lifted_and_restricted_anew_is_refused(self, store: Store, account: AccountName) -> None:
        seen = self.restrict(store, account)
        store.lift(account, GOLD, epoch=seen.epoch)
        again = self.restrict(store, account, now_ms=9)
        with pytest.raises(Conflict):
            store.lift(account, GOLD, epoch=seen.epoch)
        assert store.read_control(account) == again

    def test_lifting_what_is_not_restricted_changes_nothing(self, store: Store, account: AccountName) -> None:
        assert store.lift(account, GOLD, epoch=0) == Control(account=account)
        restricted = self.restrict(store, account, BITCOIN)
        assert store.lift(account, GOLD, epoch=restricted.epoch) == restricted
        assert store.lift(account, GOLD, epoch=0) == restricted

    def test_restrictions_survive_a_halt_its_end_and_ticks(self, store: Store, account: AccountName) -> None:
        kept = self.restrict(store, account).restrictions
        store.strengthen(account, Mode.HALTED, reason="operator", now_ms=6)
        store.resume(account, reason="checked", now_ms=7)
        claim(store, account, 5_000, owner="a")
        release(store, account, "a")
        assert store.read_control(account).restrictions == kept


class TestPeaks:
    def equity(self, gains: str, *, deposited: str = "28500", markets: tuple[Symbol, ...] = (GOLD,)) -> Equity:
        return Equity(markets=markets, deposited_quote=Decimal(deposited), gains_quote=Decimal(gains))

    def peak(self, store: Store, account: AccountName) -> Equity | None:
        return store.read_control(account).peaks.get(USDT)

    def test_peak_rises_and_never_falls(self, store: Store, account: AccountName) -> None:  # R6
        for gains in ("-3.5", "120.25", "120.25", "100", "-90"):
            store.raise_peaks(account, {USDT: self.equity(gains)})
        assert self.peak(store, account) == self.equity("120.25")
        store.raise_peaks(account, {USDT: self.equity("120.250000000000000001")})
        assert self.peak(store, account) == self.equity("120.250000000000000001")

    def test_money_that_comes_or_goes_is_no_new_peak(self, store: Store, account: AccountName) -> None:  # R6
        store.raise_peaks(account, {USDT: self.equity("120")})
        for deposited in ("99999", "1"):
            store.raise_peaks(account, {USDT: self.equity("119", deposited=deposited)})
        assert self.peak(store, account) == self.equity("120")

    def test_other_markets_start_a_peak_of_their_own(self, store: Store, account: AccountName) -> None:  # R6
        store.raise_peaks(account, {USDT: self.equity("120")})
        both = self.equity("-50", markets=(BITCOIN, GOLD))
        store.raise_peaks(account, {USDT: both})
        assert self.peak(store, account) == both

    def test_every_quote_asset_has_its_own_peak(self, store: Store, account: AccountName) -> None:
        for asset, gains in (("USDT", "5"), ("N", "7"), ("S", "9")):
            store.raise_peaks(account, {Asset(asset): self.equity(gains)})
        peaks = store.read_control(account).peaks
        assert {asset: peak.gains_quote for asset, peak in peaks.items()} == {"USDT": 5, "N": 7, "S": 9}

    def test_peaks_leave_mode_epoch_and_lease_alone(self, store: Store, account: AccountName) -> None:
        claimed = claim(store, account, 5_000)
        assert isinstance(claimed, Control)
        store.raise_peaks(account, {USDT: self.equity("5")})
        assert store.read_control(account) == replace(claimed, peaks={USDT: self.equity("5")})

    def test_cleared_peaks_may_start_lower(self, store: Store, account: AccountName) -> None:  # R6
        store.raise_peaks(account, {USDT: self.equity("120")})
        store.clear_peaks(account)
        assert store.read_control(account) == Control(account=account)
        store.clear_peaks(account)
        store.raise_peaks(account, {USDT: self.equity("-20")})
        assert self.peak(store, account) == self.equity("-20")


class TestDays:
    def start(self, day: int, gains: str, markets: tuple[Symbol, ...] = (GOLD,)) -> DayStart:
        equity = Equity(markets=markets, deposited_quote=Decimal(28_500), gains_quote=Decimal(gains))
        return DayStart(day=day, equity=equity)

    def test_the_first_start_of_a_day_stays_until_the_next_day(self, store: Store, account: AccountName) -> None:
        def kept() -> DayStart:
            return store.read_control(account).days[USDT]

        for day, gains in ((7, "5.5"), (7, "9"), (6, "1")):
            store.keep_days(account, {USDT: self.start(day, gains)})
            assert kept() == self.start(7, "5.5")
        store.keep_days(account, {USDT: self.start(7, "3", (BITCOIN, GOLD))})
        assert kept() == self.start(7, "3", (BITCOIN, GOLD))
        store.keep_days(account, {USDT: self.start(8, "-2")})
        assert kept() == self.start(8, "-2")

    def test_a_rearmed_account_begins_its_day_anew(self, store: Store, account: AccountName) -> None:  # R6
        store.keep_days(account, {USDT: self.start(7, "5")})
        store.clear_peaks(account)
        assert store.read_control(account) == Control(account=account)
        store.keep_days(account, {USDT: self.start(7, "-5")})
        assert store.read_control(account).days == {USDT: self.start(7, "-5")}


class TestExposures:
    def test_accounts_see_what_each_told_last(self, store: Store, account: AccountName) -> None:  # S16
        def told(time_ms: int, held: str) -> Exposure:
            return Exposure(
                account=account,
                time_ms=time_ms,
                notional_quote={USDT: Decimal(held), Asset("N"): Decimal(0)},
                unknown=frozenset({Asset("N"), Asset("S")}),
            )

        other = Exposure(account=AccountName(f"{account}2"), time_ms=1, notional_quote={})
        store.tell_exposure(other)
        store.tell_exposure(told(5, "1900.123456789012345678"))
        store.tell_exposure(told(4, "7"))
        known = store.exposures()
        assert (known[account], known[other.account]) == (told(5, "1900.123456789012345678"), other)
        assert store.read_account(account).control == Control(account=account)


class TestMarket:
    def test_unknown_account_is_empty(self, store: Store, account: AccountName) -> None:
        state = store.read_account(account)
        assert state.control == Control(account=account)
        assert (state.markets, state.episodes) == ({}, {})

    def test_opened_market_has_its_item_its_row_and_its_foreign_amounts(
        self, store: Store, account: AccountName
    ) -> None:
        market = opened(store, account)
        assert market == replace(new_market(), version=1)
        assert store.read_account(account).markets == {GOLD: market}
        assert store.ledger(account, GOLD) == [opening()]
        assert store.read_control(account).foreign == {USDT: Decimal("12.5")}

    def test_second_market_keeps_the_other_assets_foreign_amounts(self, store: Store, account: AccountName) -> None:
        gold, bitcoin = {Asset("S"): Decimal(1), USDT: Decimal(9)}, {Asset("BTC"): Decimal(2), USDT: Decimal(3)}
        store.open_market(account, new_market(), opening(), gold)
        store.open_market(account, new_market(BITCOIN), opening(BITCOIN), bitcoin)
        assert store.read_control(account).foreign == {"S": 1, "BTC": 2, "USDT": 3}

    def test_opening_during_a_lease_keeps_the_lease(self, store: Store, account: AccountName) -> None:
        claimed = claim(store, account, 5_000)
        opened(store, account)
        assert isinstance(claimed, Control)
        assert store.read_control(account) == replace(claimed, foreign={USDT: Decimal("12.5")})

    def test_market_is_opened_once(self, store: Store, account: AccountName) -> None:
        market = opened(store, account)
        with pytest.raises(Conflict):
            store.open_market(account, new_market(), replace(opening(), base=Decimal(1)), {USDT: Decimal(99)})
        assert store.read_account(account).markets == {GOLD: market}
        assert store.ledger(account, GOLD) == [opening()]
        assert store.read_control(account).foreign == {USDT: Decimal("12.5")}

    def test_market_can_be_opened_without_foreign_amounts(self, store: Store, account: AccountName) -> None:
        store.open_market(account, new_market(), opening(), {})
        assert store.read_control(account).foreign == {}

    def test_saved_market_has_the_next_version(self, store: Store, account: AccountName) -> None:
        market = store.save_market(account, replace(opened(store, account), not_before_ms=5))
        assert market.version == 2
        assert store.read_account(account).markets == {GOLD: market}

    def test_stale_version_is_a_conflict_and_writes_nothing(self, store: Store, account: AccountName) -> None:  # R25
        old = opened(store, account)
        new = store.save_market(account, replace(old, not_before_ms=5))
        with pytest.raises(Conflict):
            store.save_market(account, replace(old, not_before_ms=6))
        with pytest.raises(Conflict):
            store.save_market(account, replace(old, not_before_ms=5))
        assert store.read_account(account).markets == {GOLD: new}

    def test_market_that_was_never_opened_cannot_be_saved(self, store: Store, account: AccountName) -> None:
        with pytest.raises(Conflict):
            store.save_market(account, new_market())
        assert store.read_account(account).markets == {}

    def test_accounts_and_markets_are_apart(self, store: Store, account: AccountName) -> None:
        other = AccountName(f"{account}x")
        opened(store, account)
        opened(store, account, BITCOIN)
        assert store.read_account(account).markets.keys() == {GOLD, BITCOIN}
        assert store.read_account(other).markets == {}
        assert store.ledger(other, GOLD) == []

    def test_working_and_unresolved_orders_survive(self, store: Store, account: AccountName) -> None:  # R31
        order = NewOrder(
            client_id=ClientOrderId("mmabc0000000001b00"),
            symbol=GOLD,
            side=Side.SELL,
            price=Decimal("1902.50"),
            size_base=Decimal("0.5000"),
        )
        resting = replace(order.resting(VenueOrderId("88"), 3), executed_base=Decimal("0.1"), is_live=False)
        foreign: Order = replace(resting, client_id=None, side=Side.BUY)
        market = replace(
            opened(store, account),
            working=(resting, foreign),
            unresolved=(UnresolvedOrder(order=order, signed_ms=4),),
        )
        saved = store.save_market(account, market)
        assert store.read_account(account).markets == {GOLD: saved}

    def test_run_and_age_survive(self, store: Store, account: AccountName) -> None:  # R32
        run = SameSideRun(side=Side.SELL, orders=((VenueOrderId("7"), 11), (VenueOrderId("9"), 12)))
        market = opened(store, account)
        aged = replace(market, run=run, inventory=replace(market.inventory, opened_ms=1_700_000_000_001))
        saved = store.save_market(account, aged)
        assert store.read_account(account).markets == {GOLD: saved}
        assert saved.run == run

    @pytest.mark.parametrize("current", [None, EXIT], ids=["none", "under way"])
    def test_exits_survive(self, store: Store, account: AccountName, current: Exit | None) -> None:  # S9, P5
        exits = ExitState(current=current, stopped_at=Decimal("1800.5"), resume_ms=7, repeats=2, day=3)
        saved = store.save_market(account, replace(opened(store, account), exits=exits))
        assert store.read_account(account).markets == {GOLD: saved}
        assert saved.exits == exits


type MarketWrite = Callable[[Store, AccountName, MarketState], object]

MARKET_WRITES: Mapping[str, MarketWrite] = {
    "save_market": lambda store, account, market: store.save_market(account, replace(market, not_before_ms=8)),
    "book": lambda store, account, market: store.book(account, market, [fill_row(8)]),
    "open_market": lambda store, account, _: opened(store, account, BITCOIN),
    "open_market without foreign amounts": lambda store, account, _: store.open_market(
        account, new_market(BITCOIN), opening(BITCOIN), {}
    ),
}


@pytest.mark.parametrize("write", MARKET_WRITES.values(), ids=MARKET_WRITES.keys())
class TestUnder:
    def test_owner_of_the_lease_writes_even_past_its_end_while_nobody_took_it(
        self, store: Store, account: AccountName, write: MarketWrite
    ) -> None:
        market = opened(store, account)
        claim(store, account, 5_000, owner="a")
        assert claim(store, account, 10_000, owner="b", now_ms=9_999) is ClaimRefusal.LEASE_TAKEN
        before = store.read_account(account)
        write(store.under("a"), account, market)
        after = store.read_account(account)
        assert (after.markets != before.markets, after.control.lease) == (True, before.control.lease)

    def test_nothing_is_written_once_another_holds_the_lease(
        self, store: Store, account: AccountName, write: MarketWrite
    ) -> None:  # R25
        market = opened(store, account)
        claim(store, account, 5_000, owner="a")
        claim(store, account, 10_000, owner="b", now_ms=10_000)
        before = store.read_account(account)
        with pytest.raises(LeaseLost, match=f"the lease of {account} is another's or nobody's"):
            write(store.under("a"), account, market)
        assert store.read_account(account) == before
        assert (store.ledger(account, GOLD), store.ledger(account, BITCOIN)) == ([opening()], [])

    def test_nothing_is_written_once_nobody_holds_the_lease(
        self, store: Store, account: AccountName, write: MarketWrite
    ) -> None:  # R25
        market = opened(store, account)
        claim(store, account, 5_000, owner="a")
        release(store, account, "a")
        before = store.read_account(account)
        with pytest.raises(LeaseLost):
            write(store.under("a"), account, market)
        assert store.read_account(account) == before
        assert (store.ledger(account, GOLD), store.ledger(account, BITCOIN)) == ([opening()], [])

    def test_what_another_wrote_first_is_a_conflict_but_no_lost_lease(
        self, store: Store, account: AccountName, write: MarketWrite
    ) -> None:
        market = opened(store, account)
        opened(store, account, BITCOIN)
        claim(store, account, 5_000, owner="a")
        fresh = store.save_market(account, replace(market, not_before_ms=7))
        with pytest.raises(Conflict) as conflict:
            write(store.under("a"), account, market)
        assert not isinstance(conflict.value, LeaseLost)
        assert store.read_account(account).markets[GOLD] == fresh

    def test_who_lost_both_the_lease_and_the_race_is_told_of_the_lease(
        self, store: Store, account: AccountName, write: MarketWrite
    ) -> None:
        market = opened(store, account)
        opened(store, account, BITCOIN)
        claim(store, account, 5_000, owner="b")
        store.under("b").save_market(account, replace(market, not_before_ms=7))
        with pytest.raises(LeaseLost):
            write(store.under("a"), account, market)

    def test_a_halt_settles_without_a_lease_beside_an_owner(
        self, store: Store, account: AccountName, write: MarketWrite
    ) -> None:  # R34
        market = opened(store, account)
        claim(store, account, 5_000, owner="a")
        fenced = store.under("b")
        write(store, account, market)
        assert fenced.strengthen(account, Mode.HALTED, reason="operator", now_ms=1).mode is Mode.HALTED


class TestLedger:
    @pytest.mark.parametrize("fills", [0, 1, 89, 90])
    def test_fills_and_market_are_booked_together(self, store: Store, account: AccountName, fills: int) -> None:  # R14
        rows = [fill_row(number) for number in range(fills)]
        market = store.book(account, replace(opened(store, account), not_before_ms=5), rows)
        assert (market.version, market.not_before_ms) == (2, 5)
        assert store.read_account(account).markets == {GOLD: market}
        assert store.ledger(account, GOLD) == [opening(), *rows]

    def test_the_opening_row_is_read_alone(self, store: Store, account: AccountName) -> None:  # S2b
        assert store.opening(account, GOLD) is None
        market = opened(store, account)
        store.book(account, market, [fill_row(5)])
        assert (store.opening(account, GOLD), store.opening(account, BITCOIN)) == (opening(), None)

    def test_transfers_are_rows_of_their_own_and_written_once(self, store: Store, account: AccountName) -> None:
        def came(number: str) -> TransferRow:
            transfer = Transfer(
                id=number, time_ms=7, asset=USDT, amount=Decimal("-0.5"), price_quote=Decimal(1), reason="out (me)"
            )
            changes = {"base_change": Decimal(0), "quote_change": Decimal("-0.5"), "realised_quote": Decimal("0.25")}
            return TransferRow(transfer=transfer, **changes)

        market = store.book(account, opened(store, account), [came("1"), fill_row(3)])
        market = store.book(account, market, [came("2-USDT")])
        assert store.ledger(account, GOLD) == [opening(), fill_row(3), came("1"), came("2-USDT")]
        with pytest.raises(Conflict):
            store.book(account, market, [came("1")])

    def test_what_is_foreign_may_change_later(self, store: Store, account: AccountName) -> None:  # S2b
        opened(store, account)
        before = dict(store.read_control(account).foreign)
        store.set_foreign(account, {USDT: Decimal("7.5"), Asset("N"): Decimal(1)})
        assert store.read_control(account).foreign == before | {USDT: Decimal("7.5"), Asset("N"): Decimal(1)}

    def test_more_than_ninety_rows_are_refused(self, store: Store, account: AccountName) -> None:
        market = opened(store, account)
        with pytest.raises(ValueError, match="allowed: at most 90"):
            store.book(account, market, [fill_row(number) for number in range(91)])

    @pytest.mark.parametrize("fills", [99, 100, 101])
    def test_every_fill_of_many_has_one_row(self, store: Store, account: AccountName, fills: int) -> None:  # R14
        rows = [fill_row(number) for number in range(fills)]
        book_all(store, account, opened(store, account), rows)
        assert store.ledger(account, GOLD) == [opening(), *rows]
        assert store.known_fills(account, GOLD, 0) == {row.fill.trade_id for row in rows}

    def test_known_row_stops_the_whole_booking(self, store: Store, account: AccountName) -> None:  # R14
        market = store.book(account, opened(store, account), [fill_row(5)])
        with pytest.raises(Conflict):
            store.book(account, replace(market, not_before_ms=9), [fill_row(4), fill_row(5), fill_row(6)])
        assert store.read_account(account).markets == {GOLD: market}
        assert store.ledger(account, GOLD) == [opening(), fill_row(5)]

    def test_same_booking_again_is_a_conflict(self, store: Store, account: AccountName) -> None:  # R14
        market = opened(store, account)
        store.book(account, market, [fill_row(5)])
        with pytest.raises(Conflict):
            store.book(account, market, [fill_row(5)])
        assert store.ledger(account, GOLD) == [opening(), fill_row(5)]

    def test_other_fill_with_the_same_effect_is_not_taken_for_the_first(
        self, store: Store, account: AccountName
    ) -> None:  # R14
        market = opened(store, account)
        store.book(account, market, [fill_row(5)])
        with pytest.raises(Conflict):
            store.book(account, market, [fill_row(6)])
        assert store.ledger(account, GOLD) == [opening(), fill_row(5)]

    def test_stale_version_books_nothing(self, store: Store, account: AccountName) -> None:  # R25
        old = opened(store, account)
        store.save_market(account, old)
        with pytest.raises(Conflict):
            store.book(account, old, [fill_row(5)])
        assert store.ledger(account, GOLD) == [opening()]

    def test_row_given_twice_is_refused(self, store: Store, account: AccountName) -> None:
        market = opened(store, account)
        with pytest.raises(ValueError, match="given twice"):
            store.book(account, market, [fill_row(5), fill_row(5)])

    def test_rows_come_by_trade_number_not_by_text(self, store: Store, account: AccountName) -> None:
        numbers = [10**19, 10, 9, 100, 2**63]
        store.book(account, opened(store, account), [fill_row(number) for number in numbers])
        assert store.ledger(account, GOLD) == [opening(), *(fill_row(number) for number in sorted(numbers))]

    def test_known_fills_start_at_the_given_id(self, store: Store, account: AccountName) -> None:
        store.book(account, opened(store, account), [fill_row(number) for number in (9, 10, 11, 10**19)])
        assert store.known_fills(account, GOLD, 10) == {"10", "11", str(10**19)}
        assert store.known_fills(account, GOLD, 12) == {str(10**19)}
        assert store.known_fills(account, GOLD, 0) == {"9", "10", "11", str(10**19)}
        assert store.known_fills(account, BITCOIN, 0) == frozenset()

    @pytest.mark.parametrize("fee", [None, Fee(amount=Decimal("-0.000012"), asset=Asset("BNB"))])
    @pytest.mark.parametrize("client_id", [None, "mmabc0000000001b00"])
    def test_unknown_fee_and_unknown_client_id_stay_unknown(
        self, store: Store, account: AccountName, fee: Fee | None, client_id: str | None
    ) -> None:  # R16
        row = fill_row(1, fee=fee, client_id=client_id)
        store.book(account, opened(store, account), [row])
        assert store.ledger(account, GOLD) == [opening(), row]

    def test_ledger_is_read_to_its_last_page(self, store: Store, account: AccountName) -> None:  # R15
        rows = [fill_row(number, client_id="x" * 50_000) for number in range(45)]  # a page is 1 MB
        book_all(store, account, opened(store, account), rows)
        assert store.ledger(account, GOLD) == [opening(), *rows]
        assert len(store.known_fills(account, GOLD, 0)) == 45

    def test_recent_fills_are_the_newest_by_trade_number_newest_first(self, store: Store, account: AccountName) -> None:
        rows = [fill_row(number) for number in (9, 10, 11, 100)]
        store.book(account, opened(store, account), rows)
        for limit, expected in ((1, rows[3:]), (3, rows[1:]), (4, rows), (5, rows)):
            assert store.recent_fills(account, GOLD, since_ms=None, limit=limit) == expected[::-1]
        assert store.recent_fills(account, BITCOIN, since_ms=None, limit=5) == []

    def test_recent_fills_end_at_the_first_that_is_too_old(self, store: Store, account: AccountName) -> None:
        rows = [fill_row(number) for number in (9, 10, 11)]
        store.book(account, opened(store, account), rows)
        for since_ms, expected in ((2_009, rows), (2_010, rows[1:]), (2_011, rows[2:]), (2_012, [])):
            assert store.recent_fills(account, GOLD, since_ms=since_ms, limit=5) == expected[::-1]
        assert store.recent_fills(account, GOLD, since_ms=2_009, limit=2) == rows[:0:-1]

    def test_recent_fills_are_read_over_pages(self, store: Store, account: AccountName) -> None:
        rows = [fill_row(number, client_id="x" * 50_000) for number in range(45)]  # a page is 1 MB
        book_all(store, account, opened(store, account), rows)
        assert store.recent_fills(account, GOLD, since_ms=None, limit=44) == rows[:0:-1]


class TestEpisodes:
    def test_account_is_read_to_its_last_page(self, store: Store, account: AccountName) -> None:
        opened(store, account)
        keys = {f"stale#{number}" for number in range(12)}
        for key in keys:
            store.open_episode(account, key, text="x" * 200_000, now_ms=1)  # a page is 1 MB
        claim(store, account, 5_000)
        state = store.read_account(account)
        assert (set(state.markets), set(state.episodes)) == ({GOLD}, keys)
        assert state.control.last_slot_ms == 5_000

    def test_an_owner_opens_and_closes_episodes_once(self, store: Store, account: AccountName) -> None:  # R25, R27
        claim(store, account, 5_000, owner="a")
        own = store.under("a")
        assert own.open_episode(account, "stale#PAXG/USDT", text="stale", now_ms=1)
        assert not own.open_episode(account, "stale#PAXG/USDT", text="stale", now_ms=2)
        assert store.read_account(account).episodes == {"stale#PAXG/USDT": Episode(text="stale", since_ms=1)}
        assert own.close_episode(account, "stale#PAXG/USDT")
        assert not own.close_episode(account, "stale#PAXG/USDT")

    def test_episodes_stay_as_they_are_once_another_holds_the_lease(
        self, store: Store, account: AccountName
    ) -> None:  # R25
        claim(store, account, 5_000, owner="a")
        store.open_episode(account, "stale#PAXG/USDT", text="stale", now_ms=1)
        claim(store, account, 10_000, owner="b", now_ms=10_000)
        before = store.read_account(account)
        late = store.under("a")
        with pytest.raises(LeaseLost):
            late.open_episode(account, "price_band#PAXG/USDT", text="outside", now_ms=2)
        for key in ("stale#PAXG/USDT", "unknown"):
            with pytest.raises(LeaseLost):
                late.close_episode(account, key)
        assert store.read_account(account) == before

    def test_episode_opens_once_until_it_is_closed(self, store: Store, account: AccountName) -> None:  # R27
        assert store.open_episode(account, "stale#PAXG/USDT", text="stale", now_ms=1)
        assert not store.open_episode(account, "stale#PAXG/USDT", text="stale", now_ms=2)
        assert store.read_account(account).episodes == {"stale#PAXG/USDT": Episode(text="stale", since_ms=1)}
        assert store.close_episode(account, "stale#PAXG/USDT")
        assert not store.close_episode(account, "stale#PAXG/USDT")
        assert store.read_account(account).episodes == {}
        assert store.open_episode(account, "stale#PAXG/USDT", text="stale", now_ms=3)

    def test_changed_episode_comes_back_as_it_was_written(self, store: Store, account: AccountName) -> None:  # R27
        store.open_episode(account, "stale#PAXG/USDT", text="stale", now_ms=1, is_critical=False)
        told = Episode(text="stale", since_ms=1, is_critical=False, told_ms=7, tried_ms=6, ended="it is over")
        assert store.change_episode(account, "stale#PAXG/USDT", told)
        assert store.read_account(account).episodes == {"stale#PAXG/USDT": replace(told, version=1)}

    def test_of_two_changes_of_what_was_read_one_is_made(self, store: Store, account: AccountName) -> None:  # R27
        store.open_episode(account, "stale#PAXG/USDT", text="stale", now_ms=1)
        seen = store.read_account(account).episodes["stale#PAXG/USDT"]
        changes = [replace(seen, tried_ms=at_ms) for at_ms in (5, 6)]
        assert [store.change_episode(account, "stale#PAXG/USDT", each) for each in changes] == [True, False]
        assert store.read_account(account).episodes["stale#PAXG/USDT"].tried_ms == 5

    def test_episode_that_closed_or_opened_anew_is_not_changed(self, store: Store, account: AccountName) -> None:
        store.open_episode(account, "stale#PAXG/USDT", text="stale", now_ms=1)
        seen = store.read_account(account).episodes["stale#PAXG/USDT"]
        store.close_episode(account, "stale#PAXG/USDT")
        assert not store.change_episode(account, "stale#PAXG/USDT", replace(seen, told_ms=5))
        assert store.read_account(account).episodes == {}
        store.open_episode(account, "stale#PAXG/USDT", text="again", now_ms=2)
        assert not store.change_episode(account, "stale#PAXG/USDT", replace(seen, told_ms=5))
        assert store.read_account(account).episodes["stale#PAXG/USDT"].text == "again"

    def test_episode_is_not_changed_once_another_holds_the_lease(
        self, store: Store, account: AccountName
    ) -> None:  # R25
        claim(store, account, 5_000, owner="a")
        store.open_episode(account, "stale#PAXG/USDT", text="stale", now_ms=1)
        seen = store.read_account(account).episodes["stale#PAXG/USDT"]
        assert store.under("a").change_episode(account, "stale#PAXG/USDT", seen)
        claim(store, account, 10_000, owner="b", now_ms=10_000)
        with pytest.raises(LeaseLost):
            store.under("a").change_episode(account, "stale#PAXG/USDT", replace(seen, version=1))


def active(version: str = "v1", *, base: str = "v0", previous: str = "v0") -> ActiveSettings:
    return ActiveSettings(version=version, base=base, previous=previous, since_ms=5, reason="narrower (operator)")


class TestSettings:
    def test_kept_settings_come_back_as_they_were_written(self, store: Store, account: AccountName) -> None:  # R12
        text = 'name = "x"  # ± ½, \n\ttabs and "quotes"\n' * 500
        store.save_settings(account, "0123456789abcdef", text)
        assert store.settings(account, "0123456789abcdef") == text

    def test_version_that_nobody_kept_is_none(self, store: Store, account: AccountName) -> None:
        store.save_settings(AccountName(f"{account}x"), "v1", "of another account")
        assert store.settings(account, "v1") is None

    def test_kept_version_never_changes(self, store: Store, account: AccountName) -> None:
        store.save_settings(account, "v1", "the first")
        store.save_settings(account, "v1", "the second")
        assert store.settings(account, "v1") == "the first"

    def test_what_ticks_are_deployed_with_is_noted_beside_a_lease_and_keeps_the_epoch(
        self, store: Store, account: AccountName
    ) -> None:
        claimed = claim(store, account, 5_000)
        assert isinstance(claimed, Control)
        store.note_deployed(account, "v0")
        assert store.read_control(account) == replace(claimed, deployed="v0")
        store.note_deployed(account, "v1")
        assert store.read_control(account).deployed == "v1"

    def test_settings_rule_with_a_new_epoch_so_that_the_tick_under_way_creates_nothing(
        self, store: Store, account: AccountName
    ) -> None:  # R28
        claimed = claim(store, account, 5_000)
        assert isinstance(claimed, Control)
        control = store.activate_settings(account, active(), epoch=claimed.epoch)
        assert control == store.read_control(account) == replace(claimed, settings=active(), epoch=claimed.epoch + 1)
        assert claimed.may_create(claimed.epoch, "a", 0)
        assert not control.may_create(claimed.epoch, "a", 0)

    def test_next_claim_is_told_which_settings_rule(self, store: Store, account: AccountName) -> None:  # R28
        store.note_deployed(account, "v0")
        store.activate_settings(account, active(), epoch=0)
        claimed = claim(store, account, 5_000)
        assert isinstance(claimed, Control)
        assert (claimed.deployed, claimed.settings, claimed.epoch) == ("v0", active(), 1)

    def test_newer_settings_replace_older_ones_as_a_whole(self, store: Store, account: AccountName) -> None:
        store.activate_settings(account, active("v1"), epoch=0)
        newer = ActiveSettings(version="v2", base="v9", previous="v1", since_ms=7, reason="")
        assert store.activate_settings(account, newer, epoch=1).settings == newer
        assert store.read_account(account).control.settings == newer

    def test_settings_do_not_rule_if_anything_changed_since_they_were_compared(
        self, store: Store, account: AccountName
    ) -> None:  # R28
        seen = store.activate_settings(account, active("v1"), epoch=0)
        halted = store.strengthen(account, Mode.HALTED, reason="operator", now_ms=1)
        with pytest.raises(Conflict, match="no longer in"):
            store.activate_settings(account, active("v2"), epoch=seen.epoch)
        assert store.read_control(account) == halted

    def test_account_is_read_without_the_settings_kept_in_it(self, store: Store, account: AccountName) -> None:  # R24
        market = opened(store, account)
        before = store.read_account(account)
        store.save_settings(account, "v1", "x" * 1_000)
        assert store.read_account(account) == before
        assert before.markets == {GOLD: market}


few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class TestExactness:
    @few
    @given(data=st.data())
    def test_any_market_comes_back_as_it_was(self, store: Store, account: AccountName, data: st.DataObject) -> None:
        wanted = data.draw(strategies.market_states())
        stored = store.read_account(account).markets.get(wanted.symbol)
        if stored is None:
            stored = store.open_market(account, replace(wanted, version=0), opening(wanted.symbol), {})
        saved = store.save_market(account, replace(wanted, version=stored.version))
        assert store.read_account(account).markets[wanted.symbol] == saved
        assert replace(saved, version=wanted.version) == wanted

    @few
    @given(row=strategies.fill_rows(GOLD))
    def test_any_fill_comes_back_as_it_was(self, store: Store, account: AccountName, row: FillRow) -> None:
        stored = store.read_account(account).markets.get(GOLD) or opened(store, account)
        if row.fill.trade_id not in store.known_fills(account, GOLD, 0):
            store.book(account, stored, [row])
            assert row in store.ledger(account, GOLD)

    @few
    @given(control=strategies.controls)
    def test_any_refreshed_control_comes_back_as_it_was(
        self, store: Store, account: AccountName, control: Control
    ) -> None:
        slot_ms = store.read_control(account).last_slot_ms + 1
        claim(store, account, slot_ms, owner="a", now_ms=slot_ms)
        told = {name: getattr(control, name) for name in Refreshed.__slots__}
        written = Refreshed(**told | {"blocked_until_ms": control.blocked_until_ms or 1})
        store.release(account, owner="a", refreshed=written)
        stored = store.read_control(account)
        assert Refreshed(**{name: getattr(stored, name) for name in Refreshed.__slots__}) == written
