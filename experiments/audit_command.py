"""`qyzyljar audit`: what the data say about themselves, as table, JSON, CSV and figure."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from calibration.audit import Audit, audit_world
from experiments.audit_tables import findings_csv, numbers_csv, print_audit
from experiments.failures import BadInput, RunFailure
from experiments.output_folder import check_writable
from model.problems import WorldError

RESULTS: Final = Path("results")
NARROWEST: Final = 150
FORMAT: Final = 1
REPORT: Final = "audit.json"
FINDINGS: Final = "findings.csv"
NUMBERS: Final = "numbers"
FIGURES: Final = "figures"


@dataclass(frozen=True)
class AuditOptions:
    """What the user asked for. `data`: files that stand in for the shipped ones. `out` None: by the data."""

    world: str = "towns"
    data: Path | None = None
    as_json: bool = False
    out: Path | None = None
    figures: bool = True
    quiet: bool = False


def run_audit(options: AuditOptions) -> Path:
    """Audit the data, print the findings, write them; return the folder of the results.

    Raises:
        BadInput: a file that cannot be read, a folder that holds something else; nothing is written.
        RunFailure: the results could not be written.
    """
    try:
        audit = audit_world(options.world, options.data)
    except WorldError as error:
        raise BadInput(str(error)) from None
    name = Path(options.world).stem
    out = options.out or RESULTS / f"audit-{name}-{audit.data.digest[:10]}"
    _check_folder(out, audit)
    report = {"format": FORMAT, "command": "audit", **audit.as_json()}
    console = Console(quiet=options.quiet)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    if options.as_json:
        if not options.quiet:
            print(json.dumps(report, indent=1, ensure_ascii=False))
    else:
        print_audit(console, audit)
    try:
        _write(out, audit, report, options.figures)
    except OSError as error:
        raise RunFailure(
            f"{out}: the audit could not be written: {error}\nrepeat the same command with --out {out}"
        ) from error
    if not options.as_json:
        console.print(f"Results: {out}", markup=False, highlight=False, soft_wrap=True)
    return out


def _check_folder(out: Path, audit: Audit) -> None:
    """Refuse a folder that cannot be written or holds anything but an audit of the same data."""
    held_names = {path.name for path in out.iterdir()} if check_writable(out) else set()
    if held_names <= {NUMBERS, FINDINGS, FIGURES}:
        return  # empty, or left behind by an audit that could not be written to its end
    try:
        held = json.loads((out / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BadInput(f"--out {out}: is not empty and holds no {REPORT}; choose another folder") from None
    there = held.get("data_digest") if isinstance(held, dict) else None
    if there != audit.data.digest:
        raise BadInput(f"--out {out}: holds the audit of other data; choose another folder")


def _write(out: Path, audit: Audit, report: dict[str, Any], figures: bool) -> None:
    """Write numbers and figures first and the report last: where it stands, all is there."""
    (out / NUMBERS).mkdir(parents=True, exist_ok=True)
    for finding in audit.findings:
        if finding.numbers:
            _replace(out / NUMBERS / f"{finding.id}.csv", numbers_csv(finding))
    _replace(out / FINDINGS, findings_csv(audit))
    if figures:
        from experiments.audit_charts import draw_audit

        draw_audit(audit, out / FIGURES)
    _replace(out / REPORT, json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def _replace(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".unfinished")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
