"""All patches, one after another in as many copies as there are workers."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tests.mutations.patches import Mutation, PatchError, missing_rows, missing_tests, read_mutations
from tests.mutations.report import Report
from tests.mutations.scratch import Ran, Scratch, scratch_copies
from tests.mutations.verdicts import Judged, Verdict, judge, last_line, not_sound

_WITHOUT_ANY_PATCH_MOST_S = 300.0


def run_campaign(root: Path, folder: Path, rows: tuple[str, ...], *, jobs: int, console: Console) -> Report:
    """Judge the patches of these rows: first all their tests without any patch, then each patch with its own."""
    everything, unreadable = read_mutations(folder)
    chosen = [each for each in everything if each.row in rows]
    problems = (*unreadable, *(f"{row}: no patch" for row in missing_rows(chosen, rows)))
    without = {each.path: missing_tests(root, each) for each in chosen}
    unusable = [
        Judged(mutation=each, verdict=Verdict.BROKEN, detail=f"no such test: {', '.join(without[each.path])}")
        for each in chosen
        if without[each.path]
    ]
    usable = [each for each in chosen if not without[each.path]]
    with scratch_copies(root, max(1, min(jobs, len(usable)))) as copies:
        copies[0].check_imports()
        tests = list(dict.fromkeys(test for each in usable for test in each.tests))
        console.print(f"{len(tests)} tests without any patch")
        before = copies[0].run(tests, _WITHOUT_ANY_PATCH_MOST_S) if tests else Ran(code=0)
        unsound = not_sound(tests, before)
        if unsound:
            return Report(problems=(*problems, last_line(before.said)), unsound=tuple(unsound))
        console.print(f"{len(usable)} patches, {len(copies)} at a time")
        judged = _judge_all(usable, copies, console)
    order = [each.path for each in chosen]
    return Report(
        judged=tuple(sorted(unusable + judged, key=lambda each: order.index(each.mutation.path))), problems=problems
    )


def _judge_all(mutations: list[Mutation], copies: list[Scratch], console: Console) -> list[Judged]:
    free: Queue[Scratch] = Queue()
    for copy in copies:
        free.put(copy)
    judged = []
    with ThreadPoolExecutor(max_workers=len(copies)) as workers, _progress(console, len(mutations)) as progress:
        try:
            for future in as_completed([workers.submit(_judge_one, each, free) for each in mutations]):
                judged.append(future.result())
                progress.advance(progress.task_ids[0])
                progress.refresh()
        except BaseException:
            workers.shutdown(cancel_futures=True)
            raise
    return judged


def _judge_one(mutation: Mutation, free: Queue[Scratch]) -> Judged:
    copy, started = free.get(), time.monotonic()
    try:
        with copy.applied(mutation):
            ran = copy.run(mutation.tests)
        verdict, detail = judge(mutation, ran)
        if verdict is Verdict.KILLED and not copy.holds(ran.product):
            verdict, detail = Verdict.BROKEN, f"the tests ran on another copy of the product: {ran.product}"
    except PatchError as error:
        verdict, detail = Verdict.BROKEN, str(error)
    finally:
        free.put(copy)
    return Judged(mutation=mutation, verdict=verdict, detail=detail, seconds=time.monotonic() - started)


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Progress]:
    columns = (TextColumn("  "), BarColumn(bar_width=60), MofNCompleteColumn())
    with Progress(
        *columns, console=console, auto_refresh=False, transient=True, disable=not console.is_terminal
    ) as bar:
        bar.add_task("patches", total=total)
        yield bar
