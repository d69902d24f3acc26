"""Who writes in a folder: locks that the operating system drops when the process ends, however it ends.

A command takes the folder for itself. Shards of one design may write side by side: each holds a lock of its own and
shares the folder's with the other shards, which keeps out commands that want the folder for themselves.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

from experiments.failures import BadInput

LOCK_FILE = ".lock"

if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[str], shared: bool) -> None:
        # Windows has no shared lock here: see __enter__
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(file: IO[str], shared: bool) -> None:
        fcntl.flock(file.fileno(), (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


class FolderLock:
    """Holds `.lock` in a folder while a command writes there.

    Args:
        folder: where. shard: label of the shard that writes, None for a command that needs the folder for itself.

    Raises:
        BadInput: another process holds it.
    """

    def __init__(self, folder: Path, shard: str | None = None) -> None:
        self.path, self._shard = folder / LOCK_FILE, shard
        self._files: list[IO[str]] = []

    def __enter__(self) -> FolderLock:
        try:
            if self._shard is not None:
                self._hold(self.path.with_name(f"{LOCK_FILE}.{self._shard}"), shared=False)
            self._hold(self.path, shared=self._shard is not None)
            if sys.platform == "win32":
                # Without shared locks a command alone takes those of all shards, which let go of the common one
                if self._shard is not None:
                    self._files.pop().close()
                else:
                    for path in self.path.parent.glob(f"{LOCK_FILE}.*"):
                        self._hold(path, shared=False)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _hold(self, path: Path, shared: bool) -> None:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - closed by __exit__
        try:
            _take(file, shared)
        except OSError:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            who = f" (process {holder})" if holder.isdigit() else ""
            raise BadInput(
                f"--out {self.path.parent}: another command is writing there{who}; "
                "wait for it or choose another folder"
            ) from None
        self._files.append(file)
        file.seek(0)
        file.truncate()
        if not shared:
            file.write(str(os.getpid()))
        file.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._files:
            self._files.pop().close()
