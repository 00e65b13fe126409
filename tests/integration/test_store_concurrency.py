"""Racing writers on the real DynamoDB engine: moto loses version updates, so nothing here may run on it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import batched
from threading import Barrier

import pytest

from marketmaker.domain.drawdown import Equity
from marketmaker.domain.inventory import FillRow, Inventory, OpeningRow
from marketmaker.domain.orders import Fill, Side
from marketmaker.domain.state import BookMark, Control, Lease, MarketState, Mode, Refreshed, Restriction, TradeCursor
from marketmaker.domain.units import AccountName, Asset, Symbol, TradeId, VenueOrderId
from marketmaker.errors import Conflict, LeaseLost
from marketmaker.ports import ClaimRefusal, Store
from tests.tables import local_store

pytest_plugins = ["tests.dynamodb_local"]

GOLD = Symbol("PAXG/USDT")
LEASE_MS = 10_000
WRITERS = 12


@pytest.fixture(scope="module")
def stores(dynamodb_local: str) -> list[Store]:
    """Connect as many invocations do: each with a client of its own."""
    return [local_store(dynamodb_local) for _ in range(4)]


@pytest.fixture
def store(stores: list[Store]) -> Store:
    return stores[0]


def together[T](works: Sequence[Callable[[], T]]) -> list[T]:
    """Start all at the same moment, each in its own thread."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def claimer(
    store: Store, account: AccountName, owner: str, *, slot_ms: int, now_ms: int = 0
) -> Callable[[], Control | ClaimRefusal]:
    return partial(store.claim, account, slot_ms=slot_ms, owner=owner, now_ms=now_ms, lease_ms=LEASE_MS)


def opened(store: Store, account: AccountName, symbol: Symbol = GOLD) -> MarketState:
    row = OpeningRow(symbol=symbol, time_ms=0, base=Decimal(0), quote=Decimal(0), cost_quote=Decimal(0))
    market = MarketState(
        symbol=symbol, version=0, inventory=Inventory(), reference_price=Decimal(1900), cursor=TradeCursor()
    )
    return store.open_market(account, market, row, {})


def fill_row(number: int) -> FillRow:
    fill = Fill(
        trade_id=TradeId(str(number)),
        venue_order_id=VenueOrderId("1"),
        symbol=GOLD,
        side=Side.BUY,
        price=Decimal(1900),
        size_base=Decimal("0.1"),
        fee=None,
        time_ms=number,
        is_maker=True,
    )
    return FillRow(
        fill=fill,
        client_id=None,
        base_change=fill.size_base,
        quote_change=-fill.notional_quote,
        realised_quote=Decimal(0),
        fee_quote=None,
    )


def book_unseen(store: Store, account: AccountName, rows: Sequence[FillRow]) -> None:
    """Book as a tick does: drop what is known, apply the rest; leave a lost race to the next look."""
    while True:
        market = store.read_account(account).markets[GOLD]
        known = store.known_fills(account, GOLD, 0)
        new = [row for row in rows if row.fill.trade_id not in known][:7]
        if not new:
            return
        base = market.inventory.base + sum(row.base_change for row in new)
        try:
            store.book(account, replace(market, inventory=replace(market.inventory, base=base)), new)
        except Conflict:
            continue


def test_one_of_many_claims_of_a_slot_wins(stores: list[Store], account: AccountName) -> None:  # R9
    for round_ in range(1, 11):
        slot_ms = round_ * 20_000
        owners = [f"{round_}-{number}" for number in range(WRITERS)]
        claims = [
            claimer(stores[number % 4], account, owner, slot_ms=slot_ms, now_ms=slot_ms)
            for number, owner in enumerate(owners)
        ]
        answers = together(claims)
        winners = [each for each in answers if isinstance(each, Control)]
        assert len(winners) == 1
        assert winners[0] == stores[0].read_control(account)
        assert winners[0].lease is not None
        assert owners.index(winners[0].lease.owner) == answers.index(winners[0])
        assert answers.count(ClaimRefusal.SLOT_DONE) == WRITERS - 1


