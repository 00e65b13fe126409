"""The `Prices` port on DynamoDB: one partition a venue and market, an item a minute of klines and a day of variances.

A kept minute or variance is never replaced, newer metadata, volumes and calibrations replace older ones only; so runs
that overlap or are delivered twice leave what one would have left.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal

from pynamodb.expressions.condition import Condition

from marketmaker.adapters.dynamodb import keys
from marketmaker.adapters.dynamodb.calibrations import (
    DAY_MS,
    calibration_from,
    calibration_item,
    variance_updates,
    variances_from,
)
from marketmaker.adapters.dynamodb.client import Put, TableClient, Update
from marketmaker.adapters.dynamodb.failures import ConditionFailed, RawItem
from marketmaker.adapters.dynamodb.models import (
    CalibrationItem,
    DayVolumeItem,
    KlinesItem,
    MetadataItem,
    PricesItem,
    TriangleItem,
    VariancesItem,
)
from marketmaker.domain.calibration import Calibration
from marketmaker.domain.klines import DayVolume, Kline, KlineMinute, minute_of
from marketmaker.domain.regime import Variances
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import AccountName, Symbol, plain

KLINES_KEPT_S = 8 * 86_400
"""How long a minute of klines is kept: volatility is judged against the market's last week (M4), and a day to spare."""


class DynamoDbPrices:
    """What the venues publish, in one table. Nothing connects before the first request."""

    def __init__(self, client: TableClient) -> None:
        self._table = client.settings.prices_table
        self._client = client

    def metadata(self, venue: str, symbols: Sequence[Symbol]) -> Sequence[VenueMetadata]:
        """Read what is kept of these markets' metadata, all in one request."""
        wanted = {keys.prices_partition(venue, symbol): symbol for symbol in symbols}
        rows = self._client.get_many(self._table, [(partition, keys.METADATA) for partition in wanted])
        items = [MetadataItem.from_raw_data(raw) for raw in rows]
        return [
            VenueMetadata(symbol=wanted[item.market], fetched_ms=item.fetched_ms, payload=item.payload)
            for item in items
        ]

    def save_metadata(self, venue: str, metadata: Sequence[VenueMetadata]) -> None:
        """Keep metadata; never replaces newer by older."""
        for each in metadata:
            partition = keys.prices_partition(venue, each.symbol)
            item = MetadataItem(partition, keys.METADATA, fetched_ms=each.fetched_ms, payload=each.payload)
            older = MetadataItem.fetched_ms.does_not_exist() | (MetadataItem.fetched_ms <= each.fetched_ms)
            self._put(item, older)

    def day_volumes(self, venue: str, symbols: Sequence[Symbol]) -> Mapping[Symbol, DayVolume]:
        """Read these markets' volumes of the last 24 h that were kept last, all in one request."""
        wanted = {keys.prices_partition(venue, symbol): symbol for symbol in symbols}
        rows = self._client.get_many(self._table, [(partition, keys.DAY_VOLUME) for partition in wanted])
        items = [DayVolumeItem.from_raw_data(raw) for raw in rows]
        return {
            wanted[item.market]: DayVolume(
                symbol=wanted[item.market],
                time_ms=item.time_ms,
                volume_base=item.volume_base,
                volume_quote=item.volume_quote,
            )
            for item in items
        }

    def save_day_volume(self, venue: str, volume: DayVolume) -> None:
        """Keep a day's volume; never replaces newer by older."""
        item = DayVolumeItem(
            keys.prices_partition(venue, volume.symbol),
            keys.DAY_VOLUME,
            time_ms=volume.time_ms,
            volume_base=volume.volume_base,
            volume_quote=volume.volume_quote,
        )
        self._put(item, DayVolumeItem.time_ms.does_not_exist() | (DayVolumeItem.time_ms <= volume.time_ms))

    def last_kline_ms(self, venue: str, symbol: Symbol) -> int | None:
        """Return the start of the newest kept minute, None without any."""
        partition, within = keys.prices_partition(venue, symbol), PricesItem.row.startswith(keys.KLINES)
        raw = self._client.last(self._table, partition, within, only=["row"])
        return keys.minute_start_ms(raw["row"]["S"]) if raw else None

    def save_klines(self, venue: str, symbol: Symbol, minute: KlineMinute) -> None:
        """Keep a minute's klines until they expire; a kept minute stays as it is."""
        self._put(klines_item(venue, symbol, minute), KlinesItem.row.does_not_exist())

    def klines(self, venue: str, symbol: Symbol, from_ms: int, to_ms: int) -> Sequence[Kline]:
        """Read the kept klines that open in [from, to), oldest first."""
        if from_ms >= to_ms:
            return []
        within = KlinesItem.row.between(keys.minute_key(minute_of(from_ms)), keys.minute_key(minute_of(to_ms - 1)))
        rows = self._client.query(self._table, keys.prices_partition(venue, symbol), within)
        every = (kline for raw in rows for kline in klines_from(KlinesItem.from_raw_data(raw)))
        return [kline for kline in every if from_ms <= kline.open_ms < to_ms]

    def calibrations(self, venue: str, symbols: Sequence[Symbol]) -> Mapping[Symbol, Calibration]:
        """Read what was last measured of these markets, all in one request; what cannot be read is left out."""
        wanted = {keys.prices_partition(venue, symbol): symbol for symbol in symbols}
        rows = self._client.get_many(self._table, [(partition, keys.CALIBRATION) for partition in wanted])
        items = [CalibrationItem.from_raw_data(raw) for raw in rows]
        found = {wanted[item.market]: calibration_from(item) for item in items}
        return {symbol: each for symbol, each in found.items() if each is not None}

    def save_calibration(self, venue: str, symbol: Symbol, calibration: Calibration) -> None:
        """Keep what was measured; never replaces newer by older."""
        older = CalibrationItem.until_ms.does_not_exist() | (CalibrationItem.until_ms <= calibration.until_ms)
        self._put(calibration_item(keys.prices_partition(venue, symbol), calibration), older)

    def variances(self, venue: str, symbol: Symbol, from_ms: int, to_ms: int) -> Variances:
        """Read the kept variances of the buckets that start in [from, to)."""
        if from_ms >= to_ms:
            return {}
        days = (keys.day_key(each - each % DAY_MS) for each in (from_ms, to_ms - 1))
        rows = self._client.query(self._table, keys.prices_partition(venue, symbol), VariancesItem.row.between(*days))
        kept = (each for raw in rows for each in variances_from(raw).items())
        return {start_ms: variance for start_ms, variance in kept if from_ms <= start_ms < to_ms}

    def save_variances(self, venue: str, symbol: Symbol, variances: Variances) -> None:
        """Keep variances until they expire; a kept bucket stays as it is."""
        partition = keys.prices_partition(venue, symbol)
        for row, actions in variance_updates(variances):
            self._client.update(Update(table=self._table, key=(partition, row), actions=actions))

    def mark_triangle(self, venue: str, symbol: Symbol, account: AccountName, *, is_open: bool, now_ms: int) -> bool:
        """Note that a triangle's edge stands open, or no more; False if that is already noted.

        A write that got no answer is sent once more and meets itself: that is known by its time.
        """
        row = keys.triangle_key(account)
        item = TriangleItem(keys.prices_partition(venue, symbol), row, is_open=is_open, since_ms=now_ms)
        differs = TriangleItem.is_open == (not is_open)
        condition = TriangleItem.row.does_not_exist() | differs if is_open else differs
        try:
            self._client.put(Put(table=self._table, item=item, condition=condition))
        except ConditionFailed as error:
            return _is_ours(error.stored, item)
        return True

    def _put(self, item: PricesItem, condition: Condition) -> None:
        """Write an item unless what is kept stands in its way."""
        with suppress(ConditionFailed):
            self._client.put(Put(table=self._table, item=item, condition=condition))


