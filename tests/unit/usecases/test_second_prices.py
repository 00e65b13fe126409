"""Books that a fair price is made of: read in the same round as the market's own, and never in its way (M5, R11)."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from threading import Event

import pytest

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.models import FairPriceModel, Listing, SecondPrice
from marketmaker.domain.orders import Side
from marketmaker.domain.pricing import Book, SecondView, Touch
from marketmaker.domain.quoting import Quotes
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import Symbol
from marketmaker.errors import AccountRefused, MarketMakerError, Refused, Retryable
from marketmaker.ports import Deadline, Unknown
from marketmaker.usecases.metadata import METADATA_RELOAD_MS
from marketmaker.usecases.observe import Seen, mark_key, observe
from marketmaker.usecases.reports import TickOutcome
from marketmaker.usecases.second_prices import second_view
from tests.builders import PAXG, SYMBOL, USDT, account_settings, instrument, market_settings, order
from tests.fakes.desk import Bench, bench, only_market
from tests.fakes.venue import BOOKS, FakeVenue

D = Decimal
CROSS, BITCOIN = Symbol("PAXG/BTC"), Symbol("BTC/USDT")
IMPLIED = SecondPrice(
    source=Listing(venue="binance", symbol=CROSS), rate=Listing(venue="binance", symbol=BITCOIN), max_age_ms=10_000
)
ELSEWHERE = SecondPrice(source=Listing(venue="binanceus", symbol=SYMBOL), max_age_ms=10_000)
RULES = (instrument(), instrument(symbol=CROSS, quote="BTC"), instrument(symbol=BITCOIN, base="BTC"))


def priced_by(second: SecondPrice) -> AccountSettings:
    """Return an account whose only market is priced by other books."""
    is_implied = second.rate is not None
    market = market_settings(fair_price=FairPriceModel.IMPLIED if is_implied else FairPriceModel.REFERENCE)
    return account_settings(replace(market, reference=second, implied=second))


def implied(settings: AccountSettings | None = None) -> Bench:
    """Return a desk priced through bitcoin at 0.05 x 38000."""
    at = bench(settings or priced_by(IMPLIED), instruments=RULES, totals={PAXG: "5", USDT: "19000", "BTC": "1"})
    at.venue.quote(CROSS, "0.04999", "0.05001")
    at.venue.quote(BITCOIN, "37999", "38001")
    return at


def elsewhere(at: Bench | None = None) -> tuple[Bench, FakeVenue]:
    """Return a desk priced by another venue, and that venue."""
    at = at or bench(priced_by(ELSEWHERE))
    other = FakeVenue(at.clock, [instrument()], {})
    other.quote(SYMBOL, "1901.9", "1902.1")
    return replace(at, desk=replace(at.desk, references={"binanceus": other})), other


def look(at: Bench) -> Seen:
    return observe(at.desk, at.control, at.deadline())


def view(at: Bench, seen: Seen | None = None) -> SecondView | None:
    return second_view(at.desk, seen or look(at), at.desk.settings.markets[0])


def touch(bid: str, ask: str, age_ms: int = 0) -> Touch:
    return Touch(bid=D(bid), ask=D(ask), age_ms=age_ms)


class TestAtTheOwnVenue:
    def test_its_books_are_read_in_the_round_of_the_markets_own(self) -> None:
        at = implied()
        assert view(at) == SecondView(source=touch("0.04999", "0.05001"), rate=touch("37999", "38001"))
        assert [call.keys for call in at.venue.received("observe")] == [(SYMBOL, BITCOIN, CROSS)]

    def test_a_market_priced_by_its_own_book_reads_no_other(self) -> None:
        at = implied(account_settings())
        assert view(at) is None
        assert [call.keys for call in at.venue.received("observe")] == [(SYMBOL,)]

    def test_a_book_that_the_account_works_itself_is_read_once(self) -> None:
        settings = priced_by(IMPLIED)
        settings = replace(settings, markets=(*settings.markets, market_settings(symbol=BITCOIN, number=1)))
        at = implied(settings)
        assert view(at) == SecondView(source=touch("0.04999", "0.05001"), rate=touch("37999", "38001"))
        assert [call.keys for call in at.venue.received("observe")] == [(SYMBOL, BITCOIN, CROSS)]

    def test_our_own_orders_do_not_set_our_own_price(self) -> None:
        at = implied()
        ours = replace(order(Side.BUY, "0.0500"), symbol=CROSS)
        at.venue.add_order(ours)
        seen = look(at)
        shown = seen.second_books[IMPLIED.source]
        assert isinstance(shown, Book)
        assert shown.best_bid == D("0.05")
        assert view(at, seen) == SecondView(source=touch("0.04999", "0.05001"), rate=touch("37999", "38001"))

    @pytest.mark.parametrize(
        ("bid", "ask"), [("", "38001"), ("37999", ""), ("38002", "38001"), ("38001", "38001"), ("0", "38001")]
    )
    def test_a_book_that_is_no_price_is_none(self, bid: str, ask: str) -> None:
        at = implied()
        at.venue.quote(BITCOIN, bid, ask)
        assert view(at) == SecondView(source=touch("0.04999", "0.05001"), rate=None)

    def test_a_book_that_could_not_be_read_is_none(self) -> None:
        at = implied()
        look(at)
        at.venue.unlisted.add(CROSS)
        assert view(at) == SecondView(source=None, rate=touch("37999", "38001"))

    def test_a_book_that_stands_still_grows_old_over_ticks(self) -> None:  # R11
        at = implied()
        at.venue.is_frozen = True
        at.tick()
        at.tick()
        at.clock.advance(500)
        aged = SecondView(source=touch("0.04999", "0.05001", 5_500), rate=touch("37999", "38001", 5_500))
        assert view(at) == aged
        at.venue.quote(CROSS, "0.04998", "0.05002")
        assert view(at) == replace(aged, source=touch("0.04998", "0.05002"))

    def test_its_marks_are_kept_apart_from_those_of_the_markets(self) -> None:
        at = implied()
        at.tick()
        assert at.control.book_marks.keys() == {SYMBOL, mark_key(IMPLIED.source), Symbol("binance#BTC/USDT")}

    def test_a_risk_check_reads_no_second_book_and_is_not_confused_by_their_marks(self) -> None:
        at = implied()
        at.tick()
        at.check()
        assert at.venue.received("observe")[-1].keys == (SYMBOL,)
        assert at.alerts.kinds() == []


class TestTheirDescription:
    def test_it_is_loaded_beside_the_own_markets(self) -> None:
        at = implied()
        kept = [VenueMetadata(symbol=each.symbol, fetched_ms=at.clock.now_ms(), payload="{}") for each in RULES]
        at.prices.save_metadata("binance", kept)
        look(at)
        assert at.venue.methods() == ["load", "observe"]
        assert at.venue.knows([SYMBOL, CROSS, BITCOIN])

    def test_what_is_not_kept_is_asked_for_after_the_own_markets(self) -> None:
        at = implied()
        look(at)
        assert [(call.method, call.keys) for call in at.venue.calls[:2]] == [
            ("fetch_metadata", (SYMBOL,)),
            ("fetch_metadata", (SYMBOL, BITCOIN, CROSS)),
        ]
        look(at)
        assert at.venue.methods()[2:] == ["observe", "observe"]

    def test_a_listing_that_the_venue_does_not_have_is_unknown_and_in_nobodys_way(self) -> None:  # R30
        at = implied()
        at.venue.unlisted |= {CROSS, BITCOIN}
        assert view(at) == SecondView(source=None, rate=None)
        assert at.venue.received("fetch_metadata")[-1].keys == (SYMBOL, BITCOIN, CROSS)
        assert only_market(at.tick()).desired is not None

    @pytest.mark.parametrize("error", [Retryable("503"), AccountRefused("forbidden")])
    def test_a_venue_that_describes_them_not_is_quoted_at_nevertheless(self, error: MarketMakerError) -> None:
        at = implied()
        at.venue.faults.before("fetch_metadata", lambda: None)
        at.venue.faults.fail_once("fetch_metadata", error)
        assert at.tick().outcome is TickOutcome.DONE
        assert not at.venue.knows([CROSS])

    def test_an_old_description_is_renewed_with_the_own_one(self) -> None:  # R28
        at = implied()
        look(at)
        at.clock.advance(METADATA_RELOAD_MS + 1)
        look(at)
        assert at.venue.methods()[-3:] == ["observe", "fetch_metadata", "fetch_metadata"]

    def test_halts_and_risk_checks_do_not_wait_for_it(self) -> None:  # R34
        at = implied()
        at.desk.ensure_metadata(at.deadline())
        at.check()
        assert {call.keys for call in at.venue.received("fetch_metadata")} == {(SYMBOL,)}


class TestAtAnotherVenue:
    def test_its_book_is_the_price(self) -> None:
        at, other = elsewhere()
        assert view(at) == SecondView(source=touch("1901.9", "1902.1"))
        assert other.methods() == ["fetch_metadata", "read_books"]
        look(at)
        assert other.methods()[2:] == ["read_books"]

    def test_quotes_stand_round_it(self) -> None:
        at, _ = elsewhere()
        at.tick()
        desired = only_market(at.tick()).desired
        assert isinstance(desired, Quotes)
        assert (desired.fair, desired.ignored) == (D(1902), "")

    def test_its_description_is_kept_under_its_own_name(self) -> None:
        at, other = elsewhere()
        kept = VenueMetadata(symbol=SYMBOL, fetched_ms=at.clock.now_ms(), payload="{}")
        at.prices.save_metadata("binanceus", [kept])
        look(at)
        assert other.methods() == ["load", "read_books"]

    def test_a_table_that_cannot_be_read_leaves_it_to_the_venue(self) -> None:  # R34
        at, other = elsewhere()
        at.prices.faults.fail_always("metadata", Retryable("DynamoDB is down"))
        assert view(at) == SecondView(source=touch("1901.9", "1902.1"))
        assert other.methods() == ["fetch_metadata", "read_books"]

    def test_our_own_orders_are_not_taken_out_of_anothers_book(self) -> None:
        at, other = elsewhere()
        at.venue.add_order(order(Side.BUY, "1901.9", "5"))
        other.quote(SYMBOL, "1901.9", "1902.1")
        assert view(at) == SecondView(source=touch("1901.9", "1902.1"))

    def test_its_book_grows_old_too(self) -> None:  # R11
        at, other = elsewhere()
        other.is_frozen = True
        at.tick()
        at.clock.advance(700)
        assert view(at) == SecondView(source=touch("1901.9", "1902.1", 700))
        assert mark_key(ELSEWHERE.source) in at.control.book_marks

    @pytest.mark.parametrize("call", ["fetch_metadata", "read_books", BOOKS])
    @pytest.mark.parametrize("error", [Retryable("503"), Refused("no"), AccountRefused("forbidden")])
    def test_its_failure_is_an_unknown_book_and_no_more(self, call: str, error: MarketMakerError) -> None:
        at, other = elsewhere()
        other.faults.fail_always(call, error)
        assert view(at) == SecondView(source=None)
        report = at.tick()
        assert report.outcome is TickOutcome.DONE
        desired = only_market(report).desired
        assert isinstance(desired, Quotes)
        assert "PAXG/USDT at binanceus could not be read" in desired.ignored

    def test_a_venue_that_the_deployed_file_does_not_name_is_unknown(self) -> None:
        at = bench(priced_by(ELSEWHERE))
        seen = look(at)
        unknown = seen.second_books[ELSEWHERE.source]
        assert isinstance(unknown, Unknown)
        assert unknown.reason == "binanceus is not connected: the deployed file does not name it"
        assert view(at, seen) == SecondView(source=None)

    def test_books_of_one_venue_are_asked_for_together(self) -> None:
        through = SecondPrice(
            source=Listing(venue="binanceus", symbol=CROSS),
            rate=Listing(venue="binanceus", symbol=BITCOIN),
            max_age_ms=10_000,
        )
        at, _ = elsewhere(bench(priced_by(through)))
        other = FakeVenue(at.clock, RULES, {})
        other.quote(CROSS, "0.04999", "0.05001")
        other.quote(BITCOIN, "37999", "38001")
        at.desk.references["binanceus"] = other  # type: ignore[index]
        assert view(at) == SecondView(source=touch("0.04999", "0.05001"), rate=touch("37999", "38001"))
        assert [call.keys for call in other.received("read_books")] == [(BITCOIN, CROSS)]


class Hanging(FakeVenue):
    """A venue that answers once it is told to."""

    def __init__(self, at: Bench) -> None:
        super().__init__(at.clock, [instrument()], {})
        self.quote(SYMBOL, "1901.9", "1902.1")
        self.may_answer = Event()

    def wait(self) -> None:
        assert self.may_answer.wait(10)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


class TestAVenueThatHangs:
    def hung(self, threads: ThreadPoolExecutor) -> tuple[Bench, Hanging]:
        at = bench(priced_by(ELSEWHERE), alongside=threads)
        other = Hanging(at)
        other.faults.before("read_books", other.wait)
        return replace(at, desk=replace(at.desk, references={"binanceus": other})), other

    def test_it_is_waited_for_no_longer_than_a_request_may_take(self, threads: ThreadPoolExecutor) -> None:
        at, other = self.hung(threads)
        timeout_ms = at.desk.settings.clocks.request_timeout_ms
        at.venue.faults.before("observe", lambda: at.clock.advance(timeout_ms))
        try:
            seen = look(at)
        finally:
            other.may_answer.set()
        assert seen.second_books == {ELSEWHERE.source: Unknown(reason="binanceus did not answer in time")}
        assert isinstance(seen.observation.books[SYMBOL], Book)

    def test_it_never_gets_more_time_than_the_invocation_has(self) -> None:
        at, other = elsewhere()
        at.desk.ensure_metadata(at.deadline())
        asked: list[int] = []

        def read_books(symbols: Sequence[Symbol], deadline: Deadline) -> Mapping[Symbol, Book | Unknown]:
            asked.append(deadline.remaining_ms())
            return dict.fromkeys(symbols, Unknown(reason="late"))

        other.read_books = read_books  # type: ignore[method-assign]
        look(at)
        observe(at.desk, at.control, at.deadline(300))
        assert asked == [at.desk.settings.clocks.request_timeout_ms, 300]

    def test_the_own_venue_is_asked_while_it_hangs(self, threads: ThreadPoolExecutor) -> None:
        at, other = self.hung(threads)
        at.venue.faults.before("observe", other.may_answer.set)
        assert view(at) == SecondView(source=touch("1901.9", "1902.1"))


def test_it_is_asked_before_the_own_venue_is() -> None:
    at, other = elsewhere()
    at.desk.ensure_metadata(at.deadline())
    asked: list[str] = []
    at.venue.faults.before("observe", lambda: asked.extend(other.methods()))
    look(at)
    assert asked == ["fetch_metadata", "read_books"]
