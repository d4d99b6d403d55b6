"""What became of many leads? Receipts counted as they come, and the counts in words that anyone can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from leadlane.core.policy import Policy
from leadlane.core.trace import Reason
from leadlane.i18n import _, ngettext
from leadlane.intake.problems import did_you_mean
from leadlane.service.batch import Receipt

# Reasons may quote what stood in the row, so that there is no end to how many differ.
MOST_REFUSALS = 50
MOST_UNLISTED = 50
MOST_ROWS_SHOWN = 5


@dataclass(slots=True)
class Refusal:
    """Rows refused for one reason: how many, and where the first ones are (see Summary.by_line)."""

    column: str
    reason: str
    count: int = 0
    rows: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Summary:
    """Counts of what became of leads; takes as much memory for a million as for ten.

    `statuses` counts every receipt. The rest counts leads that were created: `people` and `reviewers` by
    the owner's id, `covered` by the id of whoever covers, `routes` by name, `pools` by the pool that gave
    the person, `waiting` by the pool in which nobody was available, `programs` by name. `moved` counts open
    leads that went elsewhere on news, by (owner's id or destination, route, pool or ""). `unlisted` counts
    rows by a signal that the policy does not count. Refusals say the line of the file; the number of the
    row where not `by_line`. `last_row` is the number of the last row that was dealt with. `rejects` is the
    file of the refused rows; after a trial, the one that a real run would write.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    reviewers: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    pools: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    programs: Counter[str] = field(default_factory=Counter)
    disqualified: Counter[str] = field(default_factory=Counter)
    moved: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    unlisted: Counter[str] = field(default_factory=Counter)
    refusals: dict[tuple[str, str], Refusal] = field(default_factory=dict)
    off_hours: int = 0
    in_review: int = 0
    by_line: bool = True
    last_row: int = 0
    interrupted: bool = False
    rejects: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many leads were dealt with, refused ones included."""
        return sum(self.statuses.values())

    @property
    def automation_share(self) -> float | None:
        """The share (0..1) of decided leads that did not go to a person for review; None without any."""
        decided = self.statuses["created"]
        return 1 - self.in_review / decided if decided else None

    def count(self, receipt: Receipt) -> None:
        """Count what became of one lead; a refused one is counted by `refuse`."""
        self.statuses[receipt.status] += 1
        if receipt.decision is None:
            return
        if receipt.decision.outcome == "moved":
            place = receipt.decision.standing
            self.moved[place.owner or place.destination or "", place.route or "", place.pool or ""] += 1
        if receipt.status != "created":
            return
        standing, reasons = receipt.decision.standing, receipt.decision.reasons
        kind, _colon, target = (standing.destination or "").partition(":")
        self.routes[standing.route or ""] += 1
        self.off_hours += Reason.OFF_HOURS in reasons
        if standing.stage == "review":
            self.in_review += 1
            self.reviewers[standing.owner or ""] += 1
            if receipt.decision.waiting_pool:
                self.waiting[receipt.decision.waiting_pool] += 1
        elif standing.owner is not None:
            self.people[standing.owner] += 1
            if standing.pool is not None:
                self.pools[standing.pool] += 1
        elif kind == "program":
            self.programs[target] += 1
        else:
            self.disqualified[standing.route or ""] += 1
        if standing.covered_by is not None:
            self.covered[standing.covered_by] += 1

    def count_unlisted(self, names: Iterable[str]) -> None:
        """Count one row under each signal that the policy does not count; beyond 50, under a common name."""
        for name in set(names):
            room = name in self.unlisted or len(self.unlisted) < MOST_UNLISTED
            self.unlisted[name if room else _("other signals")] += 1

    def refuse(self, row: int, column: str, reason: str) -> None:
        """Count one refused row under its reason; beyond 50 different ones, under a common one."""
        self.statuses["refused"] += 1
        key = (column, reason)
        if key not in self.refusals and len(self.refusals) >= MOST_REFUSALS:
            key = ("", _("other reasons; the file of rejected rows has them"))
        refusal = self.refusals.setdefault(key, Refusal(*key))
        refusal.count += 1
        if len(refusal.rows) < MOST_ROWS_SHOWN:
            refusal.rows.append(row)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a section: what was counted, how many, and what is to be said about it."""

    label: str
    count: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Lines that belong together."""

    heading: str
    lines: tuple[Line, ...]


def sections(summary: Summary, policy: Policy, names: Mapping[str, str]) -> list[Section]:
    """The counts in words, largest first; sections without lines are left out. `names`: people by id."""
    targets = {route.name: route for route in policy.routes}
    people = {person: f"{names[person]} ({person})" for person in names}
    found = [
        Section(_("Leads"), tuple(_fates(summary))),
        Section(_("Who got how many"), tuple(_people_lines(summary, people))),
        Section(
            _("By route"),
            tuple(
                Line(name, n, targets[name].description if name in targets else "")
                for name, n in summary.routes.most_common()
            ),
        ),
        Section(_("By pool"), tuple(_counted(summary.pools))),
        Section(_("Open leads that moved because of news"), tuple(_moved_lines(summary, people))),
        Section(_("To review, a person decides"), tuple(_review_lines(summary, people))),
        Section(
            _("To nurture"),
            tuple(
                Line(name, n, policy.programs[name].description if name in policy.programs else "")
                for name, n in summary.programs.most_common()
            ),
        ),
        Section(
            _("Disqualified"),
            tuple(
                Line(
                    targets[name].target if name in targets else name, n, _("route {name}").format(name=name)
                )
                for name, n in summary.disqualified.most_common()
            ),
        ),
        Section(_("Signals that the policy does not count"), tuple(_unlisted_lines(summary, policy))),
        Section(_("Refused rows"), tuple(_refusal_lines(summary))),
    ]
    return [section for section in found if section.lines]


def automation_line(summary: Summary, policy: Policy) -> str:
    """A sentence on the automation share and the policy's target; "" when nothing was decided."""
    share = summary.automation_share
    if share is None:
        return ""
    low, high = policy.limits.automation_share
    if share < low:
        text = _(
            "Automation share {share}: below the target of {low} to {high}, too many leads wait for a person."
        )
    elif share > high:
        text = _(
            "Automation share {share}: above the target of {low} to {high}, few leads were seen by a person."
        )
    else:
        text = _("Automation share {share}: within the target of {low} to {high}.")
    return text.format(share=f"{share:.1%}", low=f"{low:.0%}", high=f"{high:.0%}")


def _fates(summary: Summary) -> Iterable[Line]:
    texts = (
        ("created", _("new, decided and placed"), ""),
        ("merged", _("prevented duplicates"), _("the same person has an open lead; merged into it")),
        ("updated", _("news of open leads"), ""),
        ("repeated", _("already there"), _("known from before; nothing changed")),
        ("refused", _("refused"), ""),
    )
    for status, label, note in texts:
        if summary.statuses[status]:
            yield Line(label, summary.statuses[status], note)


def _people_lines(summary: Summary, people: Mapping[str, str]) -> Iterable[Line]:
    for person, count in summary.people.most_common():
        yield Line(people.get(person, person), count)
    for person, count in summary.covered.most_common():
        yield Line(people.get(person, person), count, _("covers for an owner who is away"))
    if summary.off_hours:
        yield Line(
            _("outside working hours"),
            summary.off_hours,
            _("of these; they wait for the owner's next opening"),
        )


def _moved_lines(summary: Summary, people: Mapping[str, str]) -> Iterable[Line]:
    for (holder, route, pool), count in summary.moved.most_common():
        note = _("pool {pool}, route {name}") if pool else _("route {name}")
        yield Line(people.get(holder, holder), count, note.format(pool=pool, name=route))


def _unlisted_lines(summary: Summary, policy: Policy) -> Iterable[Line]:
    known = {item.signal for items in policy.intent.values() for item in items}
    for name, count in summary.unlisted.most_common():
        yield Line(name, count, did_you_mean(name, known))


def _review_lines(summary: Summary, people: Mapping[str, str]) -> Iterable[Line]:
    for person, count in summary.reviewers.most_common():
        yield Line(people.get(person, person) if person else _("nobody: the review pool is empty"), count)
    for pool, count in summary.waiting.most_common():
        yield Line(
            _("nobody available in {pool}").format(pool=pool),
            count,
            _("of these; they stay in line for the pool"),
        )


def _refusal_lines(summary: Summary) -> Iterable[Line]:
    for refusal in sorted(summary.refusals.values(), key=lambda one: -one.count):
        rows = ", ".join(map(str, refusal.rows)) + (" …" if refusal.count > len(refusal.rows) else "")
        if summary.by_line:
            where = ngettext("line {rows}", "lines {rows}", refusal.count).format(rows=rows)
        else:
            where = ngettext("row {rows}", "rows {rows}", refusal.count).format(rows=rows)
        if refusal.column:
            where = _("column {column}, {rows}").format(column=refusal.column, rows=where)
        yield Line(refusal.reason, refusal.count, where)


def _counted(counter: Counter[str]) -> Iterable[Line]:
    return (Line(name, count) for name, count in counter.most_common())
