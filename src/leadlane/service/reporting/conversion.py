"""What became of the leads that arrived in a period?"""

from __future__ import annotations

from datetime import datetime

from psycopg import Connection

from leadlane.core.rulebook import Rulebook
from leadlane.insight.conversion_report import ConversionReport, conversion_report
from leadlane.service.reporting.facts import facts
from leadlane.service.reporting.report_kind import Asked


def conversion_of(connection: Connection, book: Rulebook, asked: Asked, now: datetime) -> ConversionReport:
    """The conversion of the leads that arrived in a period, as they stand now; of a team: those it has.

    Teams and regions are those of the roster in `book`. Groups are named by their ids.
    """
    leads = facts(connection, book, asked.period.since, asked.period.until)
    if asked.team is not None:
        team = leads.groups["team"]
        number = team.names.index(asked.team) if asked.team in team.names else len(team.names)
        leads = leads.only(team.codes == number)
    return conversion_report(leads, asked.by, now)
