"""How does a batch of leads get its owners? Meet, decide, write: one transaction, all or nothing.

    meet    what the arrivals may meet: open leads, accounts, repeated requests   (one statement)
    lock    the ledgers of the pools that they will pick from, then read loads    (one round trip)
    decide  in memory, purely
    write   everything that was decided                                           (one statement)

Whoever else changes the same leads, pools or people at the same time makes this batch wait or start
again on what is true then. Nothing is decided on what is no longer so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection, errors

from leadlane.core.decide import Arrival, Decision, Rulebook, World, decide_batch, pools_touched
from leadlane.core.facts import FieldSpec, Lead, Load, Signal
from leadlane.core.match import Keys, Known, Standing
from leadlane.core.pick import PoolsNeeded
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.store import batches
from leadlane.store.batches import LoadRow, Met, StaleError, Written
from leadlane.store.codec import encode, read_fields

# Each try starts on what the others have committed by then, so one of the racers always gets through.
_TRIES = 20
_RACES = (StaleError, errors.UniqueViolation, errors.DeadlockDetected, errors.SerializationFailure)


@dataclass(frozen=True, slots=True)
class Submission:
    """Something to be decided: a lead, or news of an open lead (`target` is its id).

    `key` and `fingerprint` belong to an idempotent request; `source` says where it came from.
    """

    lead: Lead
    keys: Keys
    source: str
    target: str | None = None
    key: str | None = None
    fingerprint: str = ""
    extra: dict[str, object] = field(default_factory=dict)


Status = Literal["created", "merged", "updated", "repeated", "refused"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a submission.

    created: a lead of its own. merged: part of an open lead of the same person. updated: news of the
    lead that it named. repeated: known before, nothing changed. refused: `problem` says why.
    `batch_id` and `number` name the decision; `decision` is there if it was made just now.
    """

    status: Status
    lead_id: str
    batch_id: int = 0
    number: int = 0
    decision: Decision | None = None
    problem: str = ""


def route_batch(
    connection: Connection, books: Rulebooks, submissions: Sequence[Submission], now: datetime
) -> list[Receipt]:
    """Decide a batch and commit it. A receipt for each submission, in order.

    A submission that the database cannot take is refused alone; it does not hold up the others.
    """
    needed: frozenset[str] = frozenset()
    for attempt in range(_TRIES):
        try:
            with connection.transaction():
                try:
                    return _route_once(connection, books, submissions, now, needed)
                except PoolsNeeded as more:
                    # Nothing is written yet: ending the transaction here lets go of the locks, in order
                    # to take them all again in the one order that everybody takes them in.
                    needed |= more.pools
        except _RACES:
            if attempt == _TRIES - 1:
                raise
        except errors.DataError as error:
            if len(submissions) == 1:
                problem = _("The database cannot store it: {error}").format(error=error.diag.message_primary)
                return [Receipt("refused", submissions[0].lead.id, problem=problem)]
            half = len(submissions) // 2
            return route_batch(connection, books, submissions[:half], now) + route_batch(
                connection, books, submissions[half:], now
            )
    raise LeadlaneError(_("The leads could not be routed, others were always faster."), _("Try again."))


def _route_once(
    connection: Connection,
    books: Rulebooks,
    submissions: Sequence[Submission],
    now: datetime,
    needed: frozenset[str],
) -> list[Receipt]:
    met = _meet(connection, submissions)
    book = books.get(connection, met.policy, met.roster)
    receipts, fresh = _sort_out(met, submissions)
    if fresh:
        known, places = _known(met, field_specs(book.policy))
        lead_ids = {row["id"]: row["lead_id"] for row in met.ids}
        arrivals = [
            Arrival(one.lead, one.keys, lead_ids[one.target] if one.target is not None else None)
            for one in fresh.values()
        ]
        pools = pools_touched(book, known, arrivals, now) | needed
        ledgers, loads = batches.lock_ledgers(connection, pools, _people(book, pools))
        if missing := needed - ledgers.keys():
            raise LeadlaneError(
                _("The pool {pool} has no ledger.").format(pool=min(missing)), _("Publish the policy again.")
            )
        world = World(known, ledgers, _loads_today(book, loads, now))
        stored_world = encode(world)  # before deciding, which changes it
        picks_before = {pool: ledger.picks for pool, ledger in ledgers.items()}
        decisions, hands = decide_batch(book, world, arrivals, now)
        changed_ledgers = {
            pool: ledger for pool, ledger in hands.ledgers.items() if ledger.picks != picks_before[pool]
        }
        journal = _Journal(met.batch_id, now, places)
        for number, (submission, arrival, decision) in enumerate(
            zip(fresh.values(), arrivals, decisions, strict=True)
        ):
            journal.add(number, submission, arrival, decision)
        batches.write(
            connection,
            Written(
                batch_id=met.batch_id,
                at=now,
                policy=book.policy.version,
                roster=book.roster.revision,
                world=stored_world,
                decisions=orjson.dumps(journal.decisions),
                placed=list(journal.placed.values()),
                changed=[
                    {"seen": places[lead_id], "moved": lead_id in journal.moved, "lead": row}
                    for lead_id, row in journal.changed.items()
                ],
                timeline=journal.timeline,
                outbox=journal.outbox,
                ledgers=[batches.ledger_row(*pair) for pair in sorted(changed_ledgers.items())],
                loads=_load_changes(book, decisions, now),
                aliases=journal.aliases,
                keys=journal.keys,
            ),
        )
        for number, (index, decision) in enumerate(zip(fresh, decisions, strict=True)):
            receipts[index] = _receipt(submissions[index], met.batch_id, number, decision)
    return _complete(submissions, receipts)


