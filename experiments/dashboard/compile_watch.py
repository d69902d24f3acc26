"""Watches the folder of compiled kernels, so that a reader who waits for the first compilation sees it advance."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

KERNELS = 330  # compiled functions of the model and the twin, about; only for the bar
FEW = 3  # a kernel or two may be specialised anew at any time: nothing to speak of
SECONDS = 1.0


class CompileWatch:
    """Calls `on_progress(done, of)` every second while new kernels appear in a folder. Use it as a context.

    Kernels count from `since` on (seconds since the epoch), so that a second watch goes on where the first ended.
    """

    def __init__(
        self,
        folder: Path,
        on_progress: Callable[[int, int], None],
        seconds: float = SECONDS,
        since: float | None = None,
    ) -> None:
        self.folder, self.on_progress, self.seconds = folder, on_progress, seconds
        self._ended = threading.Event()
        self._before = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._begun = (
            time.time() if since is None else since
        ) - 0.05  # times of files are coarser than the clock

    def __enter__(self) -> CompileWatch:
        self._before = self._compiled()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(self.seconds):
            done = self._compiled()
            # What an earlier watch has counted is no sign of work now: one kernel more would look like a tenth of all
            if done - self._before >= FEW:
                self.on_progress(min(done, KERNELS - 1), KERNELS)

    def _compiled(self) -> int:
        """Kernels written since the watch began."""
        count = 0
        for path in self.folder.rglob("*.nbc"):
            try:
                count += path.stat().st_mtime >= self._begun
            except OSError:  # another process prunes at the same time
                continue
        return count
