"""Keys as people enter them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.keys import VenueKey, entered_key
from marketmaker.errors import Refused

API_KEY, SECRET = (
    "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
)


def test_blanks_round_a_pasted_key_are_dropped() -> None:
    entered = entered_key({"api_key": f"  {API_KEY}\n", "secret": f"\t{SECRET} ", "password": " two words "})
    assert entered == VenueKey(api_key=API_KEY, secret=SECRET, password="two words")


@pytest.mark.parametrize("password", [None, "", "  "])
def test_a_password_that_was_left_empty_is_none(password: str | None) -> None:
    assert entered_key({"api_key": API_KEY, "secret": SECRET, "password": password}).password is None
    assert entered_key({"api_key": API_KEY, "secret": SECRET}).password is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "api_key: nothing is not allowed"),
        ({"api_key": "", "secret": SECRET}, "api_key: nothing is not allowed"),
        ({"api_key": API_KEY}, "secret: nothing is not allowed"),
        ({"api_key": API_KEY, "secret": " \n "}, "secret: nothing is not allowed"),
        ({"api_key": API_KEY, "secret": 5}, "secret is not text"),
        ({"api_key": [API_KEY], "secret": SECRET}, "api_key is not text"),
        ({"api_key": API_KEY, "secret": SECRET, "password": False}, "password is not text"),
        ({"api_key": API_KEY, "secret": SECRET, "passphrase": "x"}, "a field of the key is not known"),
        ({"api_key": f"key\n{API_KEY}", "secret": SECRET}, "api_key holds a line break"),
        ({"api_key": API_KEY, "secret": SECRET, "password": "two\nlines"}, "password holds a line break"),
        ({"api_key": f'"{API_KEY}"', "secret": SECRET}, "api_key holds a space, a quote"),
        ({"api_key": f"“{API_KEY}”", "secret": SECRET}, "api_key holds a space, a quote"),
        ({"api_key": API_KEY, "secret": f"Secret: {SECRET}"}, "secret holds a space, a quote"),
        ({"api_key": API_KEY, "secret": f"{SECRET}…"}, "secret holds a space, a quote"),
        ({"api_key": API_KEY, "secret": API_KEY}, "secret is the same text as api_key"),
    ],
)
def test_what_is_no_key_is_refused_by_field(fields: dict[str, object], told: str) -> None:
    with pytest.raises(Refused, match=f"^{told}"):
        entered_key(fields)


@given(
    st.dictionaries(st.sampled_from(["api_key", "secret", "password", "other"]), st.none() | st.text() | st.integers())
)
def test_a_refusal_shows_nothing_of_what_was_entered(fields: dict[str, object]) -> None:  # R27
    marked = {name: f"{value}Zq9Zq" if isinstance(value, str) else value for name, value in fields.items()}
    assert "Zq9Zq" not in told_of(marked)


def told_of(fields: dict[str, object]) -> str:
    try:
        return repr(entered_key(fields))
    except Refused as error:
        return f"{error!r} {error.__cause__!r} {error.__context__!r}"


def test_a_key_hides_itself() -> None:  # R27
    key = VenueKey(api_key="abcdef", secret="s3cr3t", password="phrase")
    assert {repr(key), str(key), f"{key}"} == {"VenueKey(hidden)"}
