"""What Binance's spot and futures APIs share: words, signatures, limits and public data."""
