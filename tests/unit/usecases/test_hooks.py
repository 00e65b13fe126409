"""What an operator does about hooks (S12)."""

import pytest

from marketmaker.domain.hooks import HookKind, HookName, HookSecret, HookSettings
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import Fatal, Refused, Retryable
from marketmaker.usecases.hooks import HookDesk, SecretState, set_hook, standing_of, try_hook
from tests.fakes.hooks import KeptHookSecrets, RecordingSender

DESK = HookSettings(name=HookName("desk"), kind=HookKind.SLACK, hears_info=True)
NIGHT = HookSettings(
    name=HookName("night"),
    kind=HookKind.TELEGRAM,
    hears_info=False,
    accounts=(AccountName("main"),),
    symbols=(Symbol("PAXG/USDT"),),
)
URL = "https://hooks.slack.com/services/T1/B1/t0ken"


@pytest.fixture
def desk() -> HookDesk:
    hooks = {each.name: each for each in (DESK, NIGHT)}
    return HookDesk(deployment="live", is_local=False, hooks=hooks, secrets=KeptHookSecrets(), sender=RecordingSender())


def test_a_secret_is_kept_and_replaced(desk: HookDesk) -> None:
    assert set_hook(DESK, {"url": URL}, desk)
    assert not set_hook(DESK, {"url": f"{URL}2"}, desk)
    assert desk.secrets.read(DESK) == HookSecret(url=f"{URL}2")


def test_an_unusable_secret_changes_nothing(desk: HookDesk) -> None:
    set_hook(DESK, {"url": URL}, desk)
    with pytest.raises(Refused, match="does not start with https"):
        set_hook(DESK, {"url": "http://127.0.0.1/x"}, desk)
    assert desk.secrets.read(DESK) == HookSecret(url=URL)


def test_hooks_are_listed_with_what_is_known_of_their_secrets(desk: HookDesk) -> None:
    set_hook(DESK, {"url": URL}, desk)
    assert standing_of(DESK, desk).summary() == {
        "hook": "desk",
        "kind": "slack",
        "severity": "info",
        "accounts": [],
        "markets": [],
        "secret": "stored",
        "problem": None,
    }
    missing = standing_of(NIGHT, desk)
    assert missing.summary() == {
        "hook": "night",
        "kind": "telegram",
        "severity": "critical",
        "accounts": ["main"],
        "markets": ["PAXG/USDT"],
        "secret": "unusable",
        "problem": "secret night does not exist",
    }


def test_a_secret_that_could_not_be_looked_at_is_unknown_and_not_unusable(desk: HookDesk) -> None:
    assert isinstance(desk.secrets, KeptHookSecrets)
    desk.secrets.failures += [Retryable("time-out"), Fatal("denied")]
    assert standing_of(DESK, desk).state is SecretState.UNKNOWN
    assert standing_of(DESK, desk).state is SecretState.UNUSABLE


def test_a_test_message_says_that_it_is_one_and_who_sent_it(desk: HookDesk) -> None:
    set_hook(DESK, {"url": URL}, desk)
    try_hook(DESK, desk, sent_by="ana", now="2026-11-22 21:20:05 UTC")
    assert isinstance(desk.sender, RecordingSender)
    ((kind, secret, notice),) = desk.sender.sent
    assert (kind, secret) == (HookKind.SLACK, HookSecret(url=URL))
    assert notice.title == "[live] INFO test message"
    assert notice.text.startswith("Sent by ana with `mm hooks test desk`")


def test_a_test_of_a_hook_that_fails_says_why(desk: HookDesk) -> None:
    with pytest.raises(Fatal, match="does not exist"):
        try_hook(DESK, desk, sent_by="ana", now="")
    set_hook(DESK, {"url": URL}, desk)
    assert isinstance(desk.sender, RecordingSender)
    desk.sender.failures.append(Refused("no_service"))
    with pytest.raises(Refused, match="no_service"):
        try_hook(DESK, desk, sent_by="ana", now="")
