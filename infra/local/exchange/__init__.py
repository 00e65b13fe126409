"""A local exchange that speaks a venue's REST dialect; `python -m infra.local.exchange --help`.

`--dialect` chooses the API; each has a package of its own that says what it answers and assumes: `binance_spot`,
`binance_usdm`, `backpack`. They answer as the venue does: parameters, signatures, expiry, filters, error codes, limits.
Matching, fees and their assumptions are `marketmaker.simulation.matching`'s, margin, funding and liquidation
`marketmaker.simulation.perpetual`'s. What all dialects assume beyond those:

- Time: the API's clock is this machine's clock; the market's own time runs `--speed` times as fast from the moment of
  the start. Times of orders and trades are mapped back to this machine's clock.
- The market moves when a request arrives: everything up to that moment has then happened, at its own time.
- One login, one symbol; commissions are taken at once, BNB discounts do not exist.
- Funding is due at multiples of `--funding-interval-s` in the market's own time.
- The 24 h ticker fills the part of the day before the market began with its average volume.
- Klines are made of the market's trades: of seconds for an hour back, of minutes for a day. There are none before the
  market began; `--history-s` lets it begin earlier.
- Public trades are the market's own, each an aggregate by itself, numbered from 0; the newest 20,000 are listed. The
  account's fills are not among them.
- A request that reaches the venue is processed on arrival; a `latency` fault delays its reply.
- Weights and order counts are the venue's published ones, in windows aligned to this machine's clock. Unknown
  parameters are ignored, where the venue refuses some.
- `/local/*` is no venue's: it shows the exchange's own books, switches faults and price jumps, sets funding rate and
  mark price, and changes the key.

`POST /local/faults` arms a fault: `{"fault": "lost_reply", "route": "POST /api/v3/order", "count": 1, "after": 0}`.
The routes are the dialect's own. Without one it waits on every route on which it makes sense; it lets `after` requests
pass and strikes `count` times (null: until `DELETE /local/faults`). A request meets every latency, the first other
fault of the wire, and, if it reaches the venue, the first of each other kind. `marketmaker.simulation.faults` says what
each does:

- of the wire, applied in `replies` and `venue`: latency, lost_reply, connection_reset, delayed_acceptance,
  server_error, too_many_requests, maintenance, malformed_reply, truncated_reply, empty_reply, wrong_types;
- of what the venue shows, in `troubles`: clock_skew, frozen_book, crossed_book, one_sided_book, lagging_balance,
  late_fills, duplicated_fills;
- of what it does, in `deeds`: post_only_rejection, taken_fill, fill_during_cancel, unknown_order, delisted_symbol,
  changed_tick_size.
"""