def _meet(connection: Connection, submissions: Sequence[Submission]) -> Met:
    return batches.meet(
        connection,
        ids=[one.target or one.lead.id for one in submissions],
        targets=[one.target for one in submissions if one.target is not None],
        emails=list({one.keys.email for one in submissions if one.keys.email is not None}),
        domains=list({one.keys.domain for one in submissions if one.keys.domain is not None}),
        keys=[one.key for one in submissions if one.key is not None],
    )


def _sort_out(
    met: Met, submissions: Sequence[Submission]
) -> tuple[dict[int, Receipt], dict[int, Submission]]:
    """Receipts for what is known already or refused, and what is left to decide; both by position."""
    ids = {row["id"]: row for row in met.ids}
    keys = {row["key"]: row for row in met.keys}
    open_ids = {row["id"] for row in met.open_leads}
    receipts: dict[int, Receipt] = {}
    fresh: dict[int, Submission] = {}
    seen: set[str] = set()
    for index, one in enumerate(submissions):
        if one.key is not None and one.key in keys:
            receipts[index] = _repeated_key(one, keys[one.key])
        elif one.target is not None and ids.get(one.target, {}).get("lead_id") not in open_ids:
            problem = _("This lead is closed.") if one.target in ids else _("There is no lead of this id.")
            receipts[index] = Receipt("refused", one.target, problem=problem)
        elif one.target is None and one.lead.id in ids:
            row = ids[one.lead.id]
            receipts[index] = Receipt("repeated", row["lead_id"], row["batch_id"], row["number"])
        elif one.key in seen or (one.target is None and one.lead.id in seen):
            pass  # repeats one before it in this batch; `_complete` answers as that one was
        else:
            fresh[index] = one
            seen |= {one.key} if one.key is not None else set()
            seen |= {one.lead.id} if one.target is None else set()
    return receipts, fresh


def _repeated_key(one: Submission, row: dict[str, Any]) -> Receipt:
    if row["fingerprint"] != one.fingerprint:
        problem = _("This idempotency key was used before, for a different request.")
        return Receipt("refused", row["lead_id"], problem=problem)
    return Receipt("repeated", row["lead_id"], row["batch_id"], row["number"])


def _complete(submissions: Sequence[Submission], receipts: dict[int, Receipt]) -> list[Receipt]:
    """Receipts in order; those that repeat one before them in the batch get its answer."""
    first: dict[str, tuple[Submission, Receipt]] = {}
    done = []
    for index, one in enumerate(submissions):
        names = [name for name in (one.key, one.lead.id if one.target is None else None) if name is not None]
        receipt = receipts.get(index)
        if receipt is None:
            original, earlier = next(first[name] for name in names if name in first)
            row = {"fingerprint": original.fingerprint, "lead_id": earlier.lead_id}
            row |= {"batch_id": earlier.batch_id, "number": earlier.number}
            receipt = _repeated_key(one, row) if one.key == original.key else _as_repeated(earlier)
        for name in names:
            first.setdefault(name, (one, receipt))
        done.append(receipt)
    return done


def _as_repeated(receipt: Receipt) -> Receipt:
    return Receipt("repeated", receipt.lead_id, receipt.batch_id, receipt.number)


