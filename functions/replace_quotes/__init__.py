"""Replace the quotes of one account."""