def _is_ours(stored: RawItem, item: TriangleItem) -> bool:
    if not stored:
        return False
    kept = TriangleItem.from_raw_data(stored)
    return (kept.is_open, kept.since_ms) == (item.is_open, item.since_ms)


def klines_item(venue: str, symbol: Symbol, minute: KlineMinute) -> KlinesItem:
    """Write a minute's klines as one text."""
    numbers = (
        [str(kline.open_ms - minute.start_ms)]
        + [plain(each) for each in (kline.open, kline.high, kline.low, kline.close, kline.volume_base)]
        for kline in minute.klines
    )
    return KlinesItem(
        keys.prices_partition(venue, symbol),
        keys.minute_key(minute.start_ms),
        interval_ms=minute.klines[0].interval_ms,
        klines=f"[{','.join(f'[{",".join(row)}]' for row in numbers)}]",
        expires_s=minute.start_ms // 1000 + KLINES_KEPT_S,
    )


def klines_from(item: KlinesItem) -> tuple[Kline, ...]:
    """Read a minute's klines back, digit for digit."""
    start_ms = keys.minute_start_ms(item.row)
    return tuple(
        Kline(
            open_ms=start_ms + int(offset_ms),
            interval_ms=item.interval_ms,
            open=open_,
            high=high,
            low=low,
            close=close,
            volume_base=volume_base,
        )
        for offset_ms, open_, high, low, close, volume_base in json.loads(
            item.klines, parse_float=Decimal, parse_int=Decimal
        )
    )
