"""What happens to the leads of the demonstration company over time? What falls due, and what people do."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from heapq import heappop, heappush

from psycopg import Connection

from leadlane.core.act import Act
from leadlane.core.match import Keys
from leadlane.core.rulebook import Rulebook
from leadlane.demo import behaviour, company
from leadlane.demo.behaviour import Ending, Reaction
from leadlane.service.acts import act, submit_acts
from leadlane.service.batch import Receipt
from leadlane.service.late_outcomes import Reporter, Said, record
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.run_due import run_until
from leadlane.service.submission import act_submission
from leadlane.store import due, leads
from leadlane.store.leads import LeadRow

# One lead of so many of the last two weeks is forgotten until somebody is reminded of it.
_FORGOTTEN_EVERY = 12
_BEFORE_A_STEP, _AFTER_A_STEP = timedelta(minutes=4), timedelta(minutes=3)
_UNTIL_NEXT_STEP = timedelta(days=company.DAYS)
_REVIEWER = "olga"
_HOUR = timedelta(hours=1)
# In the evening people write down what has ended; what they forget comes with a file of the CRM, much later.
_EVENING, _FILE_COMES_AFTER = time(18, 0), timedelta(days=21)
_CRM, _MARKETING = Reporter(name="CRM"), "Marketing"


@dataclass(frozen=True, slots=True)
class _Plan:
    """What whoever got a lead is going to do with it."""

    person: str
    held_since: datetime
    reaction: Reaction


@dataclass(frozen=True, slots=True)
class _Closing:
    """An end that somebody will write down."""

    lead_id: str
    ending: Ending
    by: str | None


@dataclass(slots=True)
class Play:
    """The company while it is played, from `clock` to `now`. `connection` routes batches, in autocommit."""

    connection: Connection
    books: Rulebooks
    clock: datetime
    now: datetime
    _book: Rulebook = field(init=False)
    _agenda: list[tuple[datetime, int, str, str]] = field(default_factory=list)
    _entered: int = 0
    _foreseen: int = 0
    _plans: dict[str, _Plan] = field(default_factory=dict)
    _hands: Counter[str] = field(default_factory=Counter)
    _queues: dict[str, deque[datetime]] = field(default_factory=lambda: defaultdict(deque))
    _closings: list[tuple[datetime, str, _Closing]] = field(default_factory=list)
    _late: list[tuple[datetime, str, _Closing]] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Nobody publishes anything meanwhile: to ask each time would be a tenth of all that is asked.
        self._book = self.books.current(self.connection)
        self._enter(self._evening_after(self.clock), "evening", "")

    # ------------------------------------------------------------ time

    def pass_until(self, until: datetime) -> None:
        """Time passes: what falls due happens, and people do what they are going to do."""
        while self._agenda and self._agenda[0][0] <= until:
            at, _number, what, lead_id = heappop(self._agenda)
            self._advance(at)
            _DEEDS[what](self, lead_id)
        self._advance(until)

    def _advance(self, until: datetime) -> None:
        until = max(until, self.clock)
        # Nobody is away here: but for steps of chases, things fall due at midnight only.
        due_at = due.next_chase_at(self.connection)
        if (due_at is not None and due_at <= until) or until.date() != self.clock.date():
            run_until(self.connection, self.books, self.clock, until)
        self.clock = until

    def _enter(self, at: datetime, what: str, lead_id: str) -> None:
        self._entered += 1
        heappush(self._agenda, (max(at, self.clock), self._entered, what, lead_id))

    def _evening_after(self, moment: datetime) -> datetime:
        local = moment.astimezone(company.ZONE)
        evening = datetime.combine(local.date(), _EVENING, company.ZONE)
        return evening if evening > local else evening + timedelta(days=1)

    def _act(self, row: LeadRow, one: Act) -> None:
        # With the company that must be held, or the batch would learn of it only by meeting the lead, and
        # begin again.
        submission = replace(act_submission(one, self.clock), keys=Keys(None, row.domain))
        submit_acts(self.connection, self.books, [submission], self.clock)

    # ------------------------------------------------------------ the last two weeks

    def foresee_answer(self, receipt: Receipt) -> None:
        """Whoever got a lead will answer it before they would be reminded, or after, when it is forgotten."""
        decision = receipt.decision
        if decision is None or decision.standing.chase_at is None:
            return
        step_at = decision.standing.chase_at
        in_time = max(step_at - _BEFORE_A_STEP, self.clock + (step_at - self.clock) / 2)
        is_forgotten = self._foreseen % _FORGOTTEN_EVERY == 0
        self._foreseen += 1
        self._enter(step_at + _AFTER_A_STEP if is_forgotten else in_time, "call", receipt.lead_id)

    def _call(self, lead_id: str) -> None:
        row = leads.get(self.connection, lead_id)
        if row is not None and row.owner is not None and row.responded_at is None:
            due_at = self.clock + _UNTIL_NEXT_STEP
            self._act(row, Act(lead_id, "touch", row.covered_by or row.owner, how="call", due_at=due_at))

    # ------------------------------------------------------------ the months before

    def foresee(self, lead_id: str) -> None:
        """Whoever got a lead is going to do something with it; so is who reviews, and who nurtures."""
        row = leads.get(self.connection, lead_id)
        if row is None or row.stage == "closed" or row.responded_at is not None:
            return
        if row.stage == "nurture":
            nurtured = behaviour.nurturing(row.id)
            if nurtured is not None:
                closing = _Closing(row.id, nurtured, None)
                heappush(self._closings, (self.clock + nurtured.after, row.id, closing))
        elif row.stage == "review":
            takes = timedelta(minutes=behaviour.review_minutes(row.id))
            self._enter(self._working(_REVIEWER, self.clock) + takes, "review", row.id)
        else:
            self._plan(row)

    def _plan(self, row: LeadRow) -> None:
        person, since = row.covered_by or row.owner, row.held_since
        calendar = self._book.calendars.get(person or "")
        if person is None or since is None or calendar is None:
            return
        begins = calendar.next_open(since)
        promised = None
        if row.respond_by is not None:
            promised = max(0, round(calendar.between(since, row.respond_by) / timedelta(minutes=1)))
        self._hands[row.id] += 1
        reaction = behaviour.reaction(
            row.id, row.route, person, self._hands[row.id], promised, self._in_queue(person, begins)
        )
        self._plans[row.id] = _Plan(person, since, reaction)
        if reaction.accepts_after is not None:
            self._enter(calendar.add_minutes(begins, reaction.accepts_after), "accept", row.id)
        self._enter(calendar.add_minutes(begins, reaction.minutes), "react", row.id)

    def _in_queue(self, person: str, begins: datetime) -> int:
        """How many leads came to a person in the hour before, and are before this one."""
        queue = self._queues[person]
        while queue and queue[0] < begins - _HOUR:
            queue.popleft()
        queue.append(begins)
        return len(queue) - 1

    def _working(self, person: str, moment: datetime) -> datetime:
        calendar = self._book.calendars.get(person)
        return calendar.next_open(moment) if calendar is not None else moment

    def _held(self, lead_id: str) -> tuple[LeadRow, _Plan] | None:
        """A lead that is still with whoever planned something; if it is elsewhere, they plan anew."""
        row, plan = leads.get(self.connection, lead_id), self._plans.get(lead_id)
        if row is None or row.stage == "closed" or row.responded_at is not None or plan is None:
            return None
        if (row.covered_by or row.owner, row.held_since) != (plan.person, plan.held_since):
            self.foresee(lead_id)
            return None
        return row, plan

    def _accept(self, lead_id: str) -> None:
        held = self._held(lead_id)
        if held is not None and held[0].accepted_at is None:
            self._act(held[0], Act(lead_id, "accept", held[1].person))

    def _react(self, lead_id: str) -> None:
        held = self._held(lead_id)
        if held is None:
            return
        row, plan = held
        reaction = plan.reaction
        if reaction.deed == "answer" or (reaction.deed == "decline" and row.stage == "review"):
            self._answer(row, plan.person)
            return
        del self._plans[lead_id]
        if reaction.deed == "decline":
            self._act(row, Act(lead_id, "decline", plan.person, reason=reaction.reason))
        elif reaction.deed == "dispute":
            self._act(row, Act(lead_id, "dispute", plan.person, reason=reaction.reason))
        else:
            by = behaviour.OVERRULED_BY
            self._act(row, Act(lead_id, "reassign", by, to=reaction.to, reason=reaction.reason))
        self.foresee(lead_id)

    def _answer(self, row: LeadRow, person: str) -> None:
        """Somebody answers, and the story will end."""
        roster = self._book.roster.people
        team = next(iter(roster[person].teams), "")
        minutes = round((self.clock - row.arrived_at) / timedelta(minutes=1))
        ending = behaviour.ending(row.id, row.fields, row.segment or "", team, minutes, row.intent)
        ends_at = self._working(person, self.clock + ending.after)
        closing = _Closing(row.id, ending, person)
        heappush(self._late if ending.is_late else self._closings, (ends_at, row.id, closing))
        # Of what is open in the end, the next step is still ahead.
        ahead = self.now + timedelta(days=1 + len(self._closings) % 9)
        due_at = ends_at if ends_at < self.now and not ending.is_late else self._working(person, ahead)
        self._act(row, Act(row.id, "touch", person, how=behaviour.touch_of(row.id), due_at=due_at))

    def _review(self, lead_id: str) -> None:
        row = leads.get(self.connection, lead_id)
        if row is None or row.stage != "review":
            return
        # What waits in line is given to somebody all the same: a person has looked at it.
        to = behaviour.taker(lead_id) if row.waiting_pool else behaviour.placed(lead_id, row.fields)
        self._act(row, Act(lead_id, "review", _REVIEWER, to=to))
        self.foresee(lead_id)

    def _end_the_day(self, _none: str) -> None:
        """People write down what has ended, each with the moment when it did; then comes the CRM's file."""
        acts = []
        while self._closings and self._closings[0][0] <= self.clock:
            ended_at, lead_id, one = heappop(self._closings)
            acts.append(_close(lead_id, one, ended_at))
        if acts:
            act(self.connection, self.books, acts, self.clock)
        said = []
        while self._late and self._late[0][0] <= self.clock - _FILE_COMES_AFTER:
            ended_at, lead_id, one = heappop(self._late)
            said.append(Said(one.ending.outcome, (lead_id,), value=one.ending.value, closed_at=ended_at))
        if said:
            record(self.connection, self.books, said, _CRM, self.clock)
        self._enter(self._evening_after(self.clock + _HOUR), "evening", "")


def _close(lead_id: str, one: _Closing, ended_at: datetime) -> Act:
    return Act(
        lead_id,
        "close",
        by=one.by,
        outcome=one.ending.outcome,
        value=one.ending.value,
        user="" if one.by else _MARKETING,
        closed_at=ended_at,
    )


_DEEDS: Mapping[str, Callable[[Play, str], None]] = {
    "call": Play._call,
    "accept": Play._accept,
    "react": Play._react,
    "review": Play._review,
    "evening": Play._end_the_day,
}
