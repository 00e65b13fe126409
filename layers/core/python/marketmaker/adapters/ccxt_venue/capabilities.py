"""What the venues' refusals for too many requests mean."""

TOO_MANY_REQUESTS, BANNED = 429, 418
DEFAULT_BLOCK_S = {TOO_MANY_REQUESTS: 60, BANNED: 120}
"""How long such a refusal holds where it does not say so; bans begin at two minutes."""
