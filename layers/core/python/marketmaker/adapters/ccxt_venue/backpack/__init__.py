"""Backpack's perpetuals.

Measured or told by the venue: ids are 32-bit numbers; signatures are of an ed25519 key; there is neither a test
environment nor a dead man's switch; no answer tells how much of the request limit is used; margin is cross and leverage
the account's; only what rests can be looked up, all else is in the history, whose rows say their time without a zone.
"""

from marketmaker.adapters.ccxt_venue.backpack.dialect import BACKPACK, Backpack

__all__ = ["BACKPACK", "Backpack"]