def test_one_of_many_takes_an_expired_lease_over(stores: list[Store], account: AccountName) -> None:  # R9
    claimer(stores[0], account, "old", slot_ms=5_000)()
    early = [
        claimer(stores[number % 4], account, f"early{number}", slot_ms=10_000 + number, now_ms=LEASE_MS - 1)
        for number in range(WRITERS)
    ]
    assert together(early) == [ClaimRefusal.LEASE_TAKEN] * WRITERS
    late = [
        claimer(stores[number % 4], account, f"late{number}", slot_ms=10_000 + number, now_ms=LEASE_MS)
        for number in range(WRITERS)
    ]
    assert sum(isinstance(each, Control) for each in together(late)) == 1


@pytest.mark.parametrize("has_worked", [False, True], ids=["nothing yet", "a market"])
def test_paused_owner_writes_nothing_after_its_lease_was_taken(
    stores: list[Store], account: AccountName, has_worked: bool
) -> None:  # R25
    store, paused = stores[0], stores[1].under("paused")
    opened(store, account)
    claimer(paused, account, "paused", slot_ms=5_000)()
    seen = store.read_account(account).markets[GOLD]
    claimer(store, account, "next", slot_ms=10_000, now_ms=LEASE_MS)()
    if has_worked:
        store.under("next").save_market(account, replace(seen, not_before_ms=7))
    before = store.read_account(account)
    marks = {GOLD: BookMark(update_id=1, since_ms=1)}
    with pytest.raises(LeaseLost):
        paused.save_market(account, replace(seen, not_before_ms=8))
    with pytest.raises(LeaseLost):
        paused.book(account, replace(seen, not_before_ms=8), [fill_row(1)])
    with pytest.raises(LeaseLost):
        opened(paused, account, Symbol("BTC/USDT"))
    paused.release(account, owner="paused", refreshed=Refreshed(book_marks=marks, differing={}, unreachable_ticks=1))
    assert store.read_account(account) == before
    assert before.control.lease == Lease(owner="next", expires_ms=2 * LEASE_MS)
    assert len(store.ledger(account, GOLD)) == 1


def test_no_update_is_lost_between_racing_writers(stores: list[Store], account: AccountName) -> None:
    opened(stores[0], account)

    def add_ten(store: Store) -> int:
        conflicts = 0
        for _ in range(10):
            while True:
                market = store.read_account(account).markets[GOLD]
                try:
                    store.save_market(account, replace(market, not_before_ms=market.not_before_ms + 1))
                    break
                except Conflict:
                    conflicts += 1
        return conflicts

    conflicts = together([partial(add_ten, store) for store in stores * 2])
    market = stores[0].read_account(account).markets[GOLD]
    assert (market.not_before_ms, market.version) == (80, 81)
    assert sum(conflicts) > 0


def test_racing_writers_book_each_fill_once(stores: list[Store], account: AccountName) -> None:  # R14
    opened(stores[0], account)
    rows = [fill_row(number) for number in range(40)]
    together([partial(book_unseen, store, account, rows) for store in stores * 2])
    assert list(stores[0].ledger(account, GOLD))[1:] == rows
    assert stores[0].read_account(account).markets[GOLD].inventory.base == Decimal("4.0")


def test_thousand_fills_have_a_row_each(store: Store, account: AccountName) -> None:  # R14
    market = opened(store, account)
    rows = [fill_row(number) for number in range(1_000)]
    for chunk in batched(rows, 90, strict=False):
        market = store.book(account, market, chunk)
    assert list(store.ledger(account, GOLD))[1:] == rows
    assert market.version == 13


def test_market_is_opened_by_one_of_many(stores: list[Store], account: AccountName) -> None:
    def try_to_open(store: Store) -> bool:
        try:
            opened(store, account)
        except Conflict:
            return False
        return True

    assert together([partial(try_to_open, store) for store in stores * 2]).count(True) == 1
    assert len(stores[0].ledger(account, GOLD)) == 1


def test_same_strengthening_by_many_is_one_epoch(stores: list[Store], account: AccountName) -> None:
    def strengthen(store: Store, now_ms: int) -> Control:
        return store.strengthen(account, Mode.HALTED, reason="breach", now_ms=now_ms)

    works = [partial(strengthen, stores[number % 4], number) for number in range(WRITERS)]
    answers = together(works)
    assert set(map(repr, answers)) == {repr(stores[0].read_control(account))}
    assert answers[0].epoch == 1


