"""Alerts as chat robots and other programs take them, over HTTPS."""

from marketmaker.adapters.hooks.sender import HttpHookSender
from marketmaker.adapters.hooks.stored import SecretsHookStore

__all__ = ["HttpHookSender", "SecretsHookStore"]
