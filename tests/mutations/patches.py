"""Patches that each take one protection out of the product, and the tests that must fail without it.

A patch is a unified diff below a head of `name: value` lines:

    row: R5
    removes: one line on what is gone
    test: tests/unit/…::test_…     (once for each test that must fail; all its cases, or one by its [parameters])
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from tests.faults.tally import ROWS as FAULT_ROWS

PRODUCT = "layers/core/python/marketmaker/"
"""Where a protection is: a patch may change nothing else."""

_FIRST_LINE_OF_DIFF = re.compile(r"^--- ", re.MULTILINE)
_CHANGED_FILE = re.compile(r"^(?:--- a/|\+\+\+ b/)(\S+)", re.MULTILINE)

ROWS = (*FAULT_ROWS, "R6", "R26", "R33", "R34")
"""The rows whose protections are taken away: those that a run must show, and four whose tests need no venue."""


class PatchError(Exception):
    """A patch cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One protection of one row that is taken away, and the tests that must notice."""

    path: Path
    row: str
    removes: str
    tests: tuple[str, ...]
    files: tuple[str, ...]


def read_mutations(folder: Path) -> tuple[list[Mutation], list[str]]:
    """Read every patch of a folder, in the order of the rows; second, what is wrong with the others."""
    mutations, problems = [], []
    for path in sorted(folder.glob("*.patch")):
        try:
            mutations.append(read_mutation(path))
        except PatchError as error:
            problems.append(str(error))
    return sorted(mutations, key=lambda each: (int(each.row[1:]), each.path.name)), problems


def read_mutation(path: Path) -> Mutation:
    """Read one patch.

    Raises:
        PatchError: its head or its diff is not as it must be.
    """
    text = path.read_text(encoding="utf-8")
    start = _FIRST_LINE_OF_DIFF.search(text)
    if start is None:
        raise PatchError(f"{path.name}: it holds no diff")
    head: dict[str, list[str]] = {"row": [], "removes": [], "test": []}
    for line in filter(None, text[: start.start()].splitlines()):
        name, _, value = line.partition(": ")
        if name not in head or not value:
            raise PatchError(
                f"{path.name}: {line!r} is not allowed in its head: `row`, `removes` and `test` lines only"
            )
        head[name].append(value)
    if len(head["row"]) != 1 or len(head["removes"]) != 1 or not head["test"]:
        raise PatchError(f"{path.name}: its head must have one `row`, one `removes` and at least one `test` line")
    row = head["row"][0]
    if not re.fullmatch(r"R[1-9]\d?", row) or not path.name.startswith(f"R{int(row[1:]):02}-"):
        raise PatchError(f"{path.name}: row {row} does not fit its name; allowed: R7 in R07-what.patch")
    files = tuple(dict.fromkeys(_CHANGED_FILE.findall(text[start.start() :])))
    foreign = [each for each in files if not each.startswith(PRODUCT)]
    if foreign or not files:
        raise PatchError(f"{path.name}: it changes {', '.join(foreign) or 'no file'}; allowed: files in {PRODUCT}")
    return Mutation(path=path, row=row, removes=head["removes"][0], tests=tuple(head["test"]), files=files)


def missing_tests(root: Path, mutation: Mutation) -> list[str]:
    """Name the tests of a patch that do not exist as a function in their file."""
    return [test for test in mutation.tests if not _exists(root, test)]


def missing_rows(mutations: list[Mutation], rows: tuple[str, ...]) -> list[str]:
    """Name the rows without any patch."""
    return [row for row in rows if all(each.row != row for each in mutations)]


def _exists(root: Path, test: str) -> bool:
    name, *inside = test.partition("[")[0].split("::")
    path = root / name
    if not path.is_file() or not inside:
        return False
    found: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body
    for wanted in inside[:-1]:
        found = [each for node in found if isinstance(node, ast.ClassDef) and node.name == wanted for each in node.body]
    return any(isinstance(node, ast.FunctionDef) and node.name == inside[-1] for node in found)
