"""A page of a report: one HTML file with everything in it, which needs no server and no network.

What is said in a page is escaped where it becomes HTML, here; what goes into a figure by `label`.
"""

import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from marketmaker.errors import ConfigError

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
<script>window.PlotlyConfig = {{MathJaxConfig: "local"}};</script>
<script>{plotly}</script>
</head>
<body>
<main>
<h1>{title}</h1>
{sections}
</main>
</body>
</html>
"""
_STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #1f2933; font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1320px; margin: 0 auto; padding: 24px; }
h1 { font-size: 24px; margin: 0 0 8px; }
h2 { font-size: 17px; margin: 32px 0 8px; }
p { margin: 8px 0; max-width: 100ch; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 20px 3px 0; border-bottom: 1px solid #e4e7eb; text-align: left; vertical-align: top; }
th { font-weight: normal; color: #52606d; white-space: nowrap; }
td { overflow-wrap: anywhere; }
pre { background: #f5f7fa; padding: 12px; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 13px; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 0 48px; }
"""


_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtons": [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
    "showSendToCloud": False,  # by default a button uploads the picture, and with it what it tells of a strategy
    "plotlyServerURL": "",
}


def page(title: str, sections: Sequence[str]) -> str:
    """Make a page of sections of HTML, with what draws its pictures."""
    from plotly.offline import get_plotlyjs

    return _FRAME.format(title=escape(title), style=_STYLE, plotly=get_plotlyjs(), sections="\n".join(sections))


def section(heading: str, *parts: str) -> str:
    """Put parts of HTML below a heading."""
    return "\n".join(("<section>", f"<h2>{escape(heading)}</h2>", *parts, "</section>"))


def columns(*parts: str) -> str:
    """Put parts of HTML side by side where there is room."""
    return "\n".join(('<div class="columns">', *(f"<div>{part}</div>" for part in parts), "</div>"))


def paragraph(text: str) -> str:
    """Say something."""
    return f"<p>{escape(text)}</p>"


def verbatim(text: str) -> str:
    """Show text as it is typed."""
    return f"<pre>{escape(text)}</pre>"


def folded(heading: str, *parts: str) -> str:
    """Put parts of HTML where they are seen on request."""
    return "\n".join(("<details>", f"<summary>{escape(heading)}</summary>", *parts, "</details>"))


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Make a table of names and what they are."""
    lines = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows)
    return "\n".join(("<table>", *lines, "</table>"))


def label(text: str) -> str:
    """Write text for a figure, which reads tags in what it shows."""
    return escape(text)


def picture(figure: "Figure", name: str) -> str:
    """Draw a figure in a page; `name` is its element's id, once a page."""
    drawn: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=name,
        default_height=figure.layout.height or 480,
        config=_CONFIG,
    )
    return drawn


def require_writable(path: Path) -> None:
    """Refuse a page's path before the work is done that it is to show.

    Raises:
        ConfigError: nothing can be written there.
    """
    folder = next((each for each in path.absolute().parents if each.exists()), path)
    if path.is_dir():
        raise _refused(path, "is a directory")
    if not folder.is_dir():
        raise _refused(path, f"{folder} is no directory")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise _refused(path, "permission denied")


def write_page(path: Path, text: str) -> None:
    """Write a page, with the directories above it.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error


def _refused(path: Path, why: str) -> ConfigError:
    return ConfigError(f"--html: {path} cannot be written: {why}")
