"""The folder of a calibration or validation: stages kept as they are completed, so that it can stop and go on."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from calibration.posterior import Arrays
from experiments.design import differences
from experiments.failures import BadInput
from experiments.folder_lock import FolderLock
from experiments.manifest import MANIFEST, now
from experiments.output_folder import check_writable

STAGES: Final = "stages"
FORMAT: Final = 1
SHOWN_DIFFERENCES: Final = 8


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that it is there as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".unfinished")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class CalibrationFolder:
    """A folder that takes one calibration or validation.

    Args:
        folder: new, empty, or of the same one. identity, design: what determines the results.
        command: that writes it.

    Raises:
        BadInput: the folder holds something else or cannot be written; nothing has been written.
    """

    def __init__(
        self, folder: Path, identity: str, design: Mapping[str, Any], command: str = "calibrate"
    ) -> None:
        self.folder, self.identity, self.design = folder, identity, dict(design)
        self.command = command
        self._check()
        self._lock: FolderLock | None = None

    def _check(self) -> None:
        if not check_writable(self.folder):
            return
        held = [path.name for path in self.folder.iterdir() if not path.name.startswith(".")]
        if not held:
            return
        try:
            content = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
            design, command = dict(content["design"]), content["command"]
        except (OSError, ValueError, KeyError, TypeError):
            raise BadInput(
                f"--out {self.folder}: is not empty and holds no {MANIFEST}; choose another folder"
            ) from None
        unequal = differences(design, self.design) if command == self.command else [f"command: {command}"]
        if unequal:
            shown = unequal[:SHOWN_DIFFERENCES]
            if len(unequal) > len(shown):
                shown.append(f"... and {len(unequal) - len(shown)} more")
            head = f"--out {self.folder}: holds another design; choose another folder. What differs:"
            raise BadInput("\n  ".join([head, *shown]))

    def __enter__(self) -> CalibrationFolder:
        (self.folder / STAGES).mkdir(parents=True, exist_ok=True)
        self._lock = FolderLock(self.folder)
        self._lock.__enter__()
        if not (self.folder / MANIFEST).exists():
            self.write_json(
                MANIFEST,
                {"format": FORMAT, "command": self.command, "identity": self.identity, "design": self.design,
                 "started": now()},
            )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.__exit__(kind, error, trace)

    def keep(self, name: str, compute: Callable[[], Arrays], /) -> Arrays:
        """Return the arrays of a stage: those kept, or computed and kept. A damaged file is computed again."""
        path = self.folder / STAGES / f"{name}.npz"
        try:
            with np.load(path, allow_pickle=False) as held:
                return {key: held[key] for key in held.files}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, EOFError, KeyError, BadZipFile):
            path.unlink(missing_ok=True)
        arrays = compute()
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # of its switch allow_pickle
        replace_file(path, buffer.getvalue())
        return arrays

    def completed(self) -> int:
        """Return the number of stages and batches kept."""
        return sum(1 for _ in (self.folder / STAGES).glob("*.npz"))

    def write_text(self, name: str, text: str) -> None:
        """Write a text file of the results."""
        replace_file(self.folder / name, text.encode("utf-8"))

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file of the results."""
        self.write_text(name, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