def _receipt(submission: Submission, batch_id: int, number: int, decision: Decision) -> Receipt:
    status: Status = "created"
    if decision.before is not None:
        status = "merged" if submission.target is None else "updated"
    return Receipt(status, decision.lead_id, batch_id, number, decision)


def _known(met: Met, specs: dict[str, FieldSpec]) -> tuple[Known, dict[str, int]]:
    """The open leads and accounts met, and the place of each lead as it was seen."""
    known = Known(accounts=met.accounts)
    places = {}
    for row in met.open_leads:
        known.put(_standing(row, specs))
        places[row["id"]] = row["place"]
    for row in met.worked:
        if row["id"] not in known.leads:
            lead = Lead(row["id"], datetime.fromisoformat(row["arrived_at"]), {})
            known.put(Standing(lead, Keys(None, row["domain"]), row["stage"], owner=row["owner"]))
    for ids in known.by_domain.values():
        ids.sort(key=lambda lead_id: (known.leads[lead_id].lead.arrived_at, lead_id))
    return known, places


def _standing(row: dict[str, Any], specs: dict[str, FieldSpec]) -> Standing:
    signals = tuple(Signal(name, datetime.fromisoformat(at)) for name, at in row["signals"])
    respond_by = row["respond_by"]
    return Standing(
        lead=Lead(
            row["id"], datetime.fromisoformat(row["arrived_at"]), read_fields(row["fields"], specs), signals
        ),
        keys=Keys(row["email_key"], row["domain"]),
        stage=row["stage"],
        intent=row["intent"],
        owner=row["owner"],
        covered_by=row["covered_by"],
        pool=row["pool"],
        destination=row["destination"],
        service_level=row["service_level"],
        respond_by=datetime.fromisoformat(respond_by) if respond_by else None,
        responded=row["responded"],
        route=row["route"],
        next_step=row["next_step"],
        excluded=tuple(row["excluded"]),
    )


def _people(book: Rulebook, pools: Iterable[str]) -> set[str]:
    return {person for pool in pools for person in book.benches[pool].ids}


def _local_day(book: Rulebook, person_id: str, now: datetime) -> date:
    return now.astimezone(ZoneInfo(book.roster.people[person_id].timezone)).date()


def _loads_today(book: Rulebook, rows: dict[str, LoadRow], now: datetime) -> dict[str, Load]:
    """Loads as they count at this moment: what came on another day, in the person's zone, does not."""
    days: dict[str, date] = {}
    loads = {}
    for person_id, row in rows.items():
        zone = book.roster.people[person_id].timezone
        if zone not in days:
            days[zone] = _local_day(book, person_id, now)
        loads[person_id] = Load(row.open, row.today if row.today_on == days[zone] else 0)
    return loads


def _load_changes(book: Rulebook, decisions: Sequence[Decision], now: datetime) -> list[dict[str, Any]]:
    """What the decisions add to and take from each person's load.

    `peak` is how far a pick from a pool went above the load at the start, `cap` how far it may go:
    the database compares them with what is true when it writes.
    """
    changes: dict[str, dict[str, Any]] = {}

    def change_of(person_id: str) -> dict[str, Any]:
        if person_id not in changes:
            day = _local_day(book, person_id, now)
            changes[person_id] = {"person": person_id, "open": 0, "today": 0, "today_on": day}
        return changes[person_id]

    for decision in decisions:
        if decision.outcome not in ("placed", "moved"):
            continue
        before, standing = decision.before, decision.standing
        if before is not None and before.owner is not None:
            change_of(before.owner)["open"] -= 1
        if standing.owner is not None:
            change = change_of(standing.owner)
            change["open"] += 1
            change["today"] += 1
            if standing.stage == "assigned" and (standing.destination or "").startswith("pool:"):
                change["peak"] = max(change.get("peak", 0), change["open"])
                change["cap"] = book.roster.people[standing.owner].max_open
    return [changes[person_id] for person_id in sorted(changes)]


