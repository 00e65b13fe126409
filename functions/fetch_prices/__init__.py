"""Keep what the venues publish."""
