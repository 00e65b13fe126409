"""What a hook is told, and what a human may enter as its secret (S12, R27)."""

import itertools

import pytest

from marketmaker.domain.hooks import HOOK_FIELDS, HookKind, HookName, HookSecret, HookSettings, entered_hook
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import Refused

URL = "https://oapi.dingtalk.com/robot/send?access_token=t0ken-of-ours"


def hook(*, hears_info: bool = True, accounts: tuple[str, ...] = (), symbols: tuple[str, ...] = ()) -> HookSettings:
    return HookSettings(
        name=HookName("desk"),
        kind=HookKind.SLACK,
        hears_info=hears_info,
        accounts=tuple(map(AccountName, accounts)),
        symbols=tuple(map(Symbol, symbols)),
    )


ANYTHING = list(itertools.product((None, "main", "second"), (None, "PAXG/USDT", "ETH/USDT"), (True, False)))


@pytest.mark.parametrize(("account", "symbol", "is_critical"), ANYTHING)
def test_a_hook_hears_what_its_account_market_and_severity_let_through(
    account: str | None, symbol: str | None, is_critical: bool
) -> None:
    def wants(each: HookSettings) -> bool:
        return each.wants(account, symbol, is_critical=is_critical)

    assert wants(hook())
    assert wants(hook(hears_info=False)) is is_critical
    assert wants(hook(accounts=("main",))) is (account in {None, "main"})
    assert wants(hook(symbols=("PAXG/USDT",))) is (symbol in {None, "PAXG/USDT"})
    narrow = hook(hears_info=False, accounts=("main",), symbols=("ETH/USDT", "BTC/USDT"))
    assert wants(narrow) is (is_critical and account in {None, "main"} and symbol in {None, "ETH/USDT"})


@pytest.mark.parametrize(
    ("kind", "fields", "secret"),
    [
        (HookKind.DINGTALK, {"url": f" {URL}\n", "secret": " SECx "}, HookSecret(url=URL, signing="SECx")),
        (HookKind.WECOM, {"url": URL}, HookSecret(url=URL)),
        (HookKind.SLACK, {"url": URL}, HookSecret(url=URL)),
        (HookKind.WEBHOOK, {"url": URL}, HookSecret(url=URL)),
        (HookKind.WEBHOOK, {"url": URL, "secret": ""}, HookSecret(url=URL)),
        (HookKind.WEBHOOK, {"url": URL, "secret": "key"}, HookSecret(url=URL, signing="key")),
        (
            HookKind.TELEGRAM,
            {"url": "123:AAF-x_y", "chat_id": "-100"},
            HookSecret(url="https://api.telegram.org/bot123:AAF-x_y/sendMessage", chat="-100"),
        ),
        (
            HookKind.TELEGRAM,
            {"url": "https://bots.example.com/bot1:A/sendMessage", "chat_id": "@ours"},
            HookSecret(url="https://bots.example.com/bot1:A/sendMessage", chat="@ours"),
        ),
    ],
)
def test_a_secret_is_read_as_it_was_entered_and_kept(
    kind: HookKind, fields: dict[str, object], secret: HookSecret
) -> None:
    entered = entered_hook(kind, fields, is_local=False)
    assert entered == secret
    assert entered_hook(kind, dict(entered.content), is_local=False) == secret
    assert repr(entered) == "HookSecret(hidden)"


