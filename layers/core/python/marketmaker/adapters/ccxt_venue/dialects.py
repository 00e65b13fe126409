"""Which venue speaks which dialect."""

from collections.abc import Mapping
from types import MappingProxyType

from marketmaker.adapters.ccxt_venue.backpack import BACKPACK
from marketmaker.adapters.ccxt_venue.binance import SPOT, USDM
from marketmaker.adapters.ccxt_venue.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {"binance": SPOT, "binanceus": SPOT, "binanceusdm": USDM, "backpack": BACKPACK}
)
