"""A venue key that is replaced while a process runs, and what the venue says a key may do: real ccxt over HTTP."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
import requests

from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin, wants_password
from marketmaker.domain.keys import VenueKey
from marketmaker.domain.orders import DeploymentTag, NewOrder, OrderIdentity, Side
from marketmaker.domain.units import Symbol
from marketmaker.errors import AccountRefused, MarketMakerError, Retryable
from marketmaker.ports import (
    Accepted,
    CancelResult,
    Deadline,
    KeyPermissions,
    OutcomeUnknown,
    Rejected,
    RejectionKind,
    Unknown,
)
from tests.contract.local_venue import LOGIN, SYMBOL, LocalVenue, served

D = Decimal
PAXG = Symbol(SYMBOL)
TAG = DeploymentTag(text="tst")
ORDER = "POST /api/v3/order"
PERMISSIONS = "GET /sapi/v1/account/apiRestrictions"
OLD = VenueKey(api_key=LOGIN.api_key, secret=LOGIN.api_secret)
NEW = VenueKey(api_key="new-key", secret="new-secret")


@dataclass
class Clock:
    """The exchange's stepped clock as ours."""

    local: LocalVenue

    def now_ms(self) -> int:
        return self.local.clock() // 1000

    def sleep(self, seconds: float) -> None:
        self.local.skip(seconds)


@dataclass
class Vault:
    """Where the key is kept; counts how often it is asked for."""

    key: VenueKey = OLD
    reads: int = 0
    failure: MarketMakerError | None = None
    on_read: Callable[[], object] = field(default=lambda: None)

    def read(self) -> VenueKey:
        self.reads += 1
        self.on_read()
        if self.failure is not None:
            raise self.failure
        return self.key


@dataclass
class Rotating:
    """A venue that has worked with its first key."""

    local: LocalVenue
    clock: Clock
    vault: Vault
    venue: CcxtVenue
    invocations: int = 0

    def invocation(self) -> Deadline:
        """Return the deadline of a new invocation."""
        self.invocations += 1
        return Deadline(at_ms=self.clock.now_ms() + 8000 + self.invocations, clock=self.clock)

    def accept(self, key: VenueKey, *, withdrawals: bool = False) -> None:
        """Let the exchange take this key alone from now on."""
        body = {"api_key": key.api_key, "api_secret": key.secret, "withdrawals": withdrawals}
        answer = requests.post(f"{self.local.address}/local/keys", json=body, timeout=5)
        assert answer.status_code == 200, answer.text

    def rotate(self) -> None:
        """Replace the key at the exchange and where it is kept."""
        self.accept(NEW)
        self.vault.key = NEW

    def order(self, attempt: int = 0) -> NewOrder:
        identity = OrderIdentity(tag=TAG, market_number=1, slot_ms=5000, side=Side.BUY, level=0, attempt=attempt)
        client_id = identity.encode()
        return NewOrder(client_id=client_id, symbol=PAXG, side=Side.BUY, price=D("1898.5"), size_base=D("0.1"))


@pytest.fixture
def at() -> Iterator[Rotating]:
    with served() as local:
        clock, vault = Clock(local), Vault()
        login = VenueLogin(
            read_key=vault.read, request_timeout_ms=2000, request_ttl_ms=2000, workers=4, endpoint=local.address
        )
        rotating = Rotating(local, clock, vault, CcxtVenue(login, clock))
        rotating.venue.fetch_metadata([PAXG], rotating.invocation())
        rotating.venue.observe([PAXG], [PAXG], rotating.invocation())
        assert vault.reads == 1
        yield rotating
        rotating.venue.close()


def test_a_replaced_key_is_read_again_once_and_every_thread_goes_on_with_it(at: Rotating) -> None:
    at.rotate()
    seen = at.venue.observe([PAXG], [PAXG], at.invocation())
    assert seen.open_orders == ()
    assert not isinstance(seen.balances, Unknown)
    assert at.vault.reads == 2
    for _ in range(3):
        at.venue.observe([PAXG], [PAXG], at.invocation())
    assert at.vault.reads == 2


def test_a_create_that_was_refused_for_its_key_is_signed_again_with_the_new_one(at: Rotating) -> None:
    at.rotate()
    outcomes = at.venue.place([at.order(0), at.order(1)], at.invocation())
    assert [type(each) for each in outcomes] == [Accepted, Accepted]
    assert at.local.state()["orders"]["accepted"] == 2
    # The two go out side by side: the later one may be signed with the new key at once.
    assert at.local.state()["requests"][ORDER] in {3, 4}
    assert at.vault.reads == 2


def test_a_cancel_that_was_refused_for_its_key_is_signed_again_with_the_new_one(at: Rotating) -> None:
    (placed,) = at.venue.place([at.order()], at.invocation())
    assert isinstance(placed, Accepted)
    at.rotate()
    (outcome,) = at.venue.cancel([placed.order], at.invocation())
    assert outcome.result is CancelResult.CANCELLED
    assert at.vault.reads == 2


def test_a_create_whose_second_outcome_is_unknown_is_not_sent_a_third_time(at: Rotating) -> None:  # R1
    at.rotate()

    def delay() -> None:
        at.local.skip(3)
        at.local.arm(fault="lost_reply", route=ORDER)

    at.vault.on_read = delay
    before_ms = at.clock.now_ms()
    (outcome,) = at.venue.place([at.order()], at.invocation())
    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.signed_ms >= before_ms + 3000
    assert at.local.state()["requests"][ORDER] == 2
    assert at.local.state()["orders"]["accepted"] == 1


