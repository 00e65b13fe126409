"""Look at one account a second time."""
