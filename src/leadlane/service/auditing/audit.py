"""What do a company's exports say of its lead routing? Files become facts and a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from leadlane.core.business_time import Calendar
from leadlane.core.facts import WeeklyHours
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.insight import audit_report
from leadlane.insight.audit import Asked, Audit, audit
from leadlane.insight.costs import Given
from leadlane.insight.section import Report
from leadlane.policy.public_holidays import public_holidays
from leadlane.service.auditing.audit_columns import NAMES
from leadlane.service.auditing.audit_files import Progress, Table, joined, read_tables
from leadlane.service.auditing.audit_leads import Reading, leads_of
from leadlane.service.auditing.audit_prospects import prospects


@dataclass(frozen=True, slots=True)
class AuditFiles:
    """The files of an audit and how they are meant. `mapping`: a column by role, where its name does not say.

    `country` is whose public holidays are free (ISO 3166), "" for none.
    """

    paths: Sequence[str]
    reading: Reading
    hours: WeeklyHours
    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    country: str = ""
    since: datetime | None = None
    until: datetime | None = None
    assumed: Given = field(default_factory=dict)
    currency: str = "EUR"


@dataclass(frozen=True, slots=True)
class Audited:
    """The facts, the report in the reader's language, and the table of the leads that it was made from."""

    audit: Audit
    report: Report
    table: Table
    zone: ZoneInfo


def audit_files(files: AuditFiles, on_progress: Progress | None = None) -> Audited:
    """Audits files; LeadlaneError where one cannot be read, or nothing in them can be used."""
    tables = read_tables(files.paths, files.mapping, files.encoding, on_progress)
    table = joined(tables)
    if not set(table.roles) - {"id", "lead", "deal"}:
        raise LeadlaneError(
            _("no column of {file} is recognised").format(file=", ".join(files.paths)),
            _("say which column is what with --map, for example --map arrived_at=COLUMN --map owner=COLUMN"),
        )
    roles = frozenset(table.roles)
    read, table = leads_of(table, files.reading)
    same, compared_all = prospects(table, on_progress)
    asked = Asked(
        files.reading.zone,
        # All countries' holidays would be read to learn that nobody's are free.
        Calendar(
            files.hours,
            files.reading.zone,
            frozenset(public_holidays(files.country) if files.country else ()),
        ),
        files.since,
        files.until,
        files.assumed,
        read.useless,
        compared_all,
        files.currency,
    )
    found = audit(replace(read.leads, prospect=same), asked, roles)
    if not found.leads.count:
        raise LeadlaneError(
            _("no lead arrived in this period"), _("the files have other dates; change --since and --until")
        )
    columns = _("Columns used: {columns}.").format(
        columns=", ".join(f"{role} = “{column}”" for role, column in sorted(table.roles.items()))
    )
    names = ", ".join(Path(path).name for path in files.paths)
    notes = [_("Files: {names}.").format(names=names), columns, *table.notes, *read.notes]
    examples = {role: role_names[0] if role_names else role for role, role_names in NAMES.items()}
    return Audited(found, audit_report.report(found, examples, notes), table, files.reading.zone)