def test_a_create_whose_outcome_is_unknown_is_not_sent_again_for_a_new_key(at: Rotating) -> None:  # R1
    at.local.arm(fault="lost_reply", route=ORDER)
    at.vault.key = NEW
    (outcome,) = at.venue.place([at.order()], at.invocation())
    assert isinstance(outcome, OutcomeUnknown)
    assert at.local.state()["requests"][ORDER] == 1
    assert at.vault.reads == 1


def test_a_key_that_is_refused_everywhere_is_looked_for_once_an_invocation(at: Rotating) -> None:  # R26
    at.accept(NEW)
    invocation = at.invocation()
    with pytest.raises(AccountRefused, match="AuthenticationError"):
        at.venue.observe([PAXG], [PAXG], invocation)
    with pytest.raises(AccountRefused, match="AuthenticationError"):
        at.venue.open_orders(invocation)
    outcomes = at.venue.place([at.order(0), at.order(1)], invocation)
    assert [isinstance(each, Rejected) and each.kind for each in outcomes] == [RejectionKind.FATAL] * 2
    assert at.local.state()["requests"][ORDER] == 2
    assert at.vault.reads == 2
    with pytest.raises(AccountRefused):
        at.venue.open_orders(at.invocation())
    assert at.vault.reads == 3


def test_a_request_is_not_sent_again_with_the_same_key(at: Rotating) -> None:
    at.accept(NEW)
    (outcome,) = at.venue.place([at.order()], at.invocation())
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.FATAL
    assert at.local.state()["requests"][ORDER] == 1


def test_a_secret_that_comes_later_than_the_venues_change_works_in_the_next_invocation(at: Rotating) -> None:
    at.accept(NEW)
    with pytest.raises(AccountRefused):
        at.venue.open_orders(at.invocation())
    at.vault.key = NEW
    assert at.venue.open_orders(at.invocation()) == ()


def test_a_wrong_secret_for_the_right_key_is_looked_for_again_too(at: Rotating) -> None:
    replaced = VenueKey(api_key=OLD.api_key, secret="another")
    at.accept(replaced)
    at.vault.key = replaced
    assert at.venue.open_orders(at.invocation()) == ()


def test_a_key_that_cannot_be_looked_for_is_refused_with_both_reasons(at: Rotating) -> None:
    at.accept(NEW)
    at.vault.failure = Retryable("reading secret x: ThrottlingException")
    with pytest.raises(AccountRefused, match=r"AuthenticationError.*a newer key could not be .*ThrottlingException"):
        at.venue.open_orders(at.invocation())


def test_a_key_that_was_read_before_is_not_read_for_the_first_request(at: Rotating) -> None:
    vault = Vault()
    login = VenueLogin(
        read_key=vault.read, key=OLD, request_timeout_ms=2000, request_ttl_ms=2000, endpoint=at.local.address
    )
    venue = CcxtVenue(login, at.clock)
    assert venue.open_orders(at.invocation()) == ()
    assert vault.reads == 0
    venue.close()


@pytest.mark.parametrize("withdrawals", [False, True])
def test_the_venue_tells_whether_a_key_may_withdraw(at: Rotating, *, withdrawals: bool) -> None:  # R26
    at.accept(OLD, withdrawals=withdrawals)
    told = at.venue.key_permissions(at.invocation())
    assert told == KeyPermissions(trades=True, withdraws=withdrawals, is_ip_bound=False)


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        "<html>",
        '{"ipRestrict": false, "enableSpotAndMarginTrading": true}',
        '{"ipRestrict": false, "enableSpotAndMarginTrading": true, "enableWithdrawals": null}',
        '{"ipRestrict": false, "enableSpotAndMarginTrading": true, "enableWithdrawals": "false"}',
    ],
)
def test_a_permission_that_the_venue_does_not_name_is_unknown(at: Rotating, body: str) -> None:  # R7, R26
    at.local.arm(fault="malformed_reply", route=PERMISSIONS, body=body, count=2)
    assert isinstance(at.venue.key_permissions(at.invocation()), Unknown)


def test_a_venue_that_does_not_answer_for_its_keys_cannot_tell(at: Rotating) -> None:
    at.local.arm(fault="server_error", route=PERMISSIONS, status=503, count=2)
    assert isinstance(at.venue.key_permissions(at.invocation()), Unknown)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"api_key": "x"},
        {"api_key": "", "api_secret": "y"},
        {"api_key": "x", "api_secret": 5},
        {"api_key": "x", "api_secret": "y", "withdrawals": "no"},
        {"api_key": "x", "api_secret": "y", "trading": True},
    ],
)
def test_the_exchange_refuses_half_a_key(at: Rotating, body: dict[str, object]) -> None:
    answer = requests.post(f"{at.local.address}/local/keys", json=body, timeout=5)
    assert answer.status_code == 422
    assert "allowed: " in answer.json()["detail"]
    assert at.venue.open_orders(at.invocation()) == ()


def test_some_venues_want_a_passphrase() -> None:
    assert not wants_password("binance")
    assert wants_password("okx")
