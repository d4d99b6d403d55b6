"""Does everything hold that must hold at every moment? What the database says, against a model of its own.

The model is told nothing by the services: it reads the decisions and the timeline as they are committed,
folds them, and compares with the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection
from psycopg.rows import dict_row

from leadlane.core.act import REACHING_OUT
from leadlane.core.chase import chase_of
from leadlane.core.facts import WORKED_STAGES, Person
from leadlane.core.pick import covering, is_away
from leadlane.core.rulebook import Rulebook
from leadlane.service.replay import replay_all
from leadlane.service.rulebooks import Rulebooks
from leadlane.store.watchdog import violations

Row = dict[str, Any]

_LEADS = """
SELECT id, arrived_at, stage, owner, covered_by, destination, waiting_pool, service_level, respond_by,
       responded_at, next_step, excluded, policy_version, held_since, chase_at, chased, place
  FROM leads ORDER BY id
"""
_DECISIONS = """
SELECT batch_id, number, lead_id, at, outcome, trace::text AS trace FROM decisions
 WHERE batch_id <> ALL(%s) ORDER BY batch_id, number
"""
_EVENTS = "SELECT id, lead_id, event, details FROM timeline WHERE id <> ALL(%s) ORDER BY id"


class Broken(AssertionError):
    """Something does not hold; `check` names what."""

    def __init__(self, check: str, details: str) -> None:
        super().__init__(f"{check}: {details}")
        self.check = check


@dataclass(slots=True)
class Told:
    """Where a lead is, if its timeline is all that one has."""

    stage: str = "new"
    owner: str | None = None
    covered_by: str | None = None
    destination: str | None = None


@dataclass(slots=True)
class Watch:
    """Everything that is known from outside, and what it must agree with."""

    db: Connection[Any]
    books: Rulebooks = field(default_factory=Rulebooks)
    batches: list[int] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)
    owners: dict[str, str | None] = field(default_factory=dict)  # of open leads
    today: Counter[tuple[str, date]] = field(default_factory=Counter)
    steps: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # by lead, holder's start, action
    chased: Counter[str] = field(default_factory=Counter)  # decisions about a chase since the last check
    rose: set[str] = field(default_factory=set)  # leads whose intent rose since the last check
    given_up: set[str] = field(default_factory=set)  # leads that nobody had to answer since the last check
    rows: dict[str, Row] = field(default_factory=dict)
    parted: set[str] = field(default_factory=set)  # what had been part of a lead and is one of its own again
    acknowledged: dict[str, str] = field(default_factory=dict)  # the id that was sent: the lead it became
    races: int = 0  # since the last check: how often somebody meddled

    # ------------------------------------------------------------ reading what is new

    def absorb(self) -> None:
        """Read what has been committed since the last time. Call it in the order of commits."""
        with self.db.cursor(row_factory=dict_row) as cursor:
            for row in cursor.execute(_DECISIONS, [self.batches]).fetchall():
                if row["batch_id"] not in self.batches:
                    self.batches.append(row["batch_id"])
                self._absorb_decision(row, orjson.loads(row["trace"]))
            for event in cursor.execute(_EVENTS, [self.events]).fetchall():
                self.events.append(event["id"])
                _tell(self.told.setdefault(event["lead_id"], Told()), event["event"], event["details"])

    def _absorb_decision(self, row: Row, trace: Row) -> None:
        lead_id, result, at = row["lead_id"], trace["result"], row["at"]
        book = self.books.get(self.db, trace["policy"], trace["roster"])
        self.owners[lead_id] = None  # whoever had it gives it up before anybody is picked
        if row["outcome"] == "joined":
            self.owners[trace["act"]["to"]] = None
        if row["outcome"] == "split":
            self.parted.add(lead_id)
            self.given_up.add(lead_id)
        self._check_hands(book, lead_id, trace, at)
        self.owners[lead_id] = result["owner"] if result["stage"] != "closed" else None
        if "intent_rose" in result["reasons"]:
            self.rose.add(lead_id)
        if result["stage"] in ("nurture", "closed"):
            self.given_up.add(lead_id)
        if row["outcome"] == "chased":
            self.chased[lead_id] += 1
            self._check_steps(book, lead_id, trace["chase"], at)

    def _check_hands(self, book: Rulebook, lead_id: str, trace: Row, at: datetime) -> None:
        """Nobody is given what they cannot take; what reaches people automatically is counted."""
        people, result = book.roster.people, trace["result"]
        owner = people.get(result["owner"] or "")
        picked = [step for step in trace.get("pick", ()) if "chosen" in step]
        by_backup = "handed" in trace and "personal_backup" in result["reasons"]
        for step in picked:
            if step["chosen"] != result["owner"]:
                raise Broken("the one picked has it", f"{lead_id}: {step['chosen']} was picked, {result}")
        if owner is not None and (by_backup or (picked and result["stage"] == "assigned")):
            self._check_room(owner, lead_id, at)
        if owner is not None and picked and result["stage"] == "review":
            bench = book.benches[picked[-1]["pool"]]
            present = [id_ for id_ in bench.ids if people[id_].active and not is_away(people[id_], at)]
            if not owner.active or (is_away(owner, at) and present):
                raise Broken("nobody away is given a lead", f"{lead_id} for review to {owner.id} at {at}")
        cover = people.get((trace.get("cover") or {}).get("to") or "") or people.get(
            (trace.get("owner") or {}).get("covered_by") or ""
        )
        if cover is not None and (not cover.active or is_away(cover, at)):
            raise Broken("nobody away is given a lead", f"{cover.id} covers {lead_id} at {at}")
        if owner is not None and (picked or by_backup or "owner" in trace):
            self.today[owner.id, _local_day(owner, at)] += 1

    def _check_room(self, person: Person, lead_id: str, at: datetime) -> None:
        if not person.active or is_away(person, at):
            raise Broken("nobody away is given a lead", f"{lead_id} to {person.id} at {at}")
        has = sum(owner == person.id for owner in self.owners.values())
        if person.max_open is not None and has >= person.max_open:
            raise Broken("capacity is never passed", f"{lead_id} to {person.id}, who has {has} already")
        today = self.today[person.id, _local_day(person, at)]
        # What two processes give from two pools in the same instant may pass it: docs/guarantees.md.
        if person.per_day is not None and today >= person.per_day + self.races:
            raise Broken("the daily cap is never passed", f"{lead_id} to {person.id}, {today} that day")

    def _check_steps(self, book: Rulebook, lead_id: str, chase: Row, at: datetime) -> None:
        moments = {step["due_at"] for step in chase["taken"]}
        if len(moments) > 1:
            raise Broken("no burst", f"{lead_id} took steps of {sorted(moments)} at once")
        listed = Counter(one.action for one in chase_of(book.policy, chase["service_level"]))
        for step in (*chase["taken"], *chase["skipped"]):
            if datetime.fromisoformat(step["due_at"]) > at:
                raise Broken("no step before it is due", f"{lead_id}: {step} at {at}")
            key = (lead_id, chase["since"], step["action"])
            self.steps[key] += 1
            if self.steps[key] > listed[step["action"]]:
                raise Broken("a step at most once for each holder", f"{lead_id}: {step} at {at}")

    # ------------------------------------------------------------ checking what is there

    def check(self, now: datetime, *, settled: bool) -> None:
        """Raise Broken if something does not hold. `settled`: all that is due by `now` has happened."""
        self.absorb()
        with self.db.cursor(row_factory=dict_row) as cursor:
            rows = {row["id"]: row for row in cursor.execute(_LEADS).fetchall()}
        if wrong := violations(self.db):
            raise Broken("the watchdog finds nothing", "\n".join(wrong))
        for row in rows.values():
            self._check_row(row)
            self._check_promise(row)
        self._check_loads(now)
        if settled:
            self._check_settled(rows.values(), now)
        self.rows = rows
        self.chased.clear()
        self.rose.clear()
        self.given_up.clear()
        self.races = 0

    def _check_row(self, row: Row) -> None:
        told = self.told.get(row["id"], Told())
        stands = Told(row["stage"], row["owner"], row["covered_by"], row["destination"])
        if told != stands:
            raise Broken("the timeline explains the present", f"{row['id']}: told {told}, but is {stands}")
        if self.owners.get(row["id"]) != (row["owner"] if row["stage"] != "closed" else None):
            raise Broken("one place for each lead", f"{row['id']}: {self.owners.get(row['id'])}, {stands}")
        has_person = row["owner"] is not None and row["stage"] != "closed"
        if has_person and row["next_step"] is None:
            raise Broken("a next step for every lead that a person has", f"{row}")
        if has_person and row["responded_at"] is None and row["chase_at"] is None:
            book = self.books.get(self.db, row["policy_version"], self.books.current(self.db).roster.revision)
            steps = chase_of(book.policy, row["service_level"])
            if len(row["chased"]) < len(steps):
                raise Broken("no promise without a clock", f"{row}")

    def _check_promise(self, row: Row) -> None:
        before = self.rows.get(row["id"])
        if before is None or before["respond_by"] is None or before["respond_by"] == row["respond_by"]:
            return
        renewed = row["id"] in self.rose and before["responded_at"] is None
        # Given up, and perhaps routed again meanwhile by somebody else: then it is another promise.
        if not (row["id"] in self.given_up or renewed):
            raise Broken("a promise does not move", f"{before['respond_by']} was promised: {row}")

    def _check_loads(self, now: datetime) -> None:
        people = self.books.current(self.db).roster.people
        for person, open_, today, today_on in self.db.execute("SELECT * FROM loads ORDER BY person"):
            has = sum(owner == person for owner in self.owners.values())
            day = _local_day(people[person], now)
            came = self.today[person, day]
            if open_ != has or (today_on == day and today != came) or (today_on < day and came):
                raise Broken(
                    "loads are right", f"{person} has {has}, {came} on {day}: {(open_, today, today_on)}"
                )

    def _check_settled(self, rows: Iterable[Row], now: datetime) -> None:
        """What must be true right after everything that was due has happened."""
        book = self.books.current(self.db)
        for row in rows:
            if row["chase_at"] is not None and row["chase_at"] <= now:
                raise Broken("what is due happens", f"{row}")
            self._check_cover(book, row, now)

    def _check_cover(self, book: Rulebook, row: Row, now: datetime) -> None:
        owner = book.roster.people.get(row["owner"] or "")
        is_protected = (row["destination"] or "").startswith("owner:")
        if owner is None or not is_protected or row["stage"] not in ("assigned", "accepted"):
            return
        # Who is given a lead by a person while they are away was given it all the same.
        gone_since = any(row["held_since"] < away.start <= now < away.until for away in owner.away)
        if row["covered_by"] is None and gone_since:
            cover, _passed = covering(book.roster, owner, now, (*row["excluded"], owner.id))
            if cover is not None:
                raise Broken("somebody covers for who is away", f"{cover} could for {owner.id}: {row}")
        ended = any(row["held_since"] < away.until <= now for away in owner.away)
        if row["covered_by"] is not None and ended and not is_away(owner, now) and owner.active:
            was_away = any(away.start <= row["held_since"] < away.until for away in owner.away)
            if was_away:
                raise Broken("who is back gets leads back", f"{owner.id} is back: {row}")

    def check_end(self) -> None:
        """What must be true in the end: nothing acknowledged is lost, and every decision comes out again."""
        known = (
            "SELECT id, id, lead_now(id) FROM leads"
            " UNION ALL SELECT id, lead_id, lead_now(id) FROM lead_aliases"
        )
        rows = self.db.execute(known).fetchall()
        # What it was first, and what it is part of by now.
        found = {id_: leads for id_, *leads in rows}
        if len(found) != len(rows):
            raise Broken(
                "an id names one lead", f"{[id_ for id_, n in Counter(r[0] for r in rows).items() if n > 1]}"
            )
        meant = {id_: lead for id_, lead in self.acknowledged.items() if id_ not in self.parted}
        if lost := {id_: lead for id_, lead in meant.items() if lead not in found.get(id_, ())}:
            raise Broken("nothing acknowledged is lost", f"{lost}")
        for one in replay_all(self.db, self.books):
            if not one.is_identical:
                raise Broken("replay is identical", "\n".join(one.difference()[:40]))


def _local_day(person: Person, at: datetime) -> date:
    return at.astimezone(ZoneInfo(person.timezone)).date()


def _tell(told: Told, event: str, details: Row) -> None:
    """One event of a timeline, as whoever reads it understands it."""
    if "destination" in details:
        told.owner, told.covered_by = details["owner"], details["covered_by"]
        told.destination = details["destination"]
    named = details.get("to")
    match event:
        case "assigned" | "review" | "nurture":
            told.stage = event
        case "covering":
            told.stage = "assigned"
        case "disqualified" | "closed" | "merged_into":
            told.stage = "closed"
        case "accepted" if told.stage == "assigned":
            told.stage = "accepted"
        case "touched" if details["kind"] in REACHING_OUT and told.stage in WORKED_STAGES:
            told.stage = "working"
        case "returned":
            told.covered_by = None
        case "reassigned" | "reviewed" if named is not None and ":" not in named:
            told.stage, told.owner, told.covered_by = "assigned", named, None
