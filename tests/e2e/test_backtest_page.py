"""The page of `mm backtest`: every figure and what made it, without a network, the same each time."""

import json
import re
import shlex
import subprocess
import sys
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import typer

from infra.local.demo import DEPLOYMENT_FILE
from marketmaker.bootstrap.backtests import BacktestOptions, MarketFiles, Preset, QueueModel
from marketmaker.cli import app
from marketmaker.cli.backtest_report import command_line
from tests.e2e.stage import MM, Ended, run
from tests.recorded import write_walk

MEASURED = {"wall_seconds", "events_per_second", "rss_mb"}
WITHOUT_EFFECT_ON_A_RUN = {"seed", "html", "as_json"}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_walk(tmp_path_factory.mktemp("recording") / "walk")


def backtest(recording: Path, *arguments: str | Path) -> Ended:
    files = ["--quotes", f"{recording}_quotes.csv.gz", "--trades", f"{recording}_trades.csv.gz"]
    command: list[str | Path] = [MM, "backtest", "--market", "binance:PAXG/USDT", *files, *arguments]
    return run(command, {"COLUMNS": "120", "MM_DEPLOYMENT_FILE": str(DEPLOYMENT_FILE)})


class Page(HTMLParser):
    """What a browser would load and show of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.shown: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        given = dict(attrs)
        self.loaded += [value for name in ("src", "href") if (value := given.get(name))]
        if given.get("class") == "plotly-graph-div":
            self.ids.append(given["id"] or "")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._open):
            self.shown.append(data)

    @property
    def text(self) -> str:
        """All that is shown."""
        return " ".join(self.shown)


def exact_figures(page: str) -> dict[str, Any]:
    found = re.findall(r"<pre>(\{.*?\})</pre>", page, re.DOTALL)
    (figures,) = (json.loads(unescape(each)) for each in found)
    assert isinstance(figures, dict)
    return figures


def test_the_page_holds_every_figure_that_json_prints_but_the_measured_ones(recording: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    (document,) = json.loads(backtest(recording, "--json", "--html", file).out)
    page = file.read_text(encoding="utf-8")
    assert document["fills"] > 0
    assert exact_figures(page) == {name: value for name, value in document.items() if name not in MEASURED}
    assert not [name for name in MEASURED if name in page]


def test_the_page_shows_what_came_of_it_what_it_assumes_and_what_made_it(recording: Path, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "page.html"
    shown = backtest(recording, "--html", file, "--set", "half_spread.quote=0.4", "--queue", "log")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines()[-1] == f"pictures: {file}"
    page = Page(file.read_text(encoding="utf-8"))
    for part in (
        "Backtest of PAXG/USDT",
        "an estimate: our orders move nothing in it, and places in the queue are assumed",
        "the book was recorded",
        "log: who leaves a queue",
        "10 ms to the venue and 10 ms back",
        "a tick every 5 s",
        "1 bps as maker, 10 bps as taker, in USDT",
        "walk_quotes.csv.gz, walk_trades.csv.gz",
        str(DEPLOYMENT_FILE),
        "half_spread.quote=0.4",
        "gain after fees",
        "markout after 60 s",
    ):
        assert part in page.text, part
    assert page.ids == ["run", "markouts"]


def test_the_page_needs_no_network_and_sends_nothing_to_one(recording: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    backtest(recording, "--html", file)
    text = file.read_text(encoding="utf-8")
    assert Page(text).loaded == []
    assert text.count('"showSendToCloud": false') == text.count("Plotly.newPlot(") == 2
    assert "plotlyServerURL" not in text.rsplit("</head>", 1)[1].replace('"plotlyServerURL": ""', "")


def test_the_same_run_makes_the_same_page(recording: Path, tmp_path: Path) -> None:
    files = [tmp_path / "first.html", tmp_path / "second.html"]
    for file in files:
        backtest(recording, "--json", "--html", file)
    first, second = (file.read_bytes() for file in files)
    assert first == second


def test_the_command_of_the_page_makes_the_same_run(recording: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    changes = [
        "--set",
        "half_spread.quote=0.4",
        "--to",
        "2025-10-09T08:56:20.500Z",
        "--opening-base",
        "10",
        "--latency-ms",
        "30",
    ]
    backtest(recording, "--json", "--html", file, "--cadence-s", "10", *changes)
    page = file.read_text(encoding="utf-8")
    (command,) = re.findall(r"<pre>(mm backtest .*?)</pre>", page)
    again = run([MM, *shlex.split(unescape(command))[1:], "--json"], {})
    (document,) = json.loads(again.out)
    assert exact_figures(page) == {name: value for name, value in document.items() if name not in MEASURED}


def test_the_command_names_every_option_that_changes_a_run() -> None:
    options = BacktestOptions(
        deployment="a file.toml",
        market="binance:PAXG/USDT",
        files=MarketFiles(quotes=Path("q"), trades=Path("t"), book=Path("b")),
        preset=Preset.NAIVE,
        changes=("half_spread.quote=1", "order_size_base=2"),
        from_ms=1_760_000_000_001,
        to_ms=1_760_000_060_002,
        cadence_s=7,
        latency_ms=8,
        queue=QueueModel.POWER,
        whole_fills=True,
        capital_quote=Decimal(9),
        opening_base=Decimal(0),
        funding_rate=Decimal("0.0001"),
    )
    backtest_command = typer.main.get_command(app).commands["backtest"]  # type: ignore[attr-defined]

    def parsed(line: str) -> dict[str, Any]:
        params: dict[str, Any] = backtest_command.make_context("backtest", shlex.split(line)[2:]).params
        return params

    default, given = parsed("mm backtest --market x"), parsed(command_line(options))
    kept = {name for name in given if given[name] == default[name]} - WITHOUT_EFFECT_ON_A_RUN
    assert kept == {"candles"}
    assert given["changes"] == list(options.changes)
    assert (given["from_"], given["to"]) == ("2025-10-09T08:53:20.001Z", "2025-10-09T08:54:20.002Z")
    assert given["deployment"] == "a file.toml"


def test_json_alone_writes_no_page(recording: Path, tmp_path: Path) -> None:
    files = ["--quotes", f"{recording}_quotes.csv.gz", "--trades", f"{recording}_trades.csv.gz"]
    command: list[str | Path] = [MM, "backtest", "-d", DEPLOYMENT_FILE, "--market", "binance:PAXG/USDT", *files]
    for arguments, pages in ((["--json"], []), ([], ["out/backtest.html"])):
        subprocess.run([*command, *arguments], cwd=tmp_path, check=True, capture_output=True, timeout=90)  # noqa: S603
        assert [str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.html")] == pages


@pytest.mark.parametrize("place", ["a directory", "below a file"])
def test_a_page_that_cannot_be_written_is_one_line_before_the_run(recording: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    path = tmp_path if place == "a directory" else tmp_path / "file" / "page.html"
    refused = backtest(recording, "--html", path, "--trades", "none.csv.gz")
    (line,) = refused.said
    assert (refused.code, refused.out) == (2, "")
    assert f"--html: {path} cannot be written" in line


def test_no_other_command_loads_what_draws() -> None:
    script = "import sys, marketmaker.cli; sys.exit('plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0  # noqa: S603
