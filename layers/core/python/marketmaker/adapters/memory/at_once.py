"""Reads beside the venue's, where nothing waits for anything: one after another."""

from collections.abc import Callable
from concurrent.futures import Executor, Future


class AtOnce(Executor):
    """Runs what is submitted before it returns."""

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run it now."""
        try:
            return _Answer(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - a future carries whatever happened
            failed: Future[T] = Future()
            failed.set_exception(error)
            return failed


class _Answer[T](Future[T]):
    """A future that was done before anybody could wait for it; it has none of the locks of others, which cost time."""

    def __init__(self, answer: T) -> None:  # the locks are what `super().__init__()` makes
        self._answer = answer

    def cancel(self) -> bool:
        """Tell that it is too late."""
        return False

    def cancelled(self) -> bool:
        """Tell that it was not."""
        return False

    def running(self) -> bool:
        """Tell that it is not any more."""
        return False

    def done(self) -> bool:
        """Tell that it is."""
        return True

    def result(self, timeout: float | None = None) -> T:  # noqa: ARG002 - there is nothing to wait for
        """Return the answer."""
        return self._answer

    def exception(self, timeout: float | None = None) -> None:
        """Tell that there was none."""

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """Call it now."""
        fn(self)
