"""The deployment file: one place for every setting, refused as a whole if anything in it is wrong (R12)."""

from marketmaker.config.deployment import (
    AccountFunction,
    Deployment,
    HookFunction,
    PresetUse,
    Recipients,
    SharedFunction,
    TopicName,
    load_deployment,
    parse_deployment,
    standby_alarms,
)
from marketmaker.config.live import NeedsDeploy, adopt, live_changes
from marketmaker.config.market_schema import Preset
from marketmaker.config.overrides import Changes, ChosenMarket, choose_market
from marketmaker.config.schema import Egress, Stage
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.hooks import HookSettings
from marketmaker.domain.keys import KeyPurpose

__all__ = [
    "AccountFunction",
    "AccountSettings",
    "Changes",
    "ChosenMarket",
    "Deployment",
    "Egress",
    "HookFunction",
    "HookSettings",
    "KeyPurpose",
    "NeedsDeploy",
    "Preset",
    "PresetUse",
    "Recipients",
    "SharedFunction",
    "Stage",
    "TopicName",
    "adopt",
    "choose_market",
    "live_changes",
    "load_deployment",
    "parse_deployment",
    "standby_alarms",
]
