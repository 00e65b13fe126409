"""One login's requests: what may be sent, how often, and what it means when it fails."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from marketmaker.adapters.ccxt_venue.dialect import Call
from marketmaker.adapters.ccxt_venue.dialects import DIALECTS
from marketmaker.adapters.ccxt_venue.failures import (
    describe,
    is_broken_connection,
    is_rate_limit,
    is_refused_key,
    is_wrong_clock,
    read_failure,
    write_failure,
)
from marketmaker.adapters.ccxt_venue.listed import KnownMarkets
from marketmaker.adapters.ccxt_venue.logins import LoginClients, VenueLogin
from marketmaker.adapters.ccxt_venue.rate_budget import Need, RateBudget
from marketmaker.domain.venues import VENUES
from marketmaker.errors import Refused, Retryable
from marketmaker.ports import Clock, Deadline, Unknown

_LEAST_BUDGET_MS = 50


class Connection:
    """Sends calls on worker threads, each with its own client; all share the rate budget and the venue's clock."""

    def __init__(self, login: VenueLogin, clock: Clock, markets: KnownMarkets) -> None:
        self.dialect = DIALECTS[login.venue]
        weight_a_minute = VENUES[login.venue].request_weight_a_minute
        self.budget = RateBudget(clock, weight_a_minute, self.dialect.used_weight_header)
        self._login = login
        self._clock = clock
        self._markets = markets
        self._clients = LoginClients(login, clock)
        self._workers = ThreadPoolExecutor(max_workers=login.workers, thread_name_prefix="venue")
        self._thread = threading.local()
        self._clock_offset_ms = 0

    @property
    def signed_ms(self) -> int:
        """The venue's time that this thread's last create carried."""
        signed_ms: int = self._thread.signed_ms
        return signed_ms

    def parallel[T](self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Do things side by side; results in the same order."""
        return [future.result() for future in [self._workers.submit(call) for call in calls]]

    def ask[T](self, calls: Sequence[Call[T]], deadline: Deadline) -> list[T | Unknown]:
        """Send reads in one parallel round; what fails is unknown."""
        return self.parallel([partial(self.known, each, deadline) for each in calls])

    def known[T](self, call: Call[T], deadline: Deadline) -> T | Unknown:
        """Send a read; it is unknown if it fails."""
        try:
            return self.read(call, deadline)
        except (Retryable, Refused) as error:
            return Unknown(reason=str(error))

    def read[T](self, call: Call[T], deadline: Deadline, need: Need = Need.QUOTE) -> T:
        """Send a read; once more if the connection was broken, or if our clock was wrong and is now measured (R8)."""
        try:
            return self._send(call, deadline, need)
        except Exception as error:
            if is_wrong_clock(error):
                self._measure_clock(deadline, need)
            elif not is_broken_connection(error):
                raise read_failure(error) from error
        try:
            return self._send(call, deadline, need)
        except Exception as error:
            raise read_failure(error) from error

    def write[T](self, call: Call[T], deadline: Deadline, need: Need) -> T:
        """Send a create or cancel; nothing whose outcome is unknown is ever sent again, or guessed (R1).

        One that was refused for its timestamp certainly did not happen: it is signed once more, by the clock that is
        now measured (R8).
        """
        self._thread.signed_ms = self._signing_ms()
        try:
            return self._send(call, deadline, need)
        except Exception as error:
            if not is_wrong_clock(error):
                raise write_failure(error) from error
            self._measure_clock(deadline, need)
        try:
            return self._send(call, deadline, need)
        except Exception as error:
            raise write_failure(error) from error

    def close(self) -> None:
        """End the worker threads and close the connections."""
        self._workers.shutdown(cancel_futures=True)
        self._clients.close()

    def _send[T](self, call: Call[T], deadline: Deadline, need: Need) -> T:
        """Send a request; once more, creates and cancels too, if the key was refused and another one is kept by now.

        A refused key is an answer: what it was to sign did not happen.
        """
        try:
            return self._send_once(call, deadline, need)
        except Exception as error:
            if not is_refused_key(error) or not self._clients.renew_key(describe(error), deadline):
                raise
        return self._send_once(call, deadline, need)

    def _send_once[T](self, call: Call[T], deadline: Deadline, need: Need) -> T:
        self.budget.check(need)
        client = self._clients.mine(self._markets.loaded)
        budget_ms = min(self._login.request_timeout_ms, deadline.remaining_ms())
        if budget_ms < _LEAST_BUDGET_MS:
            raise Retryable(f"no time left: {budget_ms} ms of the invocation's budget")
        client.timeout = budget_ms
        client.options["timeDifference"] = -self._clock_offset_ms
        client.answer = None
        sent_ms = self._clock.now_ms()
        self._thread.signed_ms = self._signing_ms()
        try:
            return call(client)
        except Exception as error:
            if is_rate_limit(error):
                raise self.budget.refused(client.answer, describe(error)) from error
            raise
        finally:
            self.budget.note(client.answer, sent_ms)

    def _signing_ms(self) -> int:
        """Return the venue's time, as the request that is signed now carries it."""
        return self._clock.now_ms() + self._clock_offset_ms

    def _measure_clock(self, deadline: Deadline, need: Need) -> None:
        """Measure the venue's clock against ours, half a round trip allowed for; it is part of what it is for."""
        sent_ms = self._clock.now_ms()
        try:
            venue_ms = self._send(self.dialect.venue_time(), deadline, need)
        except Exception as error:
            raise read_failure(error) from error
        self._clock_offset_ms = venue_ms - (sent_ms + self._clock.now_ms()) // 2
