"""What goes on beside the caller from `with` to its end, in threads of its own."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self


class Background(ABC):
    """Threads that begin with `with` and are told to end at its end; used once."""

    patience = 5.0
    """Seconds that the end of the threads is waited for; 0: they end when they next look, nobody waits."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    @abstractmethod
    def _work(self) -> Mapping[str, Callable[[], None]]:
        """Return what is done until `_ended` is set, by the name of its thread."""

    def __enter__(self) -> Self:
        for name, function in self._work().items():
            thread = threading.Thread(target=function, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        end = time.monotonic() + self.patience
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