REFUSED = [
    (HookKind.SLACK, {}, "url: nothing is not allowed: the webhook address"),
    (HookKind.SLACK, {"url": "  "}, "url: nothing is not allowed"),
    (HookKind.SLACK, {"url": 5}, "url is not text"),
    (HookKind.SLACK, {"url": URL, "secret": "x"}, "a field of the hook is not known; allowed for slack: url"),
    (HookKind.DINGTALK, {"url": URL}, "secret: nothing is not allowed: the signing secret"),
    (HookKind.DINGTALK, {"url": URL, "secret": "a b"}, "secret holds a space"),
    (HookKind.SLACK, {"url": "https://a.b/c\nd"}, "url holds a space, a line break"),
    (HookKind.SLACK, {"url": "https://a.b/ключ"}, "or a character outside ASCII"),
    (HookKind.SLACK, {"url": "https://a.b/\x01"}, "url holds a space"),
    (HookKind.TELEGRAM, {"url": "123:AAF", "chat_id": ""}, "chat_id: nothing is not allowed: the chat id"),
    (HookKind.TELEGRAM, {"url": "AAF", "chat_id": "1"}, "url is neither a bot's token"),
    (HookKind.TELEGRAM, {"url": "https://api.telegram.org/bot1:A/getMe", "chat_id": "1"}, "ends in /sendMessage"),
    (HookKind.SLACK, {"url": "hooks.slack.com/services"}, "url is not an address"),
    (HookKind.SLACK, {"url": "https:///path"}, "url is not an address"),
    (HookKind.SLACK, {"url": "https://me:pw@a.b/c"}, "without a user name"),
    (HookKind.SLACK, {"url": "https://me@a.b/c"}, "without a user name"),
    (HookKind.SLACK, {"url": "https://a.b/c#d"}, "without #"),
    (HookKind.SLACK, {"url": "https://[::1/c"}, "url is not an address"),
    (HookKind.SLACK, {"url": "https://a.b:99999/c"}, "url is not an address"),
    (HookKind.SLACK, {"url": "https://a.b:0/c"}, "url is not an address"),
    (HookKind.SLACK, {"url": "https://a.b\\@c.d/e"}, "url is not an address"),
    (HookKind.SLACK, {"url": "http://a.b/c"}, "url does not start with https: whoever reads the line"),
    (HookKind.SLACK, {"url": "file://a.b/c"}, "url does not start with https"),
]


@pytest.mark.parametrize(("kind", "fields", "said"), REFUSED)
def test_what_cannot_be_a_hooks_secret_is_refused_and_not_shown(
    kind: HookKind, fields: dict[str, object], said: str
) -> None:
    with pytest.raises(Refused) as caught:
        entered_hook(kind, fields, is_local=False)
    assert said in str(caught.value)
    entered = [str(each) for each in fields.values()]
    assert not any(len(each) > 6 and each in str(caught.value) for each in entered)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:1", "127.8.9.1"])
def test_plain_http_is_for_this_machine_in_the_local_stage(host: str) -> None:
    fields = {"url": f"http://{host}/x"}
    assert entered_hook(HookKind.SLACK, fields, is_local=True).url == fields["url"]
    with pytest.raises(Refused, match="url does not start with https: "):
        entered_hook(HookKind.SLACK, fields, is_local=False)


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "localhost.example.com", "[fe80::1]"])
def test_plain_http_to_another_machine_is_refused_in_every_stage(host: str) -> None:
    with pytest.raises(Refused, match=r"url does not start with https, or http to 127\.0\.0\.1"):
        entered_hook(HookKind.SLACK, {"url": f"http://{host}/x"}, is_local=True)
    safe = {"url": f"https://{host}/x"}
    assert entered_hook(HookKind.SLACK, safe, is_local=True).url == safe["url"]


def test_every_part_of_a_secret_is_hidden_but_what_all_robots_of_a_kind_share() -> None:
    secret = HookSecret(url=f"{URL}&k=v", signing="SECx", chat="-100")
    assert secret.texts == ("t0ken-of-ours", "v", "SECx", "-100")
    assert HookSecret(url="https://hooks.slack.com/services/T1/B1/abc").texts == ("T1", "B1", "abc")


def test_every_kind_asks_for_an_address_first() -> None:
    assert {kind: fields[0].name for kind, fields in HOOK_FIELDS.items()} == dict.fromkeys(HookKind, "url")
