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
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection, errors

from leadlane.core.act import Act
from leadlane.core.decide import Arrival, World, decide_batch, pools_touched
from leadlane.core.decision import Decision
from leadlane.core.decision import Refusal as Refused
from leadlane.core.facts import FieldSpec, Lead, Load
from leadlane.core.match import Keys, Known, Likeness, Standing
from leadlane.core.pick import NO_LOAD, Hands, PoolsNeeded
from leadlane.core.rulebook import Rulebook
from leadlane.errors import LeadlaneError
from leadlane.explain.reasons import reason_words
from leadlane.i18n import _
from leadlane.service.journal import Journal
from leadlane.service.likely import likely_accounts, likely_people
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.service.submission import Submission
from leadlane.store import batches, due
from leadlane.store.batches import LoadRow, Met, StaleError, Written
from leadlane.store.codec import encode, read_fields, read_signals

# Each try starts on what the others have committed by then, so one of the racers always gets through.
_TRIES = 20
_RACES = (
    StaleError,
    errors.UniqueViolation,
    errors.DeadlockDetected,
    errors.SerializationFailure,
    # A load that falls below nothing: what was released here, somebody else has released meanwhile.
    errors.CheckViolation,
)
# The fault of one submission, or of too many at once: halving the batch finds it, or finds room.
_UNSTORABLE = (errors.DataError, errors.ProgramLimitExceeded, errors.OutOfMemory)


Status = Literal["created", "merged", "updated", "unchanged", "repeated", "refused"]
# Why something was refused: the lead that it names is unknown or closed, its idempotency key belongs to
# another request or its id to another person, the database cannot store it, it is no longer where it was
# seen, or the act may not be.
Refusal = Literal["unknown", "closed", "key_reused", "id_reused", "unstorable", "stale", "not_allowed"]

