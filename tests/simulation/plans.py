"""What may somebody do next? Requests, acts, and changes of rules and people: right ones and wrong ones.

A plan is drawn before it is done, so that whoever dies of it can do the very same thing again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

import orjson
from psycopg import Connection
from psycopg.rows import dict_row
from tests.simulation import company

from leadlane.core.act import CLOSINGS, Act, ActKind
from leadlane.core.facts import LEAD_FIELDS, WORKED_STAGES
from leadlane.intake.leads import read_lead
from leadlane.service.acts import submit_acts
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.publish import publish
from leadlane.service.roster import put_entry, set_away
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission, act_submission, signal_submission, submission
from leadlane.store import policies, roster

BY = "simulation"


@dataclass(frozen=True, slots=True)
class Plan:
    """Something to do. `sent` are the ids of the leads that it brings, in the order of its receipts.

    `refused` says whether it must be refused; None where nobody can say without doing it.
    """

    name: str
    work: Callable[[Connection[Any]], Sequence[Receipt]]
    sent: tuple[str, ...] = ()
    refused: bool | None = None


@dataclass(slots=True)
class State:
    """What those who plan know."""

    chance: Random
    now: datetime
    policy: company.Document
    people: list[str]
    books: Rulebooks = field(default_factory=Rulebooks, kw_only=True)
    sent: list[Submission] = field(default_factory=list, kw_only=True)
    counted: int = field(default=0, kw_only=True)
    asleep: int = field(default=0, kw_only=True)  # for how many steps the workers still sleep
    log: list[str] = field(default_factory=list, kw_only=True)

    def next_id(self, kind: str) -> str:
        """An id that nobody had."""
        self.counted += 1
        return f"{kind}{self.counted}"


def choose(state: State, db: Connection[Any]) -> Plan:
    """The next plan; `db` shows how things are."""
    kinds = {
        _arrive: 22,
        _file: 7,
        _again: 6,
        _reuse: 2,
        _news: 14,
        _act: 34,
        _roster: 6,
        _away: 5,
        _publish: 3,
        _sleep: 2,
    }
    [kind] = state.chance.choices(list(kinds), list(kinds.values()))
    return kind(state, db)


# ---------------------------------------------------------------- leads and their news


def _arrive(state: State, _db: Connection[Any]) -> Plan:
    one = _submission(state, "form", key=state.chance.random() < 0.5)
    return _send(state, f"a lead comes: {one.lead.id}", [one])


def _file(state: State, _db: Connection[Any]) -> Plan:
    rows = [_submission(state, "file") for _row in range(state.chance.randint(2, 12))]
    if state.chance.random() < 0.3:
        rows.append(state.chance.choice(rows))
    return _send(state, f"a file comes: {rows[0].lead.id} and {len(rows) - 1} more", rows)


def _submission(state: State, source: str, *, key: bool = False) -> Submission:
    raw = company.lead_of(state.chance, state.next_id("L"), state.now)
    given, problems = read_lead(raw, LEAD_FIELDS, state.now, UTC)
    assert given is not None, problems
    one = submission(given, source, state.now)
    if not key:
        return one
    return replace(one, key=f"key-{one.lead.id}", fingerprint=sha256(orjson.dumps(raw)).hexdigest())


def _send(state: State, name: str, submissions: list[Submission], *, refused: bool | None = False) -> Plan:
    now, books = state.now, state.books
    state.sent += [one for one in submissions if not refused]
    return Plan(
        name,
        lambda connection: route_batch(connection, books, submissions, now),
        tuple(one.lead.id for one in submissions if one.target is None),
        refused,
    )


def _again(state: State, db: Connection[Any]) -> Plan:
    if not state.sent:
        return _arrive(state, db)
    one = state.chance.choice(state.sent)
    plan = _send(state, f"a request comes again: {one.lead.id}", [one], refused=None)
    state.sent.pop()
    return plan


def _reuse(state: State, db: Connection[Any]) -> Plan:
    """A key that belongs to another request; or to nobody, if that request did not come through."""
    keyed = [one for one in state.sent if one.key is not None]
    if not keyed:
        return _arrive(state, db)
    one = _submission(state, "form")
    one = replace(one, key=state.chance.choice(keyed).key, fingerprint=f"another, of {one.lead.id}")
    known = "SELECT EXISTS (SELECT FROM idempotency_keys WHERE key = %s)"
    row = db.execute(known, [one.key]).fetchone()
    return _send(
        state, f"a key comes with another request: {one.lead.id}", [one], refused=row is not None and row[0]
    )


def _news(state: State, db: Connection[Any]) -> Plan:
    row = _some_lead(state, db, open_only=state.chance.random() < 0.9)
    if row is None:
        return _arrive(state, db)
    raw = {"id": row["id"], "signals": [company.signal_of(state.chance, state.now)]}
    given, problems = read_lead(raw, LEAD_FIELDS, state.now, UTC)
    assert given is not None, problems
    one = signal_submission(row["id"], given.signals, "site", state.now)
    if state.chance.random() < 0.3:
        one = replace(one, key=state.next_id("news-"), fingerprint="news")
    name = f"{given.signals[0].name} of {row['id']}"
    # News of what is part of another lead go there.
    refused = None if row["merged_into"] else row["stage"] == "closed"
    plan = _send(state, name, [one], refused=refused)
    if one.key is None and one in state.sent:
        state.sent.remove(one)
    return plan


def _some_lead(state: State, db: Connection[Any], *, open_only: bool) -> dict[str, Any] | None:
    with db.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "SELECT id, stage, owner, covered_by, place, destination, pool, merged_into FROM leads"
            " WHERE stage <> 'closed' OR NOT %s ORDER BY id",
            [open_only],
        ).fetchall()
    return state.chance.choice(rows) if rows else None


# ---------------------------------------------------------------- acts


def _act(state: State, db: Connection[Any]) -> Plan:
    row = _some_lead(state, db, open_only=state.chance.random() < 0.93)
    if row is None:
        return _arrive(state, db)
    chance = state.chance
    kinds: tuple[ActKind, ...] = ("accept", "decline", "touch", "reassign", "review", "close")
    if chance.random() < 0.15:
        kinds = ("identify", "merge", "split")
    elif row["stage"] == "review" and chance.random() < 0.6:
        kinds = ("review",)
    kind = chance.choice(kinds)
    holder = row["covered_by"] or row["owner"]
    by = holder if chance.random() < 0.85 else chance.choice([*state.people, "nobody"])
    roster_now = state.books.current(db).roster.people
    one, wrong = _ACTS[kind](state, db, Act(row["id"], kind, by=by), row)
    seen = row["place"] + 1 if chance.random() < 0.03 else chance.choice((None, row["place"]))
    wrong = wrong or row["stage"] == "closed" or seen == row["place"] + 1
    wrong = wrong or (by is not None and by not in roster_now)
    now, books = state.now, state.books
    key = state.next_id("act-") if chance.random() < 0.5 else None
    submitted = act_submission(one, now, seen, key, "act" if key else "")
    return Plan(
        f"{by}: {kind} {row['id']} {one.to or one.how or one.outcome or one.reason}",
        lambda connection: submit_acts(connection, books, [submitted], now),
        refused=None if row["merged_into"] else wrong,
    )


def _identify(state: State, _db: Connection[Any], one: Act, _row: dict[str, Any]) -> tuple[Act, bool]:
    account = state.chance.choice((None, "a0", "a1", "a2", "a3", "nowhere"))
    return replace(one, to=account), account == "nowhere"


def _merge(state: State, db: Connection[Any], one: Act, row: dict[str, Any]) -> tuple[Act, bool]:
    other = _some_lead(state, db, open_only=state.chance.random() < 0.9) or row
    return replace(one, to=other["id"]), other["id"] == row["id"] or other["stage"] == "closed"


def _split(state: State, db: Connection[Any], one: Act, row: dict[str, Any]) -> tuple[Act, bool]:
    came = db.execute(
        "SELECT id FROM lead_aliases WHERE lead_id = %(id)s"
        " UNION ALL SELECT id FROM leads WHERE merged_into = %(id)s ORDER BY id",
        {"id": row["id"]},
    ).fetchall()
    if not came:
        return replace(one, to=row["id"]), True
    return replace(one, to=state.chance.choice(came)[0]), False


def _accept(_state: State, _db: Connection[Any], one: Act, row: dict[str, Any]) -> tuple[Act, bool]:
    works = row["stage"] in WORKED_STAGES and row["owner"] is not None
    return one, not works or one.by not in (row["owner"], row["covered_by"])


def _decline(state: State, db: Connection[Any], one: Act, row: dict[str, Any]) -> tuple[Act, bool]:
    one = replace(one, reason=state.chance.choice(("busy", "junk", "duplicate")))
    return _accept(state, db, one, row)


def _touch(state: State, _db: Connection[Any], one: Act, _row: dict[str, Any]) -> tuple[Act, bool]:
    return replace(one, how=state.chance.choice(("call", "email", "note"))), False


def _reassign(state: State, db: Connection[Any], one: Act, _row: dict[str, Any]) -> tuple[Act, bool]:
    one = replace(one, to=state.chance.choice([*state.people, "nobody"]))
    person = state.books.current(db).roster.people.get(one.to or "")
    return one, person is None or not person.active


def _review(state: State, db: Connection[Any], one: Act, row: dict[str, Any]) -> tuple[Act, bool]:
    book = state.books.current(db)
    wrong = row["stage"] != "review"
    if state.chance.random() < 0.5:
        one, unknown = _reassign(state, db, one, row)
    else:
        targets = [f"pool:{name}" for name in state.policy["pools"]]
        targets += [f"program:{name}" for name in state.policy["programs"]]
        one = replace(one, to=state.chance.choice([*targets, "pool:nowhere"]))
        unknown = one.to == "pool:nowhere"
    person = book.roster.people.get(one.by or "")
    may = (
        person is None
        or person.role in ("manager", "revops", "admin")
        or person.id in _reviewers(state, db, row)
    )
    return one, wrong or unknown or not may


def _reviewers(state: State, db: Connection[Any], row: dict[str, Any]) -> tuple[str, ...]:
    bench = state.books.current(db).benches.get(row["pool"] or "")
    return bench.ids if bench is not None else ()


def _close(state: State, _db: Connection[Any], one: Act, _row: dict[str, Any]) -> tuple[Act, bool]:
    outcome = state.chance.choice((*CLOSINGS, "junk", "duplicate", "whatever"))
    return replace(one, outcome=outcome, value=state.chance.choice((None, 1200))), outcome == "whatever"


_ACTS: dict[str, Callable[[State, Connection[Any], Act, dict[str, Any]], tuple[Act, bool]]] = {
    "accept": _accept,
    "decline": _decline,
    "touch": _touch,
    "reassign": _reassign,
    "review": _review,
    "close": _close,
    "identify": _identify,
    "merge": _merge,
    "split": _split,
}


# ---------------------------------------------------------------- rules and people


def _publish(state: State, _db: Connection[Any]) -> Plan:
    policy, now = company.changed_policy(state.chance, state.policy), state.now
    text = orjson.dumps(policy).decode()

    def work(connection: Connection[Any]) -> Sequence[Receipt]:
        publish(connection, text, "policy.yaml", BY, "", now)
        state.policy = policy
        return ()

    return Plan("a policy is published", work)


def _roster(state: State, db: Connection[Any]) -> Plan:
    """Somebody comes, goes, or can take more or less than before."""
    chance, now = state.chance, state.now
    if chance.random() < 0.15:
        id_ = state.next_id("n")
        content = company.person_of(chance, id_, state.people, now)
        state.people.append(id_)
    else:
        id_ = chance.choice(state.people)
        _version, revision = policies.in_force(db)
        content = dict(roster.entries(db, revision)["person"].get(id_) or {})
        if not content:
            return _arrive(state, db)
        content |= chance.choice(
            (
                {"active": not content.get("active", True)},
                company.limits_of(chance),
                company.limits_of(chance),
                {"hours": chance.choice(list(company.HOURS))},
                {"backup": chance.choice([other for other in state.people if other != id_])},
                {"weight": chance.choice((0.5, 1, 3))},
            )
        )

    def work(connection: Connection[Any]) -> Sequence[Receipt]:
        put_entry(connection, "person", id_, content, BY, now)
        return ()

    return Plan(f"the roster changes: {content}", work)


def _away(state: State, _db: Connection[Any]) -> Plan:
    chance, now = state.chance, state.now
    person = chance.choice(state.people)
    absence = company.absence(chance, now + timedelta(minutes=chance.choice((0, 0, -30, 60, 2000))))
    start, until = (datetime.fromisoformat(absence[name]) for name in ("from", "until"))

    def work(connection: Connection[Any]) -> Sequence[Receipt]:
        set_away(connection, person, start, until, "holiday", BY, now)
        return ()

    return Plan(f"{person} is away from {start} until {until}", work)


def _sleep(state: State, db: Connection[Any]) -> Plan:
    state.asleep = state.chance.randint(1, 8)
    return replace(_arrive(state, db), name="the workers fall asleep, and a lead comes")
