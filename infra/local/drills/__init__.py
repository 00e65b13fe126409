"""`mm drill`: what can go wrong, done for real to the stack on this machine, one thing after another.

Each drill has an account of its own in one synthesized and deployed stack, and an exchange of its own: nothing is left
of the one before. The functions are the deployed ones, in processes of their own; ticks go through the account's queue
and checks through asynchronous invocations. Only what fires them is the drill, not the schedules: a tick every
interval, and a check every 10 s instead of every minute, so that what waits for a check comes up to 50 s later in a
deployment. No clock is skipped.

Loss is what the account is worth less than when the incident began, by the exchange's own balances and the middle of
its own market: nothing of it comes from our ledger. A drill bounds it beforehand by figures of the deployment file, and
by the prices that the exchange showed:

- every drill: what the account held at the incident, and an order more for each tick that could still place one, times
  how far the market fell since; the orders that could be sold times how far it rose; the market's spread and the maker
  fee on these orders. The first is no fault of the quotes: what is held falls with the market.
- where a stop loss leaves the position (price_crash, killed_functions): no more than what was held and bought times
  the way from the price before down to the stop, or where the market jumped over the stop, down to its lowest price
  until the stop must have been answered; the slippage that an exit is allowed on the rest; the fees and that spread.

`--without` switches one protection off, in the deployment file or where it works, and what needs it must fail.
"""
