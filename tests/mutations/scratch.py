"""A copy of the working tree outside of it, in which patches are applied and tests are run."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutations.patches import PRODUCT, Mutation, PatchError

MOST_S = 120.0
"""A test run that takes longer is stopped: a mutated product may wait for ever."""
_STOPS_WITHIN_S = 10.0
_INSTALLED = ("node_modules",)
"""What tests need that is no source: linked, not copied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a run of tests ended: pytest's exit code, how each case ended, and what it printed."""

    code: int | None
    outcomes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    product: str = ""
    said: str = ""

    def cases_of(self, test: str) -> list[str]:
        """Return how the cases of a test ended; one that has no parameters is its only case."""
        named = [ends for case, ends in self.outcomes.items() if case == test or case.startswith(f"{test}[")]
        return [end for ends in named for end in ends]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """One copy; whoever holds it has it alone."""

    folder: Path

    def check_imports(self) -> None:
        """Require that a new Python process here, and so a child of it, imports this copy of the product.

        Raises:
            PatchError: it imports another one.
        """
        command = [sys.executable, "-c", "import marketmaker; print(marketmaker.__file__)"]
        done = subprocess.run(  # noqa: S603
            command, cwd=self.folder, env=self._environment(), capture_output=True, text=True, check=False
        )
        if not self.holds(done.stdout.strip()):
            raise PatchError(f"the scratch copy's product is not the one imported: {done.stdout or done.stderr}")

    def holds(self, file: str) -> bool:
        """Tell whether a file of the product is this copy's."""
        return Path(file).is_relative_to(self.folder / PRODUCT)

    @contextmanager
    def applied(self, mutation: Mutation) -> Iterator[None]:
        """Apply a patch, and put the files back afterwards.

        Raises:
            PatchError: it does not fit.
        """
        before = {path: path.read_bytes() for path in (self.folder / name for name in mutation.files) if path.exists()}
        apply(mutation.path, self.folder)
        try:
            yield
        finally:
            for path, content in before.items():
                path.write_bytes(content)

    def run(self, tests: Sequence[str], most_s: float = MOST_S) -> Ran:
        """Run tests by their ids; a run that takes too long has no exit code."""
        written = self.folder / "outcomes.json"
        written.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider"]
        command += ["-p", "tests.mutations.outcomes", f"--outcomes={written}", *tests]
        with subprocess.Popen(  # noqa: S603
            command,
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=most_s)
            except subprocess.TimeoutExpired:
                _stop(process)
                return Ran(code=None, said=f"it took more than {most_s:.0f} s")
            except BaseException:
                _stop(process)
                raise
        if not written.exists():
            return Ran(code=process.returncode, said=said)
        outcomes = json.loads(written.read_text(encoding="utf-8"))
        return Ran(code=process.returncode, outcomes=outcomes["tests"], product=outcomes["product"], said=said)

    def _environment(self) -> dict[str, str]:
        """Put this copy before the installed product; without bytecode, which two edits within a second could share."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST_"))}
        path = os.pathsep.join((str(self.folder / PRODUCT).removesuffix("/marketmaker"), str(self.folder)))
        return {**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def scratch_copies(root: Path, copies: int) -> Iterator[list[Scratch]]:
    """Copy what Git knows or would add, as it is now, once for each worker."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True)  # noqa: S603
    names = done.stdout.split("\0")
    with TemporaryDirectory(prefix="marketmaker-mutations-") as parent:
        folders = [Path(parent).resolve() / str(number) for number in range(copies)]
        for folder in folders:
            for name in filter(None, names):
                if (root / name).is_file():
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(root / name, folder / name)
            for name in _INSTALLED:
                if (root / name).is_dir():
                    (folder / name).symlink_to(root / name)
        yield [Scratch(folder=folder) for folder in folders]


def apply(patch: Path, folder: Path, *, only_check: bool = False) -> None:
    """Apply a patch to a folder, or only tell whether it could be.

    Raises:
        PatchError: it does not fit the files as they are.
    """
    command = ["git", "apply", *(["--check"] if only_check else []), str(patch)]
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise PatchError(f"{patch.name}: it does not apply: {done.stderr.strip()}")


def _stop(process: subprocess.Popen[str]) -> None:
    """Let pytest end its own children first."""
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=_STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
