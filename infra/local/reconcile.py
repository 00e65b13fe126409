"""Compare what the ledger table really holds with what the exchange really did, to the last digit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key

from marketmaker.config import Deployment
from marketmaker.domain.units import AccountName, Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTotals:
    """Sums over a market's ledger rows, and every difference from the exchange."""

    fills: int
    realised_quote: Decimal
    fees_quote: Decimal
    base: Decimal
    funding_rows: int
    funding_quote: Decimal
    differences: tuple[str, ...]


def reconcile(
    deployment: Deployment, account: AccountName, symbol: Symbol, exchange: Mapping[str, Any]
) -> LedgerTotals:
    """Read the ledger table itself, not our own code's view of it, and compare fills, fees and balances."""
    return compare(list(_rows(deployment, f"{account}#{symbol}")), symbol, exchange)


def compare(rows: Sequence[dict[str, Any]], symbol: Symbol, exchange: Mapping[str, Any]) -> LedgerTotals:
    """Sum a market's ledger rows up and compare them with the exchange's own books."""
    opening = [row for row in rows if row["row"] == "opening#"]
    fills = {str(int(row["row"].removeprefix("fill#"))): row for row in rows if row["row"].startswith("fill#")}
    funding = {int(row["time_ms"]): row["amount_quote"] for row in rows if row["row"].startswith("funding#")}
    base, _, rest = symbol.partition("/")
    quote, is_perpetual = rest.partition(":")[0], ":" in rest
    held = sum((row["base_change"] for row in fills.values()), _opened(opening, "base"))
    if is_perpetual:
        gained = sum((row["realised_quote"] - (row.get("fee_quote") or 0) for row in fills.values()), Decimal(0))
        cash = _opened(opening, "quote") + gained + sum(funding.values())
        shown = {base: exchange["margin"]["size"], quote: exchange["balances"][quote]["total"]}
    else:
        cash = sum((row["quote_change"] for row in fills.values()), _opened(opening, "quote"))
        shown = {asset: exchange["balances"][asset]["total"] for asset in (base, quote)}
    differences = [*_compare_fills(fills, {str(trade["id"]): trade for trade in exchange["trades"]}, quote)]
    differences += _compare_funding(funding, exchange.get("funding_payments", ()))
    differences += [
        f"{asset}: the ledger has {amount}, the exchange {shown[asset]}"
        for asset, amount in {base: held, quote: cash}.items()
        if amount != Decimal(shown[asset])
    ]
    if len(opening) != 1:
        differences.append(f"{len(opening)} opening rows instead of one")
    return LedgerTotals(
        fills=len(fills),
        realised_quote=sum((row["realised_quote"] for row in fills.values()), Decimal(0)),
        fees_quote=sum((row.get("fee_quote") or Decimal(0) for row in fills.values()), Decimal(0)),
        base=held,
        funding_rows=len(funding),
        funding_quote=sum(funding.values(), Decimal(0)),
        differences=tuple(differences),
    )


def _rows(deployment: Deployment, partition: str) -> Iterable[dict[str, Any]]:
    table = boto3.resource("dynamodb", region_name=deployment.region).Table(deployment.ledger_table)
    query: dict[str, Any] = {"KeyConditionExpression": Key("market").eq(partition), "ConsistentRead": True}
    while True:
        page = table.query(**query)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _opened(opening: list[dict[str, Any]], name: str) -> Decimal:
    return opening[0][name] if opening else Decimal(0)


def _compare_funding(funding: Mapping[int, Decimal], payments: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Compare the booked payments with the exchange's, each by its time; one of nothing is not listed."""
    paid = {int(each["time_ms"]): Decimal(each["received"]) for each in payments}
    for time_ms in sorted(paid.keys() | funding.keys()):
        if funding.get(time_ms) != paid.get(time_ms):
            ours, theirs = funding.get(time_ms), paid.get(time_ms)
            yield f"funding at {time_ms}: {ours} in the ledger, {theirs} at the exchange"


def _compare_fills(
    fills: Mapping[str, Mapping[str, Any]], trades: Mapping[str, Mapping[str, Any]], quote: str
) -> Iterable[str]:
    for trade_id in sorted(trades.keys() - fills.keys(), key=int):
        yield f"trade {trade_id} is missing in the ledger"
    for trade_id in sorted(fills.keys() - trades.keys(), key=int):
        yield f"fill {trade_id} is unknown to the exchange"
    for trade_id in sorted(fills.keys() & trades.keys(), key=int):
        row, trade = fills[trade_id], trades[trade_id]
        ours = {name: row.get(name) for name in ("price", "size_base", "fee_amount", "fee_asset", "side", "fee_quote")}
        theirs = _as_row(trade, quote)
        yield from (
            f"fill {trade_id}: {name} is {ours[name]} in the ledger, {theirs[name]} at the exchange"
            for name in ours
            if ours[name] != theirs[name]
        )


def _as_row(trade: Mapping[str, Any], quote: str) -> dict[str, Any]:
    """Write the exchange's trade as the ledger must have it; a fee in base is worth the price of its fill."""
    price, fee = Decimal(trade["price"]), Decimal(trade["commission"])
    return {
        "price": price,
        "size_base": Decimal(trade["qty"]),
        "fee_amount": fee,
        "fee_asset": trade["commissionAsset"],
        "side": "buy" if trade["isBuyer"] else "sell",
        "fee_quote": fee if trade["commissionAsset"] == quote else fee * price,
    }