@dataclass(slots=True)
class _Journal:
    """The rows that a batch writes, as decisions are added in order."""

    batch_id: int
    now: datetime
    places: dict[str, int]
    decisions: list[dict[str, Any]] = field(default_factory=list)
    placed: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    outbox: list[dict[str, Any]] = field(default_factory=list)
    aliases: list[dict[str, Any]] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)

    def add(self, number: int, submission: Submission, arrival: Arrival, decision: Decision) -> None:
        """Enter one decision."""
        lead_id = decision.lead_id
        self.decisions.append(
            {
                "number": number,
                "lead_id": lead_id,
                "outcome": decision.outcome,
                "route": decision.standing.route,
                "destination": decision.standing.destination,
                "owner": decision.standing.owner,
                "arrival": orjson.Fragment(encode(arrival)),
                "trace": orjson.Fragment(encode(decision.trace)),
            }
        )
        place = self._enter_lead(number, submission, decision)
        self._tell(submission, decision)
        self.outbox += [
            {"lead_id": lead_id, "place": place, "event": event, "person": person}
            for event, person in decision.messages
        ]
        if submission.target is None and submission.lead.id != lead_id:
            self.aliases.append({"id": submission.lead.id, "lead_id": lead_id})
        if submission.key is not None:
            self.keys.append(
                {
                    "key": submission.key,
                    "fingerprint": submission.fingerprint,
                    "lead_id": lead_id,
                    "number": number,
                }
            )

    def _enter_lead(self, number: int, submission: Submission, decision: Decision) -> int:
        """The lead's row as it is after this decision. Returns the number of its place."""
        lead_id = decision.lead_id
        row = lead_row(decision, self.batch_id, number, self.now)
        earlier = self.placed.get(lead_id) or self.changed.get(lead_id)
        if decision.before is None:
            row["place"] = 1
            row["extra"] = submission.extra or None
        else:
            seen = earlier["place"] if earlier else self.places[lead_id]
            row["place"] = seen + (decision.outcome != "merged")
            row["extra"] = earlier["extra"] if earlier else None
            if decision.outcome != "merged":
                self.moved.add(lead_id)
            elif earlier:
                row["waiting_pool"] = earlier["waiting_pool"]
        (self.placed if lead_id in self.placed or decision.before is None else self.changed)[lead_id] = row
        return int(row["place"])

    def _tell(self, submission: Submission, decision: Decision) -> None:
        lead, standing = submission.lead, decision.standing
        news: dict[str, Any] = {"signals": [signal.name for signal in lead.signals]}
        if decision.before is None:
            event = "arrived"
        else:
            event = "merged" if submission.target is None else "signal"
            news["arrived_as"] = lead.id
        self._add_event(decision.lead_id, event, submission.source, news)
        if decision.outcome == "merged":
            return
        before_owner = decision.before.owner if decision.before else None
        details = {
            "route": standing.route,
            "destination": standing.destination,
            "owner": standing.owner,
            "covered_by": standing.covered_by,
            "from": before_owner,
            "respond_by": standing.respond_by,
            "reasons": decision.reasons,
        }
        event = "kept" if decision.outcome == "kept" else _PLACED_EVENT.get(standing.stage, standing.stage)
        self._add_event(decision.lead_id, event, f"route:{standing.route}", details)

    def _add_event(self, lead_id: str, event: str, actor: str, details: dict[str, Any]) -> None:
        self.timeline.append({"lead_id": lead_id, "event": event, "actor": actor, "details": details})


# What the timeline calls it when a lead comes to stand in a stage.
_PLACED_EVENT = {"closed": "disqualified"}


def lead_row(decision: Decision, batch_id: int, number: int, now: datetime) -> dict[str, Any]:
    """The row of a lead as a decision leaves it; `place` and `extra` are the caller's to add."""
    standing, qualified = decision.standing, decision.qualified
    return {
        "id": standing.lead.id,
        "arrived_at": standing.lead.arrived_at,
        "fields": standing.lead.fields,
        "signals": [[signal.name, signal.at] for signal in standing.lead.signals],
        "email_key": standing.keys.email,
        "domain": standing.keys.domain,
        "intent": standing.intent,
        "fit": qualified.fit,
        "fit_score": qualified.fit_score,
        "segment": qualified.segment,
        "deal_value": qualified.deal_value,
        "deal_band": qualified.deal_band,
        "relationship": decision.match.relationship,
        "stage": standing.stage,
        "route": standing.route,
        "destination": standing.destination,
        "pool": standing.pool,
        "waiting_pool": decision.waiting_pool,
        "owner": standing.owner,
        "covered_by": standing.covered_by,
        "service_level": standing.service_level,
        "respond_by": standing.respond_by,
        "next_step": standing.next_step,
        "next_step_due_at": standing.respond_by,
        "excluded": standing.excluded,
        "batch_id": batch_id,
        "decision_number": number,
        "changed_at": now,
    }
