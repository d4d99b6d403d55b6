"""What is done with a review? It is made and kept, and its proposals become drafts and files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from psycopg import Connection

from leadlane.core.rulebook import Rulebook
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, current_language
from leadlane.insight.costs import Given
from leadlane.insight.findings import Finding
from leadlane.insight.section import Report as Document
from leadlane.insight.verdicts import Verdict, figures_of
from leadlane.policy.edit import edited
from leadlane.policy.yaml import read_yaml
from leadlane.service import drafts
from leadlane.service.quarterly import review_verdicts
from leadlane.service.quarterly.quarter import Item, Quarterly, Report, as_json, quarterly, read_quarterly
from leadlane.service.quarterly.quarter_words import report_of
from leadlane.service.quarterly.review_basis import FACTORS
from leadlane.service.reporting.periods import Span
from leadlane.store import review_verdicts as store


def make_and_keep(
    connection: Connection,
    book: Rulebook,
    period: Span,
    name: str,
    now: datetime,
    report: Report,
    given: Given | None = None,
) -> Quarterly:
    """The review of a period, made now, and kept in the language of whoever asks."""
    made = quarterly(connection, book, period, name, now, report, given)
    store.keep_review(connection, name, current_language(), as_json(made), now)
    return made


def kept(connection: Connection, name: str) -> Quarterly | None:
    """The review of a period as it was last made; None where there is none, or none that can be read now."""
    row = store.review(connection, name, current_language())
    try:
        made = read_quarterly(row.content) if row is not None else None
    except (KeyError, ValueError, TypeError):
        # It was kept by another version of the program.
        return None
    return made if made is not None and _factors_of(made) <= FACTORS.keys() else None


def _factors_of(made: Quarterly) -> set[str]:
    """What money was reckoned from; another version of the program may have known more."""
    costs = [one.finding.money for one in made.items if one.finding.money is not None]
    return {one.name for one in made.assumptions} | {each.name for one in costs for each in one.factors}


def document(
    connection: Connection, book: Rulebook, made: Quarterly, given: Mapping[str, Verdict] | None = None
) -> Document:
    """The review as sections, with what was said of its findings up to now: `given`, else all of it."""
    given = review_verdicts.verdicts(connection) if given is None else given
    figures = {one.finding.key: figures_of(one.finding) for one in made.items}
    done = review_verdicts.followed(connection, list(given.values()), figures)
    return report_of(made, book.roster, book.zone, given, done)


def item_of(made: Quarterly, key: str) -> Item:
    """A finding of a review by its key. LeadlaneError if it has none of it."""
    found = next((one for one in made.items if one.finding.key == key), None)
    if found is None:
        raise LeadlaneError(
            _("The review {name} has no finding {key}.").format(name=made.name, key=key),
            _("Its findings are: {keys}.").format(
                keys=", ".join(one.finding.key for one in made.items) or _("none")
            ),
        )
    return found


def accept(
    connection: Connection, item: Item, period: str, user_id: str, by: str, reason: str, now: datetime
) -> Verdict:
    """Put the proposal of a finding into the draft of a user, and write down that it was accepted.

    Nothing is published, and the roster stays as it is: what is proposed for it is in the verdict.
    LeadlaneError where there is no proposal that can be made.
    """
    check_can_be_made(item)
    with connection.transaction():
        into_draft(connection, item.finding, user_id, now)
        return review_verdicts.give(connection, item.finding, period, "accepted", by, reason, now)


def check_can_be_made(item: Item) -> None:
    """LeadlaneError for a finding without a proposal, or with one that was refused when it was tried."""
    if item.tried is None:
        raise LeadlaneError(_("Nothing is proposed for this finding: there is nothing to accept."))
    if item.tried.refused:
        raise LeadlaneError(_("This cannot be accepted"), item.tried.refused)


def into_draft(connection: Connection, finding: Finding, user_id: str, now: datetime) -> None:
    """Make the policy edits of a finding's proposal in the draft of a user, whatever else it changes.

    LeadlaneError without a proposal; EditError where the draft has no such place any more.
    """
    if finding.proposal is None:
        raise LeadlaneError(_("Nothing is proposed for this finding: there is nothing to accept."))
    if not finding.proposal.policy:
        return
    draft = drafts.open_draft(connection, user_id)
    data = read_yaml(draft.text).data
    # Who accepts twice, such as by a second click, wants the row once.
    edits = [
        one for one in finding.proposal.policy if one.do != "insert" or not review_verdicts.says(data, [one])
    ]
    text = edited(draft.text, edits)
    if not drafts.keep(connection, user_id, text, draft.edition, draft.begun_from, now):
        raise LeadlaneError(_("The draft has changed meanwhile. Nothing was accepted."), _("Try it again."))


def files_of(item: Item) -> Mapping[str, str]:
    """The changed files of a proposal, by name; none where there is no proposal that can be made."""
    if item.tried is None:
        return {}
    texts = {"policy.yaml": item.tried.policy, "roster.yaml": item.tried.roster}
    return {name: text for name, text in texts.items() if text is not None}
