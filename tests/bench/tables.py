"""The tables that the bench prints."""

from rich.table import Table


def new_table(title: str, *columns: str) -> Table:
    """Return a table without rows; the first column is text, the others are figures."""
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    return table


def yes_or_no(met: bool) -> str:
    """Say whether a goal is met."""
    return "[green]yes[/green]" if met else "[red]no[/red]"
