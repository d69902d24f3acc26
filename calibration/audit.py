"""The audit: what the data say about themselves (docs/specification.md section 6), check by check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from calibration.audit_checks_ages import check_age_structure
from calibration.audit_checks_counts import check_dating, check_rebasing, check_regional_sum
from calibration.audit_checks_labour import check_ratios, check_same_series, check_wages
from calibration.audit_checks_migration import check_accounts
from calibration.audit_checks_output import check_shared_numerator
from calibration.audit_checks_register import check_register_event
from calibration.audit_checks_text import check_text
from calibration.audit_data import AuditData, read_audit_data
from calibration.audit_findings import FOUND, Finding

# In the order of docs/specification.md section 6
CHECKS: Final[tuple[Callable[[AuditData], Finding], ...]] = (
    check_dating,
    check_accounts,
    check_regional_sum,
    check_register_event,
    check_same_series,
    check_shared_numerator,
    check_wages,
    check_ratios,
    check_text,
    check_rebasing,
    check_age_structure,
)


@dataclass(frozen=True, eq=False)
class Audit:
    """All findings about one world's data, in the order of the checks."""

    data: AuditData
    findings: tuple[Finding, ...]

    def finding(self, name: str) -> Finding:
        """Return the finding of one check by its id.

        Raises:
            KeyError: no check of that name.
        """
        for finding in self.findings:
            if finding.id == name:
                return finding
        raise KeyError(f"no check '{name}'; checks: {', '.join(one.id for one in self.findings)}")

    @property
    def found(self) -> tuple[str, ...]:
        """Return the ids of the defects that are in the data."""
        return tuple(one.id for one in self.findings if one.verdict == FOUND)

    def as_json(self) -> dict[str, Any]:
        """Return the audit for other programs."""
        return {
            "world": self.data.world,
            "places": list(self.data.places),
            "data_digest": self.data.digest,
            "files": [str(path) for path in self.data.sources],
            "found": list(self.found),
            "findings": [finding.as_json() for finding in self.findings],
        }


def audit(data: AuditData) -> Audit:
    """Make every check on the data."""
    return Audit(data, tuple(check(data) for check in CHECKS))


def audit_world(world: str, folder: Path | None = None) -> Audit:
    """Read a world's files, or those that stand in for them in ``folder``, and audit them.

    Raises:
        WorldError: lists every file, line and key that cannot be read.
    """
    return audit(read_audit_data(world, folder))
