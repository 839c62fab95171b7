"""Ctrl-C in a training: at once, but not while a step changes the parameters."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, NoReturn

__all__ = ["Interruption"]


class Interruption:
    """A context manager: inside, Ctrl-C raises KeyboardInterrupt, except between `hold` and `release`, which raises it.

    It does nothing where Ctrl-C does not raise KeyboardInterrupt: in another thread, or under a handler of the user's.
    Before it raises, it puts Python's own handler back: `__exit__` may be what is interrupted.

    >>> with Interruption() as interruption:
    ...     interruption.hold()
    ...     interruption.release()
    """

    def __init__(self) -> None:
        self._held = False
        self._came = False
        self._installed = False

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._installed = signal.getsignal(signal.SIGINT) is signal.default_int_handler
            if self._installed:
                signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def hold(self) -> None:
        """Let Ctrl-C wait."""
        self._held = True

    def release(self) -> None:
        """Raise the KeyboardInterrupt that has waited."""
        self._held = False
        if self._came:
            self._interrupt()

    def _handle(self, number: int, frame: FrameType | None) -> Any:
        if not self._held:
            self._interrupt()
        self._came = True

    def _interrupt(self) -> NoReturn:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._came = False
        raise KeyboardInterrupt
