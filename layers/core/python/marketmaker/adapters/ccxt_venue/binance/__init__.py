"""Binance's two APIs, spot and USDⓈ-M perpetuals, and those that speak as they do."""

from marketmaker.adapters.ccxt_venue.binance.dialect import SPOT, USDM, Binance

__all__ = ["SPOT", "USDM", "Binance"]
