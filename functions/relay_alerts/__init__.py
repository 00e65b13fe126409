"""Deliver alerts to one hook."""
