"""What `mm status` shows of an account."""

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from marketmaker.bootstrap.terminal import (
    AccountStanding,
    ControlStanding,
    InventoryStanding,
    ListedOrder,
    MarketStanding,
    RestrictedMarket,
    Touch,
    Unknown,
)
from marketmaker.cli.style import (
    NONE,
    UNKNOWN,
    assets,
    bps,
    counted,
    exact,
    figure,
    gain,
    indented,
    moment,
    share,
    span,
    standing,
    table,
)
from marketmaker.domain.state import Mode
from marketmaker.domain.units import plain


def account_parts(account: AccountStanding) -> list[RenderableType]:
    """Show how an account stands: the account first, then its markets."""
    control = account.control
    name = f"[bold]{escape(account.account)}[/bold]"
    where = f"{account.venue}, config {account.config_hash}"
    if isinstance(control, Unknown):
        parts: list[RenderableType] = [f"{name}  [red]mode {UNKNOWN}[/red]", f"  {where}"]
        parts.append(f"  [red]the state cannot be read:[/red] {escape(control.reason)}")
    else:
        parts = [f"{name}  {_mode(control)}  last tick {_last_tick(control, account.time_ms)}"]
        parts.append(f"  {_details(control, account.time_ms)}, {where}")
    if account.venue_problem:
        parts.append(f"  [red]the venue cannot be read:[/red] {escape(account.venue_problem)}")
    if isinstance(control, ControlStanding):
        parts += _control_lines(control, account.time_ms)
    if account.foreign:
        count = UNKNOWN if isinstance(account.foreign, Unknown) else len(account.foreign)
        parts.append(f"  orders of others on this login: {count}")
    for market in account.markets:
        parts += _market_parts(market, account)
    if account.strays:
        parts.append("  [red]own orders in markets that the file does not list[/red]")
        parts.append(indented(_orders(account.strays, account.time_ms)))
    return parts


def _mode(control: ControlStanding) -> str:
    if control.mode is Mode.QUOTING:
        return control.mode.label
    return f"[red]{control.mode.label}[/red] ({escape(control.reason)})"


def _last_tick(control: ControlStanding, now_ms: int) -> str:
    if control.last_tick_ms is None:
        return "never"
    text = f"{span(now_ms - control.last_tick_ms)} ago"
    return f"[red]{text}, late[/red]" if control.is_late else text


def _details(control: ControlStanding, now_ms: int) -> str:
    parts = []
    if control.since_ms is not None:
        why = f": {escape(control.reason)}" if control.mode is Mode.QUOTING and control.reason else ""
        parts.append(f"since {_since(control.since_ms, now_ms)}{why}")
    parts.append(f"epoch {control.epoch}")
    if control.lease_ends_ms is None:
        parts.append("lease free")
    else:
        left = span(control.lease_ends_ms - now_ms)
        parts.append(f"lease held by {escape(control.lease_owner or '')} to {moment(control.lease_ends_ms)} ({left})")
    return ", ".join(parts)


def _control_lines(control: ControlStanding, now_ms: int) -> list[str]:
    lines = [
        f"  [red]alert:[/red] {escape(each.key)} since {_since(each.since_ms, now_ms)}: {escape(each.text)}"
        for each in control.alerts
    ]
    if control.blocked_until_ms is not None:
        what = "bans us, cancels too" if control.is_banned else "wants no requests but cancels"
        lines.append(f"  [red]blocked:[/red] the venue {what}, until {moment(control.blocked_until_ms)}")
    lines += [
        f"  [red]restricted:[/red] {each.symbol} {each.mode.label} for {span(now_ms - each.since_ms)}, "
        f"since {moment(each.since_ms)}: {escape(each.reason)}"
        for each in control.restrictions
    ]
    lines += [_stop_line(each, now_ms) for each in control.stops]
    return lines + [
        f"  {escape(each.asset)}: peak equity {figure(each.peak_equity_quote)}, "
        f"drawdown {UNKNOWN if each.drawdown_share is None else f'{each.drawdown_share:.2%}'}"
        for each in control.drawdowns
    ]


def _stop_line(stop: RestrictedMarket, now_ms: int) -> str:
    what = "  resumed:" if stop.mode is Mode.QUOTING else "  [red]stopped:[/red]"
    return f"{what} {escape(stop.symbol)} since {_since(stop.since_ms, now_ms)}: {escape(stop.reason)}"


def _since(since_ms: int, now_ms: int) -> str:
    return f"{moment(since_ms)} ({span(now_ms - since_ms)})"


def _market_parts(market: MarketStanding, account: AccountStanding) -> list[RenderableType]:
    name = f"  [bold]{escape(market.symbol)}[/bold]"
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_row("touch", f"others {_touch(market.others)}, all {_touch(market.everyone)}, mark {exact(market.mark)}")
    if isinstance(market.inventory, InventoryStanding):
        for row in _inventory_rows(market, market.inventory):
            grid.add_row(*row)
    elif market.inventory is None:
        name += "  not opened: its first tick will do it"
    parts: list[RenderableType] = [name, indented(grid)]
    if market.orders:
        return [*parts, indented(_orders(market.orders, account.time_ms))]
    return [*parts, f"  orders  {UNKNOWN if isinstance(account.foreign, Unknown) else NONE}"]


def _touch(touch: Touch | Unknown) -> str:
    if isinstance(touch, Unknown):
        return UNKNOWN
    return " / ".join(NONE if price is None else exact(price) for price in (touch.bid, touch.ask))


def _inventory_rows(market: MarketStanding, inventory: InventoryStanding) -> list[tuple[str, str]]:
    base, quote = assets(market.symbol)
    cost = NONE if inventory.average_cost_quote is None else figure(inventory.average_cost_quote)
    band = " to ".join(f"{plain(bound * 100)}%" for bound in (market.min_ratio, market.max_ratio))
    ratio = f"ratio {share(inventory.ratio)}, band {band}"
    if market.is_outside_band:
        ratio = f"[red]{ratio}[/red]"
    capital, deposited = figure(inventory.capital_quote), figure(inventory.deposited_quote)
    realised, unrealised = gain(inventory.realised_quote), gain(inventory.unrealised_quote)
    pnl = f"{gain(inventory.pnl_quote)} {quote}"
    return [
        ("holds", f"{exact(inventory.base)} {base} and {exact(inventory.quote)} {quote}, {ratio}"),
        ("worth", f"capital {capital} {quote}, deposited {deposited}, average cost {cost}"),
        ("PnL", f"{pnl}: realised {realised}, unrealised {unrealised}, fees {_fees(inventory)}"),
    ]


def _fees(inventory: InventoryStanding) -> str:
    parts = [figure(inventory.fees_quote)]
    parts += [f"[yellow]and {figure(fee.amount)} {escape(fee.asset)}[/yellow]" for fee in inventory.unpriced_fees]
    if inventory.fills_without_fee:
        parts.append(f"[yellow]and {UNKNOWN} of {counted(inventory.fills_without_fee, 'fill')}[/yellow]")
    return " ".join(parts)


def _orders(orders: tuple[ListedOrder, ...], now_ms: int) -> Table:
    shown = table(
        "side", "price", "remaining", "from touch", "age", "level", "state", right="price remaining age level"
    )
    for order in orders:
        shown.add_row(
            order.side,
            exact(order.price),
            exact(order.remaining_base),
            f"{bps(order.distance_bps)} bps" if order.distance_bps is not None else UNKNOWN,
            span(now_ms - order.since_ms),
            NONE if order.level is None else str(order.level),
            standing(order),
        )
    return shown
