"""Kept versions as functions read them, and files as operators want them: strict, cached, never half (R28, R12)."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any

import pytest

from marketmaker.adapters.memory import InMemoryStore
from marketmaker.bootstrap.settings import KeptSettings, WantedFile
from marketmaker.config import Deployment
from marketmaker.domain.units import AccountName
from marketmaker.errors import ConfigError, Refused, Retryable
from marketmaker.ports import SettingsText, Unknown
from tests.fakes.desk import FaultyStore
from tests.unit.config.documents import PAXG, Path, changed, full_document, parse, text_of

MAIN, SECOND = AccountName("main"), AccountName("second")
DEPLOYED = parse(full_document())
HALF_SPREAD: Path = (*PAXG, "half_spread")


def narrower() -> dict[str, Any]:
    return changed(full_document(), HALF_SPREAD, {"quote": Decimal("0.3")})


def kept(**documents: str) -> tuple[KeptSettings, InMemoryStore]:
    store = InMemoryStore()
    for version, text in documents.items():
        store.save_settings(MAIN, version.removeprefix("v_"), text)
    return KeptSettings(DEPLOYED, MAIN, store), store


def reason(versions: KeptSettings, version: str) -> str:
    found = versions.read(version)
    assert isinstance(found, Unknown)
    return found.reason


def as_text(deployment: Deployment) -> SettingsText:
    return SettingsText(version=deployment.config_hash, text=deployment.text)


def test_deployed_settings_are_known_without_a_look() -> None:
    versions = KeptSettings(DEPLOYED, MAIN, FaultyStore())
    assert versions.read(DEPLOYED.config_hash) is DEPLOYED.accounts[MAIN]
    assert versions.deployed == SettingsText(version=DEPLOYED.config_hash, text=text_of(full_document()))


def test_kept_settings_are_those_of_the_account_and_carry_their_hash() -> None:  # R12
    wanted = parse(narrower())
    versions, _ = kept(**{f"v_{wanted.config_hash}": wanted.text})
    assert versions.read(wanted.config_hash) == wanted.accounts[MAIN]


def test_version_is_read_once_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = parse(narrower())
    versions, store = kept(**{f"v_{wanted.config_hash}": wanted.text, "v_bad": "name = = 1"})
    first, bad = versions.read(wanted.config_hash), versions.read("bad")
    monkeypatch.setattr(store, "settings", None)
    assert versions.read(wanted.config_hash) is first
    assert versions.read("bad") is bad


def test_version_that_the_store_does_not_give_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = parse(narrower())
    versions, store = kept()

    def fail(*_: object) -> str:
        raise Retryable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(store, "settings", fail)
        assert reason(versions, wanted.config_hash) == "they cannot be read: no answer"
    assert reason(versions, wanted.config_hash) == "nobody kept them"
    store.save_settings(MAIN, wanted.config_hash, wanted.text)
    assert versions.read(wanted.config_hash) == wanted.accounts[MAIN]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (changed(full_document(), (*PAXG, "levels"), 3), "an unknown key"),
        (changed(full_document(), (*PAXG, "post_only"), "perhaps"), "true or false"),
        (changed(full_document(), ("tag",), "oth"), 'tag: "oth" is not allowed: "tst", until a new deploy'),
    ],
)
def test_settings_of_a_newer_release_or_another_structure_are_unknown_with_the_key(
    document: Mapping[str, Any], told: str
) -> None:  # R28
    text = text_of(dict(document))
    try:
        version = parse(dict(document)).config_hash
    except ConfigError:
        version = "newer"
    versions, _ = kept(**{f"v_{version}": text})
    assert told in reason(versions, version)


def test_settings_that_another_release_names_otherwise_are_unknown() -> None:  # R12
    wanted = parse(narrower())
    versions, _ = kept(v_older=wanted.text)
    assert reason(versions, "older") == f"this release reads settings {wanted.config_hash} in them"


# What an operator wants


@pytest.fixture
def file(tmp_path: FilePath) -> FilePath:
    path = tmp_path / "wanted.toml"
    path.write_text(text_of(narrower()), encoding="utf-8")
    return path


def test_wanted_file_tells_its_text_and_what_it_changes_of_what_is_in_force(file: FilePath) -> None:
    wanted = WantedFile(str(file))
    assert wanted.wanted == as_text(parse(narrower()))
    (change,) = wanted.changes_over(MAIN, as_text(DEPLOYED), as_text(DEPLOYED))
    assert (change.before, change.after) == ("0.5", "0.3")
    assert change.key == "accounts.main.markets[PAXG/USDT].half_spread.quote"
    assert wanted.changes_over(MAIN, as_text(DEPLOYED), as_text(parse(narrower()))) == []


def test_changes_of_other_accounts_are_theirs(file: FilePath) -> None:
    assert WantedFile(str(file)).changes_over(SECOND, as_text(DEPLOYED), as_text(DEPLOYED)) == []


def test_wanted_file_with_another_structure_is_refused_with_every_key(file: FilePath) -> None:
    other = changed(changed(narrower(), ("tag",), "oth"), ("clocks", "interval_s"), 20)
    file.write_text(text_of(other), encoding="utf-8")
    with pytest.raises(Refused) as refusal:
        WantedFile(str(file)).changes_over(MAIN, as_text(DEPLOYED), as_text(DEPLOYED))
    assert str(refusal.value) == (
        f'{file}: clocks.interval_s: 20 is not allowed: 10, until a new deploy; tag: "oth" is not allowed: "tst", '
        "until a new deploy"
    )


def test_wanted_file_with_anything_wrong_is_refused_as_a_whole(file: FilePath) -> None:  # R12
    file.write_text(text_of(changed(narrower(), (*PAXG, "order_size_base"), -1)), encoding="utf-8")
    with pytest.raises(ConfigError, match="order_size_base: -1 is not allowed"):
        WantedFile(str(file))


def test_what_another_release_deployed_is_not_compared(file: FilePath) -> None:
    wanted = WantedFile(str(file))
    newer = SettingsText(version="newer", text=text_of(changed(full_document(), (*PAXG, "levels"), 3)))
    with pytest.raises(Refused, match=r"this release cannot read what is in force: .*levels"):
        wanted.changes_over(MAIN, newer, newer)
    renamed = SettingsText(version="renamed", text=DEPLOYED.text)
    with pytest.raises(Refused, match="where the deployed one reads renamed: use the `mm` of the deployed release"):
        wanted.changes_over(MAIN, renamed, renamed)