# So many leads go to nearly every pool: to find out which takes longer than to hold one too many.
_MANY = 100


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a submission.

    created: a lead of its own. merged: part of an open lead of the same person. updated: news of the
    lead that it named, or an act on it. unchanged: there was nothing to do. repeated: known before,
    nothing changed. refused: `problem` says why, and of an act that may not be `reason` is the code.
    `batch_id` and `number` name the decision; `decision` is there if it was made just now.
    """

    status: Status
    lead_id: str
    batch_id: int = 0
    number: int = 0
    decision: Decision | None = None
    problem: str = ""
    refusal: Refusal | None = None
    reason: str = ""


@dataclass(slots=True)
class _Grip:
    """What a batch has found that it must hold while it decides; grows from try to try."""

    domains: set[str]
    names: set[str]  # what else prospects are known by: telephone numbers, names at companies
    pools: set[str] = field(default_factory=set)


def route_batch(
    connection: Connection, books: Rulebooks, submissions: Sequence[Submission], now: datetime
) -> list[Receipt]:
    """Decide a batch and commit it. A receipt for each submission, in order.

    A submission that cannot be stored is refused alone; it does not hold up the others.
    """
    now = now.astimezone(UTC)  # as it is read back: deciding again must give the same bytes
    grip = _Grip(
        {one.keys.domain for one in submissions if one.keys.domain is not None},
        {key for one in submissions for key in (one.keys.phone, one.keys.name) if key is not None},
    )
    raced = False
    for attempt in range(_TRIES):
        try:
            with connection.pipeline(), connection.transaction():
                receipts = _route_once(connection, books, submissions, now, grip, raced)
            # Without receipts nothing was written: ending the transaction let go of all locks, in order
            # to take them and those found missing in the one order that everybody takes them in.
            if receipts is not None:
                return _with_left(connection, books, submissions, receipts, now)
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


def _with_left(
    connection: Connection,
    books: Rulebooks,
    submissions: Sequence[Submission],
    receipts: Sequence[Receipt | None],
    now: datetime,
) -> list[Receipt]:
    """All receipts: what has none, because what it repeats was refused, is routed as if it came alone."""
    left = [one for one, receipt in zip(submissions, receipts, strict=False) if receipt is None]
    # The first of a batch repeats nothing in it, so what is left becomes less each time.
    routed = iter(route_batch(connection, books, left, now) if left else [])
    return [next(routed) if receipt is None else receipt for receipt in receipts]


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
) -> list[Receipt | None] | None:
    """The receipts, None for what repeats something that was refused.

    None instead of them, and nothing is written, if more must be held: `grip` knows by then what.
    """
    due_ids = [one.lead.id for one in submissions if one.act is not None and one.act.kind == "chase"]
    if due_ids:
        # What another worker holds is in good hands; what a dead one held is free again, and still due.
        mine = due.claim(connection, due_ids)
        submissions = [one for one in submissions if one.act is None or one.lead.id in mine]
    met = _meet(connection, submissions, grip, raced)
    more = {row["domain"] for row in met.open_leads if row["domain"] is not None}
    # Colleagues may come by another domain of the same company.
    more |= {domain for account in met.accounts.values() for domain in account.domains}
    if more := more - grip.domains:
        grip.domains |= more
        return None
    book = books.get(connection, met.policy, met.roster)
    receipts, fresh = _sort_out(met, submissions)
    if fresh and not _decide_and_write(connection, books, book, met, fresh, now, grip, raced, receipts):
        return None
    done = _complete(submissions, receipts)
    if answered := _answered_keys(met, submissions, fresh, done):
        batches.remember_keys(connection, answered, now)
    return done


def _decide_and_write(
    connection: Connection,
    books: Rulebooks,
    book: Rulebook,
    met: Met,
    fresh: dict[int, Submission],
    now: datetime,
    grip: _Grip,
    raced: bool,
    receipts: dict[int, Receipt],
) -> bool:
    """Decide what is fresh, write it, add its receipts. False, and nothing is done, if pools are missing."""
    known, seen = _known(met, field_specs(book.policy))
    lead_ids = {row["id"]: row["lead_id"] for row in met.ids}
    happenings = [_happening(one, lead_ids) for one in fresh.values()]
    happenings = _recognised(connection, met, known, happenings)
    own_books = _own_books(connection, books, book, known, happenings)
    touched = frozenset(book.policy.pools)
    if len(happenings) < _MANY:
        touched = pools_touched(book, known, happenings, now, own_books)
    if raced and not touched <= grip.pools:
        grip.pools |= touched  # leads are locked already, and ledgers come before leads
        return False
    grip.pools |= touched
    people = _people([book, *own_books.values()], grip.pools, known, happenings)
    ledgers, loads = batches.lock_ledgers(connection, grip.pools, people)
    if missing := grip.pools - ledgers.keys():
        raise LeadlaneError(
            _("The pool {pool} has no ledger.").format(pool=min(missing)), _("Publish the policy again.")
        )
    world = World(known, ledgers, loads_today(book, loads, now))
    stored_world = encode(world)  # before deciding, which changes it
    picks_before = {pool: ledger.picks for pool, ledger in ledgers.items()}
    try:
        decided, hands = decide_batch(book, world, happenings, now, own_books)
    except PoolsNeeded as more:
        grip.pools |= more.pools
        return False
    journal = Journal(met.batch_id, now, {lead_id: place for lead_id, (place, _version) in seen.items()})
    for (index, one), happening, outcome in zip(fresh.items(), happenings, decided, strict=True):
        receipts[index] = _enter(journal, one, happening, outcome)
    if journal.decisions:
        changed = [
            name
            for name, one in hands.ledgers.items()
            if one.picks != picks_before[name] or name in hands.returned
        ]
        ledger_rows = [batches.ledger_row(name, hands.ledgers[name]) for name in sorted(changed)]
        loads_changed = _load_changes(book, hands, now)
        batches.write(connection, _written(book, journal, seen, stored_world, ledger_rows, loads_changed))
    return True


def _enter(
    journal: Journal, one: Submission, happening: Arrival | Act, outcome: Decision | Refused | None
) -> Receipt:
    """Enter what was decided about a submission into the journal. Returns its receipt."""
    if outcome is None:
        return Receipt("unchanged", one.lead.id)
    if isinstance(outcome, Refused):
        words, reason = reason_words(outcome.reason), str(outcome.reason)
        return Receipt("refused", outcome.lead_id, problem=words, refusal="not_allowed", reason=reason)
    number = len(journal.decisions)
    journal.add(number, one, happening, outcome)
    return _receipt(one, journal.batch_id, number, outcome)


def _written(
    book: Rulebook,
    journal: Journal,
    seen: dict[str, tuple[int, str]],
    world: bytes,
    ledgers: list[dict[str, Any]],
    loads: list[dict[str, Any]],
) -> Written:
    return Written(
        batch_id=journal.batch_id,
        at=journal.now,
        policy=book.policy.version,
        roster=book.roster.revision,
        world=world,
        decisions=orjson.dumps(journal.decisions),
        # In one order, so that batches with the same leads wait for each other, not on each other.
        placed=sorted(journal.placed.values(), key=lambda row: (row["email_key"] or "", row["id"])),
        changed=[
            {"place": seen[lead_id][0], "version": seen[lead_id][1], "lead": row}
            # What ends lets go of its mailbox before another takes it.
            for lead_id, row in sorted(
                journal.changed.items(), key=lambda item: (item[1]["stage"] != "closed", item[0])
            )
        ],
        timeline=journal.timeline,
        outbox=journal.outbox,
        touches=journal.touches,
        ledgers=ledgers,
        loads=loads,
        aliases=journal.aliases,
        keys=journal.keys,
        parted=journal.parted,
        kept_apart=journal.kept_apart,
    )


def _happening(one: Submission, lead_ids: dict[str, str]) -> Arrival | Act:
    if one.target is None:
        return Arrival(one.lead, one.keys)
    if one.act is not None:
        act = replace(one.act, lead_id=lead_ids[one.target])
        return replace(act, to=lead_ids.get(act.to or "", act.to)) if act.kind == "merge" else act
    return Arrival(one.lead, one.keys, lead_ids[one.target])


def _recognised(
    connection: Connection, met: Met, known: Known, happenings: list[Arrival | Act]
) -> list[Arrival | Act]:
    """Those who arrived, with whom they may be. What is needed of accounts is added to `known`."""
    arrivals = {number: one for number, one in enumerate(happenings) if isinstance(one, Arrival)}
    contacts = {row["key"]: row["account_id"] for row in met.contacts}
    named = {one.to for one in happenings if isinstance(one, Act) and one.kind == "identify" and one.to}
    linked = {lead.keys.account for lead in known.leads.values() if lead.keys.account is not None}
    _meet_accounts(connection, known, named | linked | set(contacts.values()))
    likely = likely_people(arrivals, known)
    split_off = _split_off(happenings, known)
    if met.has_accounts:
        compared = {**arrivals, **split_off}
        for number, accounts in likely_accounts(connection, compared, known, contacts).items():
            likely.setdefault(number, []).extend(accounts)
    found = {one.account.id for alike in likely.values() for one in alike if one.account is not None}
    _meet_accounts(connection, known, found - known.linked.keys())
    recognised = list(happenings)
    for number, alike in likely.items():
        ranked = sorted(
            alike, key=lambda one: (-one.probability, one.lead or "", one.account.id if one.account else "")
        )
        recognised[number] = _with_likely(happenings[number], tuple(ranked))
    return recognised


def _split_off(happenings: Sequence[Arrival | Act], known: Known) -> dict[int, Arrival]:
    """What is split off and linked to no account, by number, as what it would be if it came in now."""
    found = {}
    for number, one in enumerate(happenings):
        if isinstance(one, Act) and one.parts is not None and one.parts.leaves_keys.account is None:
            keys = one.parts.leaves_keys
            # A mailbox that both came from stays with the other, and names nobody any more.
            shared = keys.email is not None and known.by_email.get(keys.email) == one.lead_id
            found[number] = Arrival(one.parts.leaves, replace(keys, email=None) if shared else keys)
    return found


def _with_likely(one: Arrival | Act, likely: tuple[Likeness, ...]) -> Arrival | Act:
    if isinstance(one, Arrival):
        return replace(one, likely=likely)
    assert one.parts is not None  # only what is split off is compared
    return replace(one, parts=replace(one.parts, likely=likely))


def _meet_accounts(connection: Connection, known: Known, account_ids: set[str]) -> None:
    """Hold these accounts, and learn of them and of the leads that are worked there."""
    if not account_ids:
        return
    accounts, _ = batches.meet_accounts(connection, sorted(account_ids))
    batches.hold_prospects(
        connection, {domain for one in accounts for domain in one.domains} | {one.id for one in accounts}
    )
    accounts, worked = batches.meet_accounts(connection, sorted(account_ids))
    known.linked = {**known.linked, **{one.id: one for one in accounts}}
    _put_worked(known, worked)


def _own_books(
    connection: Connection,
    books: Rulebooks,
    book: Rulebook,
    known: Known,
    happenings: Sequence[Arrival | Act],
) -> dict[str, Rulebook]:
    """The rulebooks of the policy versions that the leads acted on keep, with the people of today."""
    leads = (known.leads.get(one.lead_id) for one in happenings if isinstance(one, Act))
    versions = {lead.policy for lead in leads if lead is not None} - {book.policy.version}
    return {version: books.get(connection, version, book.roster.revision) for version in versions}


def _meet(connection: Connection, submissions: Sequence[Submission], grip: _Grip, raced: bool) -> Met:
    targets = [one.target for one in submissions if one.target is not None]
    acts = [one.act for one in submissions if one.act is not None]
    others = [act.to for act in acts if act.kind == "merge" and act.to is not None]
    targets += others
    emails = list({one.keys.email for one in submissions if one.keys.email is not None})
    batches.hold_prospects(connection, grip.domains | grip.names)
    if raced:
        batches.hold_leads(connection, grip.pools, targets, emails)
    return batches.meet(
        connection,
        ids=[one.target or one.lead.id for one in submissions] + others,
        targets=targets,
        emails=emails,
        domains=sorted(grip.domains),
        keys=[one.key for one in submissions if one.key is not None],
        phones=sorted({one.keys.phone for one in submissions if one.keys.phone is not None}),
        names=sorted({one.keys.name for one in submissions if one.keys.name is not None}),
        reopened=[act.to for act in acts if act.kind == "split" and act.to is not None],
    )


def _sort_out(
    met: Met, submissions: Sequence[Submission]
) -> tuple[dict[int, Receipt], dict[int, Submission]]:
    """Receipts for what is known already or refused, and what is left to decide; both by position."""
    ids = {row["id"]: row for row in met.ids}
    keys = {row["key"]: row for row in met.keys}
    places = {row["id"]: row["place"] for row in met.open_leads}
    open_ids = places.keys()
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
        if one.seen_place is not None and places[ids[one.target or ""]["lead_id"]] != one.seen_place:
            receipts[index] = _moved_meanwhile(one.lead.id)
            continue
        names = _names(one)
        if one.target is None and one.lead.id in ids:
            receipts[index] = _known_id(one, ids[one.lead.id])
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


def _known_id(one: Submission, row: dict[str, Any]) -> Receipt:
    """The lead is there already; unless the id means another person, as when two systems number alike."""
    if one.keys.email is not None and row["email_key"] not in (None, one.keys.email):
        return _other_person(one.lead.id)
    return Receipt("repeated", row["lead_id"], row["batch_id"], row["number"])


def _other_person(lead_id: str) -> Receipt:
    problem = _("The id {id} belongs to a lead of another person.").format(id=lead_id)
    return Receipt("refused", lead_id, problem=problem, refusal="id_reused")


def _moved_meanwhile(target: str) -> Receipt:
    problem = _("The lead is no longer where you saw it: somebody or something has moved it meanwhile.")
    return Receipt("refused", target, problem=problem, refusal="stale")


def _repeated_key(one: Submission, row: dict[str, Any]) -> Receipt:
    if row["fingerprint"] != one.fingerprint:
        return _different_request(row["lead_id"])
    return Receipt("repeated", row["lead_id"], row["batch_id"], row["number"])


def _different_request(lead_id: str) -> Receipt:
    problem = _("This idempotency key was used before, for a different request.")
    return Receipt("refused", lead_id, problem=problem, refusal="key_reused")


def _complete(submissions: Sequence[Submission], receipts: dict[int, Receipt]) -> list[Receipt | None]:
    """Receipts in order; those that repeat one before them in the batch get its answer.

    None where that one was refused: a refused request has taken no name.
    """
    first: dict[_Name, tuple[Submission, Receipt]] = {}
    done: list[Receipt | None] = []
    for index, one in enumerate(submissions):
        names = _names(one)
        receipt = receipts.get(index)
        if receipt is None:
            name = next((name for name in names if name in first), None)
            if name is None:
                done.append(None)
                continue
            original, earlier = first[name]
            receipt = _as_repeated(earlier)
            if name[0] == "key" and one.fingerprint != original.fingerprint:
                receipt = _different_request(earlier.lead_id)
            elif name[0] == "id" and None not in (emails := {one.keys.email, original.keys.email}):
                receipt = receipt if len(emails) == 1 else _other_person(one.lead.id)
        if receipt.status != "refused":
            for name in names:
                first.setdefault(name, (one, receipt))
        done.append(receipt)
    return done


def _answered_keys(
    met: Met, submissions: Sequence[Submission], fresh: dict[int, Submission], done: Sequence[Receipt | None]
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
        if one.key is not None and one.key not in known and receipt and receipt.status == "repeated"
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
        if row["stage"] != "closed":
            known.put(_standing(row, specs))
        seen[row["id"]] = (row["place"], row["version"])
    _put_worked(known, met.worked)
    return known, seen


def _put_worked(known: Known, rows: Iterable[dict[str, Any]]) -> None:
    """Leads that are worked at the companies of the batch; the oldest of a company come first."""
    for row in rows:
        if row["id"] not in known.leads:
            lead = Lead(row["id"], datetime.fromisoformat(row["arrived_at"]), {})
            keys = Keys(None, row["domain"], account=row["account_id"] if row["linked"] else None)
            known.put(Standing(lead, keys, row["stage"], owner=row["owner"]))
    for index in (known.by_domain, known.by_account):
        for ids in index.values():
            ids.sort(key=lambda lead_id: (known.leads[lead_id].lead.arrived_at, lead_id))


def _standing(row: dict[str, Any], specs: dict[str, FieldSpec]) -> Standing:
    return Standing(
        lead=Lead(
            row["id"],
            datetime.fromisoformat(row["arrived_at"]),
            read_fields(row["fields"], specs),
            read_signals(row["signals"]),
        ),
        keys=Keys(
            row["email_key"],
            row["domain"],
            row["phone_key"],
            row["name_key"],
            row["account_id"] if row["linked"] else None,
        ),
        unsure=row["unsure"],
        stage=row["stage"],
        intent=row["intent"],
        owner=row["owner"],
        covered_by=row["covered_by"],
        pool=row["pool"],
        destination=row["destination"],
        service_level=row["service_level"],
        respond_by=_moment(row["respond_by"]),
        responded=row["responded"],
        route=row["route"],
        next_step=row["next_step"],
        next_step_due_at=_moment(row["next_step_due_at"]),
        planned=row["planned"],
        excluded=tuple(row["excluded"]),
        waiting_pool=row["waiting_pool"],
        policy=row["policy"],
        accepted=row["accepted"],
        held_since=_moment(row["held_since"]),
        chase_at=_moment(row["chase_at"]),
        chased=tuple(row["chased"]),
        reassigned=row["reassigned"],
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _people(
    books: Iterable[Rulebook], pools: Iterable[str], known: Known, happenings: Iterable[Arrival | Act]
) -> set[str]:
    """Everyone whose load may decide something: who is on the benches, and the backups of who has a lead."""
    books, pools = list(books), list(pools)
    people = {
        person
        for book in books
        for pool in pools
        if pool in book.benches
        for person in book.benches[pool].ids
    }
    roster = books[0].roster.people
    for one in happenings:
        lead = known.leads.get(one.lead_id) if isinstance(one, Act) else None
        holder = roster.get(lead.covered_by or lead.owner or "") if lead is not None else None
        if holder is not None and holder.backup is not None:
            people.add(holder.backup)
    return people


def _local_day(book: Rulebook, person_id: str, now: datetime) -> date:
    return now.astimezone(ZoneInfo(book.roster.people[person_id].timezone)).date()


def loads_today(book: Rulebook, rows: Iterable[LoadRow], now: datetime) -> dict[str, Load]:
    """Loads as they count at this moment: what came on another day, in the person's zone, does not."""
    people, days = book.roster.people, dict[str, date]()
    loads = {}
    for person_id, open_leads, today, today_on in rows:
        zone = people[person_id].timezone
        if zone not in days:
            days[zone] = _local_day(book, person_id, now)
        counted = today if today_on == days[zone] else 0
        loads[person_id] = Load(open_leads, counted) if open_leads or counted else NO_LOAD
    return loads


def _load_changes(book: Rulebook, hands: Hands, now: datetime) -> list[dict[str, Any]]:
    """What the batch adds to and takes from each person's load.

    `peak` is how far a lead given for its room went above the load at the start, `cap` how far that may
    go: the database compares them with what is true when it writes.
    """
    return [
        {
            "person": person_id,
            "open": change.open,
            "today": change.today,
            "today_on": _local_day(book, person_id, now),
            "peak": change.peak,
            "cap": book.roster.people[person_id].max_open if change.peak is not None else None,
        }
        for person_id, change in sorted(hands.changes.items())
    ]
