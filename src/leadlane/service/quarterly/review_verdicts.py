"""What did people say of the findings of a review, and what came of those that they accepted?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Connection

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.insight.findings import Finding
from leadlane.insight.proportions import Estimate
from leadlane.insight.verdicts import Figures, Said, Verdict, change, figures_of
from leadlane.policy.edit import Edit, EditError, Place, applied
from leadlane.policy.yaml import read_yaml
from leadlane.service.publish import current_document
from leadlane.service.roster_text import roster_data
from leadlane.store import policies, review_verdicts
from leadlane.store.policies import Publication
from leadlane.store.review_verdicts import VerdictRow

LONGEST_REASON = 1_000


class ReasonError(LeadlaneError):
    """The reason of a verdict is missing, or too long."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of an accepted finding.

    `published`: the first publication after it that says what was proposed, None where there is none yet.
    `in_roster`: the roster says what was proposed for it (True where nothing was). `now`: its figures in the
    quarter that is looked at, None where it is not found any more; `change`: the effect now less then.
    """

    verdict: Verdict
    published: Publication | None
    in_roster: bool
    now: Figures | None
    change: Estimate | None

    @property
    def is_done(self) -> bool:
        """Whether what was accepted holds by now."""
        return self.in_roster and (self.published is not None or not self.verdict.policy)


def give(
    connection: Connection,
    finding: Finding,
    period: str,
    said: Said,
    by: str,
    reason: str,
    now: datetime,
) -> Verdict:
    """Write down what somebody says of a finding of a period.

    ReasonError for a reason that is missing, where it is dismissed, or too long.
    """
    reason = checked_reason(said, reason)
    proposal = finding.proposal
    verdict = Verdict(
        finding.key,
        period,
        said,
        now,
        by,
        reason,
        finding.title,
        figures_of(finding),
        proposal.policy if proposal else (),
        proposal.roster if proposal else (),
    )
    review_verdicts.add_verdict(connection, _row(verdict))
    return verdict


def reopen(connection: Connection, verdict: Verdict, by: str, now: datetime) -> None:
    """Take back what was said of a finding: it waits for a decision again."""
    review_verdicts.add_verdict(connection, _row(replace(verdict, said="reopened", at=now, by=by, reason="")))


def checked_reason(said: Said, reason: str) -> str:
    """The reason as it is kept. ReasonError where one is missing, or longer than anybody reads."""
    reason = reason.replace("\0", "\ufffd").strip()
    if said == "dismissed" and not reason:
        raise ReasonError(
            _("Say why it is dismissed."), _("The next review shows the reason to whoever looks at it.")
        )
    if len(reason) > LONGEST_REASON:
        raise ReasonError(
            _("The reason is too long: {n} characters.").format(n=len(reason)),
            _("At most {most} characters are kept.").format(most=LONGEST_REASON),
        )
    return reason


def verdicts(connection: Connection) -> dict[str, Verdict]:
    """What counts of what was said, by key of the finding, the newest first; reopened ones are left out."""
    found = (_verdict(row) for row in review_verdicts.last_verdicts(connection))
    return {one.finding: one for one in found if one.said != "reopened"}


def history(connection: Connection, finding: str) -> list[Verdict]:
    """All that was ever said of a finding, the newest first."""
    return [_verdict(row) for row in review_verdicts.history(connection, finding)]


def followed(connection: Connection, given: Sequence[Verdict], now: Mapping[str, Figures]) -> list[Followed]:
    """What came of the accepted ones among verdicts; `now` are the figures of the findings of a period."""
    accepted = [one for one in given if one.said in ("accepted", "edited")]
    if not accepted:
        return []
    published = policies.publications(connection)[::-1]
    sources = policies.sources(connection, {one.version for one in published})
    data = {version: read_yaml(text).data for version, text in sources.items()}
    policy_texts = [(one, data[one.version]) for one in published]
    roster = roster_data(current_document(connection))
    found = []
    for one in accepted:
        figures = now.get(one.finding)
        # In the quarter in which it was accepted nothing has changed yet.
        since = change(one.figures, figures) if figures and figures != one.figures else None
        # What somebody made of a proposal for people cannot be told from what else changed of them.
        in_roster = one.said == "edited" or says(roster, one.roster)
        found.append(Followed(one, _published(policy_texts, one), in_roster, figures, since))
    return found


def _published(texts: Sequence[tuple[Publication, Any]], verdict: Verdict) -> Publication | None:
    """The first publication after a verdict that says what it accepted; for an edited one, that says anything
    else where the edits are than what was in force when it was given.
    """
    before = next((data for one, data in reversed(texts) if one.published_at < verdict.at), None)
    for one, data in texts:
        if one.published_at < verdict.at or not verdict.policy:
            continue
        if says(data, verdict.policy):
            return one
        changed = any(_value(data, edit.at) != _value(before, edit.at) for edit in verdict.policy)
        if verdict.said == "edited" and changed:
            return one
    return None


def _value(data: Any, place: Place) -> Any:
    """What stands at a place, None where there is nothing."""
    for step in place:
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, Sequence) and not isinstance(data, str):
            rows = [
                row for row in data if isinstance(row, Mapping) and step in (row.get("id"), row.get("name"))
            ]
            data = rows[0] if rows else None
        else:
            return None
    return data


def says(data: Any, edits: Sequence[Edit]) -> bool:
    """Whether a document says already what edits would make it say."""
    return all(_says(data, edit) for edit in edits)


def _says(data: Any, edit: Edit) -> bool:
    if edit.do == "insert":
        # Where a row was put is the author's business, and its place may be gone: that it is there counts.
        inside = _value(data, edit.at[:-1])
        return isinstance(inside, list) and edit.value in inside
    try:
        return bool(applied(data, [edit]) == data)
    except EditError:
        return edit.do == "remove"


# ---------------------------------------------------------------- as it is stored


def figures_json(figures: Figures) -> dict[str, Any]:
    """Figures as JSON; `read_figures` reads them."""
    return asdict(figures)


def read_figures(raw: Mapping[str, Any]) -> Figures:
    """Figures as they were stored."""
    effect, money = raw["effect"], raw["money"]
    return Figures(
        raw["certainty"],
        raw["leads"],
        Estimate(**effect) if effect else None,
        (money[0], money[1], money[2]) if money else None,
    )


def edits_json(edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """Edits as JSON; `read_edits` reads them."""
    return [asdict(edit) for edit in edits]


def read_edits(raw: Sequence[Mapping[str, Any]]) -> tuple[Edit, ...]:
    """Edits as they were stored."""
    return tuple(Edit(one["do"], tuple(one["at"]), one["value"]) for one in raw)


def _row(verdict: Verdict) -> VerdictRow:
    return VerdictRow(
        verdict.finding,
        verdict.period,
        verdict.said,
        verdict.at,
        verdict.by,
        verdict.reason,
        figures_json(verdict.figures),
        {
            "title": verdict.title,
            "policy": edits_json(verdict.policy),
            "roster": edits_json(verdict.roster),
        },
    )


def _verdict(row: VerdictRow) -> Verdict:
    proposal = row.proposal
    return Verdict(
        row.finding,
        row.period,
        row.verdict,
        row.given_at,
        row.given_by,
        row.reason,
        proposal["title"],
        read_figures(row.figures),
        read_edits(proposal["policy"]),
        read_edits(proposal["roster"]),
    )
