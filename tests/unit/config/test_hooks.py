"""Hooks in the deployment file: what each is told of, and what a file may not say of them (S12, R27)."""

from typing import Any

import pytest

from marketmaker.config import NeedsDeploy, adopt
from marketmaker.domain.hooks import HookKind, HookSettings
from tests.unit.config.documents import FILE, Path, changed, full_document, minimal_document, parse, refusal

HOOKS: Path = ("alerts", "hooks")
DESK: Path = (*HOOKS, "desk")


def document(**hooks: dict[str, Any]) -> dict[str, Any]:
    return changed(full_document(), HOOKS, hooks)


def test_a_hook_is_told_everything_unless_the_file_says_less() -> None:
    hooks = parse(
        document(
            desk={"kind": "dingtalk"},
            night={"kind": "telegram", "severity": "critical", "accounts": ["second"], "markets": ["PAXG/USDT"]},
        )
    ).hooks
    assert dict(hooks) == {
        "desk": HookSettings(name="desk", kind=HookKind.DINGTALK, hears_info=True),  # type: ignore[arg-type]
        "night": HookSettings(
            name="night",  # type: ignore[arg-type]
            kind=HookKind.TELEGRAM,
            hears_info=False,
            accounts=("second",),  # type: ignore[arg-type]
            symbols=("PAXG/USDT",),  # type: ignore[arg-type]
        ),
    }


def test_without_hooks_there_are_none() -> None:
    assert parse(minimal_document()).hooks == {}


def test_each_hook_has_a_function_and_a_secret_of_its_own() -> None:
    deployment = parse(document(desk={"kind": "slack"}))
    (hook,) = deployment.hooks
    assert deployment.function_name("relay_alerts", hook) == "marketmaker-test-desk-relay_alerts"
    assert deployment.hook_secret_name(hook) == "marketmaker/test/hooks/desk"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (HOOKS, {}, "alerts.hooks: {} is not allowed: at least one table"),
        (DESK, {}, "alerts.hooks.desk.kind: a missing key is not allowed: it is required, "
         'one of "dingtalk", "wecom", "slack", "telegram", "webhook"'),
        (DESK, {"kind": "wechat"}, 'alerts.hooks.desk.kind: "wechat" is not allowed: '
         'one of "dingtalk", "wecom", "slack", "telegram", "webhook"'),
        (DESK, {"kind": "slack", "severity": "all"}, 'alerts.hooks.desk.severity: "all" is not allowed: '
         'one of "critical", "info"'),
        (DESK, {"kind": "slack", "url": "https://example.com/x"}, 'alerts.hooks.desk.url: "https://example.com/x" is '
         "not allowed: an unknown key; allowed here: kind, severity, accounts, markets"),
        (DESK, {"kind": "slack", "accounts": ["third"]}, "alerts.hooks.desk.accounts: third is not allowed: "
         "one of main, second"),
        (DESK, {"kind": "slack", "markets": ["BTC/USDT"]}, "alerts.hooks.desk.markets: BTC/USDT is not allowed: "
         "one of PAXG/USDT, ETH/USDT"),
        (DESK, {"kind": "slack", "accounts": ["second"], "markets": ["ETH/USDT"]},
         "alerts.hooks.desk.markets: ETH/USDT is not allowed: one of PAXG/USDT"),
        ((*HOOKS, "My-Desk"), {"kind": "slack"}, 'alerts.hooks.My-Desk: "My-Desk" is not allowed: '
         "a hook name of 1 to 20 of a-z, 0-9 and _, starting with a letter"),
    ],
)  # fmt: skip
def test_a_wrong_hook_is_refused_with_its_place(path: Path, value: object, said: str) -> None:
    base = changed(full_document(), HOOKS, {}) if path != HOOKS else full_document()
    assert refusal(changed(base, path, value)) == f"{FILE}: {said}"


def test_hooks_alone_are_refused_but_on_this_machine() -> None:
    """Whoever is told of a hook that fails must not be that hook."""
    alone = minimal_document() | {"alerts": {"hooks": {"desk": {"kind": "slack"}}}}
    said = "alerts.hooks: hooks alone is not allowed: email or sms beside them, which tell of a hook that fails"
    assert refusal(alone) == f"{FILE}: {said}"
    assert parse(alone | {"stage": "local"}).hooks
    assert parse(changed(alone, ("alerts", "sms"), ["+819012345678"])).hooks


def test_an_account_may_not_take_the_names_of_hooks_secrets() -> None:
    base = document(trade={"kind": "slack"})
    base["accounts"]["hooks"] = base["accounts"].pop("second")
    assert refusal(base).startswith(f'{FILE}: accounts.hooks: "hooks" is not allowed: another name beside alerts.hooks')
    del base["alerts"]["hooks"]
    assert "hooks" in parse(base).accounts


def test_a_hook_needs_a_deploy() -> None:
    before, after = (parse(document(desk={"kind": kind})) for kind in ("slack", "wecom"))
    adopted = adopt(before, after)
    assert isinstance(adopted, NeedsDeploy)
    assert [each.key for each in adopted.changes] == ["alerts.hooks.desk.kind"]
    assert isinstance(adopt(parse(full_document()), before), NeedsDeploy)