def test_same_restriction_by_many_is_one_epoch(stores: list[Store], account: AccountName) -> None:
    def restrict(store: Store, now_ms: int) -> Control:
        return store.restrict(account, GOLD, Restriction(mode=Mode.CANCEL_ONLY, reason="breach", since_ms=now_ms))

    answers = together([partial(restrict, stores[number % 4], number) for number in range(WRITERS)])
    assert set(map(repr, answers)) == {repr(stores[0].read_control(account))}
    assert answers[0].epoch == 1


def test_no_restriction_is_lost_among_racing_writers(stores: list[Store], account: AccountName) -> None:
    symbols = [Symbol(f"A{number}/USDT") for number in range(WRITERS)]

    def restrict(store: Store, symbol: Symbol) -> Control:
        return store.restrict(account, symbol, Restriction(mode=Mode.CANCEL_ONLY, reason="breach", since_ms=1))

    together([partial(restrict, stores[number % 4], symbol) for number, symbol in enumerate(symbols)])
    control = stores[0].read_control(account)
    assert (set(control.restrictions), control.epoch) == (set(symbols), WRITERS)


def test_no_lift_by_an_old_look_beats_a_newer_restriction(stores: list[Store], account: AccountName) -> None:  # R5
    other = Symbol("BTC/USDT")
    for _ in range(10):
        seen = stores[0].restrict(account, GOLD, Restriction(mode=Mode.CANCEL_ONLY, reason="breach", since_ms=1))

        def lift(seen: Control = seen) -> Control | None:
            try:
                return stores[1].lift(account, GOLD, epoch=seen.epoch)
            except Conflict:
                return None

        def restrict_other() -> Control | None:
            return stores[2].restrict(account, other, Restriction(mode=Mode.CANCEL_ONLY, reason="breach", since_ms=2))

        lifted, restricted = together([lift, restrict_other])
        assert restricted is not None
        control = stores[0].read_control(account)
        assert other in control.restrictions
        assert (GOLD in control.restrictions) == (lifted is None)
        stores[0].lift(account, other, epoch=control.epoch)


def test_peak_is_the_highest_of_many_that_race(stores: list[Store], account: AccountName) -> None:  # R6
    def raise_to(store: Store, gains: int) -> None:
        peak = Equity(markets=(GOLD,), deposited_quote=Decimal(9), gains_quote=Decimal(gains))
        store.raise_peaks(account, {Asset("USDT"): peak})

    together([partial(raise_to, stores[number % 4], number * 7 % WRITERS) for number in range(WRITERS)])
    assert stores[0].read_control(account).peaks[Asset("USDT")].gains_quote == WRITERS - 1


def test_no_claim_succeeds_after_the_halt_was_written(stores: list[Store], account: AccountName) -> None:
    def tick(store: Store, first_slot: int) -> list[Control | ClaimRefusal]:
        answers = []
        for slot_ms in range(first_slot, first_slot + 4_000, 100):
            answers.append(claimer(store, account, f"o{slot_ms}", slot_ms=slot_ms, now_ms=slot_ms * LEASE_MS)())
            refreshed = Refreshed(book_marks={}, differing={}, unreachable_ticks=0)
            store.release(account, owner=f"o{slot_ms}", refreshed=refreshed)
        return answers

    def halt(store: Store) -> list[Control | ClaimRefusal]:
        return [store.strengthen(account, Mode.HALTED, reason="operator", now_ms=1)]

    *ticking, (halted,) = together([*(partial(tick, stores[n], n) for n in range(1, 4)), partial(halt, stores[0])])
    assert isinstance(halted, Control)
    assert (halted.mode, halted.epoch) == (Mode.HALTED, 1)
    for answers in ticking:
        if ClaimRefusal.HALTED in answers:
            after = answers[answers.index(ClaimRefusal.HALTED) :]
            assert set(after) == {ClaimRefusal.HALTED}
    control = stores[0].read_control(account)
    assert (control.mode, control.epoch, control.mode_reason) == (Mode.HALTED, 1, "operator")
    assert claimer(stores[0], account, "late", slot_ms=99_999)() is ClaimRefusal.HALTED
