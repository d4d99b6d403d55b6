"""How does a batch of leads get its owners? Meet, decide, write: one transaction, all or nothing.

    meet    hold the companies of the arrivals; look up the open leads, accounts    (one round trip)
            and repeated requests that they may meet
    lock    the ledgers of the pools that they will pick from, then read loads      (one round trip)
    decide  in memory, purely
    write   everything that was decided                                             (one statement)

Whoever else changes the same leads, pools or people at the same time makes this batch wait or start
again on what is true then. Nothing is decided on what is no longer so. Locks are taken in one order:
companies, ledgers by name, leads by id.
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
from leadlane.service.submission import Submission
from leadlane.store import batches
from leadlane.store.batches import LoadRow, Met, StaleError, Written
from leadlane.store.codec import encode, read_fields

# Each try starts on what the others have committed by then, so one of the racers always gets through.
_TRIES = 20
_RACES = (StaleError, errors.UniqueViolation, errors.DeadlockDetected, errors.SerializationFailure)
# The fault of one submission, or of too many at once: halving the batch finds it, or finds room.
_UNSTORABLE = (errors.DataError, errors.ProgramLimitExceeded, errors.OutOfMemory)


Status = Literal["created", "merged", "updated", "repeated", "refused"]
# Why something was refused: the lead that it names is unknown or closed, its idempotency key belongs to
# another request, or the database cannot store it.
Refusal = Literal["unknown", "closed", "key_reused", "unstorable"]

# So many leads go to nearly every pool: to find out which takes longer than to hold one too many.
_MANY = 100


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
    refusal: Refusal | None = None


@dataclass(slots=True)
class _Grip:
    """What a batch has found that it must hold while it decides; grows from try to try."""

    domains: set[str]
    pools: set[str] = field(default_factory=set)


def route_batch(
    connection: Connection, books: Rulebooks, submissions: Sequence[Submission], now: datetime
) -> list[Receipt]:
    """Decide a batch and commit it. A receipt for each submission, in order.

    A submission that cannot be stored is refused alone; it does not hold up the others.
    """
    grip = _Grip({one.keys.domain for one in submissions if one.keys.domain is not None})
    raced = False
    for attempt in range(_TRIES):
        try:
            with connection.pipeline(), connection.transaction():
                receipts = _route_once(connection, books, submissions, now, grip, raced)
            # Without receipts nothing was written: ending the transaction let go of all locks, in order
            # to take them and those found missing in the one order that everybody takes them in.
            if receipts is not None:
                return receipts
        except _RACES:
            raced = True
            if attempt == _TRIES - 1:
                raise
        except _UNSTORABLE as error:
            if len(submissions) == 1:
                return [_unstorable(submissions[0], error)]
            half = len(submissions) // 2
            return route_batch(connection, books, submissions[:half], now) + route_batch(
                connection, books, submissions[half:], now
            )
        except (TypeError, UnicodeEncodeError):
            routed = _route_the_encodable(connection, books, submissions, now)
            if routed is None:
                raise
            return routed
    raise LeadlaneError(_("The leads could not be routed, others were always faster."), _("Try again."))


def _unstorable(submission: Submission, error: Exception) -> Receipt:
    message = error.diag.message_primary if isinstance(error, errors.Error) else None
    problem = _("The database cannot store it: {error}").format(error=message or error)
    return Receipt("refused", submission.lead.id, problem=problem, refusal="unstorable")


def _route_the_encodable(
    connection: Connection, books: Rulebooks, submissions: Sequence[Submission], now: datetime
) -> list[Receipt] | None:
    """Refuse what cannot be written as JSON, such as half a surrogate pair, and route the others.

    None if all of it can be written: whatever went wrong was no fault of what was submitted.
    """
    refused: dict[int, Receipt] = {}
    for index, one in enumerate(submissions):
        try:
            encode((one.lead, one.keys, one.source, one.target, one.key, one.fingerprint, one.extra))
        except TypeError as error:
            refused[index] = _unstorable(one, error)
    if not refused:
        return None
    rest = [one for index, one in enumerate(submissions) if index not in refused]
    routed = iter(route_batch(connection, books, rest, now) if rest else [])
    return [refused[index] if index in refused else next(routed) for index in range(len(submissions))]


def _route_once(
    connection: Connection,
    books: Rulebooks,
    submissions: Sequence[Submission],
    now: datetime,
    grip: _Grip,
    raced: bool,
) -> list[Receipt] | None:
    """The receipts; or None, and nothing is written, if more must be held: `grip` knows by then what."""
    met = _meet(connection, submissions, grip, raced)
    more = {row["domain"] for row in met.open_leads if row["domain"] is not None} - grip.domains
    if more:
        grip.domains |= more
        return None
    book = books.get(connection, met.policy, met.roster)
    receipts, fresh = _sort_out(met, submissions)
    if fresh and not _decide_and_write(connection, book, met, submissions, fresh, now, grip, raced, receipts):
        return None
    done = _complete(submissions, receipts)
    if answered := _answered_keys(met, submissions, fresh, done):
        batches.remember_keys(connection, answered, now)
    return done


def _decide_and_write(
    connection: Connection,
    book: Rulebook,
    met: Met,
    submissions: Sequence[Submission],
    fresh: dict[int, Submission],
    now: datetime,
    grip: _Grip,
    raced: bool,
    receipts: dict[int, Receipt],
) -> bool:
    """Decide what is fresh, write it, add its receipts. False, and nothing is done, if pools are missing."""
    known, seen = _known(met, field_specs(book.policy))
    lead_ids = {row["id"]: row["lead_id"] for row in met.ids}
    arrivals = [
        Arrival(one.lead, one.keys, lead_ids[one.target] if one.target is not None else None)
        for one in fresh.values()
    ]
    touched = pools_touched(book, known, arrivals, now) if len(arrivals) < _MANY else frozenset(book.policy.pools)
    if raced and not touched <= grip.pools:
        grip.pools |= touched  # leads are locked already, and ledgers come before leads
        return False
    grip.pools |= touched
    ledgers, loads = batches.lock_ledgers(connection, grip.pools, _people(book, grip.pools))
    if missing := grip.pools - ledgers.keys():
        raise LeadlaneError(
            _("The pool {pool} has no ledger.").format(pool=min(missing)), _("Publish the policy again.")
        )
    world = World(known, ledgers, _loads_today(book, loads, now))
    stored_world = encode(world)  # before deciding, which changes it
    picks_before = {pool: ledger.picks for pool, ledger in ledgers.items()}
    try:
        decisions, hands = decide_batch(book, world, arrivals, now)
    except PoolsNeeded as more:
        grip.pools |= more.pools
        return False
    changed_ledgers = {
        pool: ledger for pool, ledger in hands.ledgers.items() if ledger.picks != picks_before[pool]
    }
    journal = _Journal(met.batch_id, now, {lead_id: place for lead_id, (place, _version) in seen.items()})
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
            # In one order, so that batches with the same leads wait for each other, not on each other.
            placed=sorted(journal.placed.values(), key=lambda row: (row["email_key"] or "", row["id"])),
            changed=[
                {
                    "place": seen[lead_id][0],
                    "version": seen[lead_id][1],
                    "moved": lead_id in journal.moved,
                    "lead": row,
                }
                for lead_id, row in sorted(journal.changed.items())
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
    return True


def _meet(connection: Connection, submissions: Sequence[Submission], grip: _Grip, raced: bool) -> Met:
    targets = [one.target for one in submissions if one.target is not None]
    emails = list({one.keys.email for one in submissions if one.keys.email is not None})
    batches.hold_companies(connection, grip.domains)
    if raced:
        batches.hold_leads(connection, grip.pools, targets, emails)
    return batches.meet(
        connection,
        ids=[one.target or one.lead.id for one in submissions],
        targets=targets,
        emails=emails,
        domains=sorted(grip.domains),
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
    seen: set[_Name] = set()
    for index, one in enumerate(submissions):
        if one.key is not None and one.key in keys:
            receipts[index] = _repeated_key(one, keys[one.key])
            continue
        if one.target is not None and ids.get(one.target, {}).get("lead_id") not in open_ids:
            receipts[index] = _refused_news(one.target, closed=one.target in ids)
            continue
        names = _names(one)
        if one.target is None and one.lead.id in ids:
            row = ids[one.lead.id]
            receipts[index] = Receipt("repeated", row["lead_id"], row["batch_id"], row["number"])
        elif seen.isdisjoint(names):
            fresh[index] = one
        # Else it repeats one before it in this batch; `_complete` answers as that one was.
        seen.update(names)
    return receipts, fresh


# What a submission is known by within its batch: its idempotency key, and the id of the lead it brings.
_Name = tuple[Literal["key", "id"], str]


def _names(one: Submission) -> list[_Name]:
    names: list[_Name] = [("key", one.key)] if one.key is not None else []
    return names if one.target is not None else [*names, ("id", one.lead.id)]


def _refused_news(target: str, *, closed: bool) -> Receipt:
    if closed:
        return Receipt("refused", target, problem=_("This lead is closed."), refusal="closed")
    return Receipt("refused", target, problem=_("There is no lead of this id."), refusal="unknown")


def _repeated_key(one: Submission, row: dict[str, Any]) -> Receipt:
    if row["fingerprint"] != one.fingerprint:
        return _different_request(row["lead_id"])
    return Receipt("repeated", row["lead_id"], row["batch_id"], row["number"])


def _different_request(lead_id: str) -> Receipt:
    problem = _("This idempotency key was used before, for a different request.")
    return Receipt("refused", lead_id, problem=problem, refusal="key_reused")


def _complete(submissions: Sequence[Submission], receipts: dict[int, Receipt]) -> list[Receipt]:
    """Receipts in order; those that repeat one before them in the batch get its answer."""
    first: dict[_Name, tuple[Submission, Receipt]] = {}
    done = []
    for index, one in enumerate(submissions):
        names = _names(one)
        receipt = receipts.get(index)
        if receipt is None:
            name = next(name for name in names if name in first)
            original, earlier = first[name]
            receipt = _as_repeated(earlier)
            if name[0] == "key" and one.fingerprint != original.fingerprint:
                receipt = _different_request(earlier.lead_id)
        if receipt.status != "refused":
            for name in names:
                first.setdefault(name, (one, receipt))
        done.append(receipt)
    return done


def _answered_keys(
    met: Met, submissions: Sequence[Submission], fresh: dict[int, Submission], done: Sequence[Receipt]
) -> list[dict[str, Any]]:
    """Keys of requests that were answered from what was known: a key once answered means that request."""
    known = {row["key"] for row in met.keys} | {one.key for one in fresh.values()}
    answered = {
        one.key: {
            "key": one.key,
            "fingerprint": one.fingerprint,
            "lead_id": receipt.lead_id,
            "batch_id": receipt.batch_id,
            "number": receipt.number,
        }
        for one, receipt in zip(submissions, done, strict=True)
        if one.key is not None and one.key not in known and receipt.status == "repeated"
    }
    return list(answered.values())


def _as_repeated(receipt: Receipt) -> Receipt:
    return Receipt("repeated", receipt.lead_id, receipt.batch_id, receipt.number)


def _receipt(submission: Submission, batch_id: int, number: int, decision: Decision) -> Receipt:
    status: Status = "created"
    if decision.before is not None:
        status = "merged" if submission.target is None else "updated"
    return Receipt(status, decision.lead_id, batch_id, number, decision)


def _known(met: Met, specs: dict[str, FieldSpec]) -> tuple[Known, dict[str, tuple[int, str]]]:
    """The open leads and accounts met, and the place of each lead and the version of its row as seen."""
    known = Known(accounts=met.accounts)
    seen = {}
    for row in met.open_leads:
        known.put(_standing(row, specs))
        seen[row["id"]] = (row["place"], row["version"])
    for row in met.worked:
        if row["id"] not in known.leads:
            lead = Lead(row["id"], datetime.fromisoformat(row["arrived_at"]), {})
            known.put(Standing(lead, Keys(None, row["domain"]), row["stage"], owner=row["owner"]))
    for ids in known.by_domain.values():
        ids.sort(key=lambda lead_id: (known.leads[lead_id].lead.arrived_at, lead_id))
    return known, seen


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
