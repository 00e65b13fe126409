"""Stop one account."""
