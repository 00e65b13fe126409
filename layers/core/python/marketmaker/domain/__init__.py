"""Pure values and rules of market making; the standard library only."""
