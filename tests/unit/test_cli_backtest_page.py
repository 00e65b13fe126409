"""The page of a backtest says every figure in words, and what others wrote into a run stays text in it."""

import re
from dataclasses import replace
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest

from marketmaker.bootstrap.backtests import Backtested, BacktestOptions, MarketFiles, QueueModel
from marketmaker.cli.backtest import document
from marketmaker.cli.backtest_report import backtest_page
from marketmaker.cli.pages import require_writable, write_page
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Symbol
from marketmaker.errors import ConfigError
from tests.backtest_results import fill, result, sample
from tests.builders import market_settings

OPTIONS = BacktestOptions(
    deployment="infra/deployments/local.toml", market="binance:PAXG/USDT", files=MarketFiles(trades=Path("t.csv"))
)
MARKET = market_settings()
HOSTILE = "</script></pre><script>alert(1)</script>"


def done(symbol: str = "PAXG/USDT", note: str = "the book was recorded") -> Backtested:
    samples = [sample(0), sample(5_000, spread_quote=Decimal("4.5"), inventory_quote=Decimal("-0.75"))]
    found = result(samples, [fill(1_000, Side.BUY, "1899")], symbol=Symbol(symbol))
    return Backtested(result=found, settings=MARKET, note=note, wall_seconds=1.5)


def page_of(backtested: Backtested, options: BacktestOptions = OPTIONS) -> str:
    return backtest_page(options, backtested, document(backtested), 5_000)


def rows_of(page: str) -> dict[str, str]:
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td></tr>', page)
    return {unescape(name): unescape(value) for name, value in rows}


def test_every_figure_is_said_in_words_with_its_unit() -> None:
    assert (
        rows_of(page_of(done())).items()
        >= {
            "gain after fees": "+3.36999 USDT",
            "realised, before fees": "+1.25 USDT",
            "unrealised": "+2.5 USDT",
            "fees": f"{MARKET.fees.maker_bps} bps as maker, {MARKET.fees.taker_bps} bps as taker, in USDT",
            "fees paid": "0.38001 USDT",
            "from the spread": "+4.5 USDT",
            "from the inventory": "-0.75 USDT",
            "largest fall": "7.75 USDT",
            "volume": "3800.1 USDT",
            "inventory at the end": "3.3 PAXG",
            "inventory at most": "3.7 PAXG, long or short",
            "fills": "1",
            "ticks": "2",
            "orders placed": "11",
            "orders kept": "12",
            "orders cancelled": "13, 14 by a guard",
            "cancelled unfilled": "90.0% of those placed",
            "accepted": "95.0% of those sent",
            "two-sided": "85.0% of the time since the first order",
            "edge at the fill": "+2.6 bps",
            "markout after 1 s": "-1.0 bps",
            "markout after 10 s": "unknown",
            "markout after 60 s": "+4.0 bps",
            "average fee": "1.0 bps of the volume",
            "no quotes": "stale_book 21",
            "rows left out": "crossed 22",
            "market events": "23",
            "config hash": "0123456789abcdef",
        }.items()
    )


def test_what_others_wrote_stays_text() -> None:
    options = replace(
        OPTIONS, deployment=HOSTILE, market=HOSTILE, files=MarketFiles(trades=Path(HOSTILE)), changes=(HOSTILE,)
    )
    usual, hostile = page_of(done()), page_of(done(symbol=f"{HOSTILE}/USDT", note=HOSTILE), options)
    assert "alert(1)" in hostile
    assert HOSTILE not in hostile
    for tag in ("<script", "</script", "<pre", "</pre", "<td", "<p>"):
        assert hostile.count(tag) == usual.count(tag), tag


def test_the_page_says_what_the_queue_assumes_and_what_fills_whole() -> None:
    front = rows_of(page_of(done(), replace(OPTIONS, queue=QueueModel.FRONT, whole_fills=True)))
    assert front["queue"] == "front: nobody is ever ahead of us: an upper bound, no forecast"
    assert front["orders fill"].startswith("of all of an order")
    assert rows_of(page_of(done()))["orders fill"].startswith("by what trades leave")
    assert all(model.value in page_of(done(), replace(OPTIONS, queue=model)) for model in QueueModel)


def test_the_page_says_when_its_pictures_are_thinned() -> None:
    long = replace(done(), result=replace(done().result, samples=tuple(sample(at) for at in range(4_001))))
    assert "The run has 4001 samples and 1 fill; the pictures are thinned to 4000 points a line" in page_of(long)
    assert "thinned" not in page_of(done()).rsplit("</head>", 1)[1]


def test_a_page_is_written_with_the_directories_above_it(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "page.html"
    require_writable(path)
    assert not path.parent.exists()
    write_page(path, "−")
    assert path.read_text(encoding="utf-8") == "−"
    require_writable(path)


def test_where_no_page_can_be_written_the_path_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for refuse in (require_writable, lambda path: write_page(path, "")):
        for path in (tmp_path, file / "page.html", file / "deeper" / "page.html"):
            with pytest.raises(ConfigError, match=re.escape(f"--html: {path} cannot be written: ")):
                refuse(path)
