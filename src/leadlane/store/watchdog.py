"""Does everything in the database still agree? Questions whose answer must always be: nothing.

Each guards a guarantee of docs/guarantees.md that no single constraint can hold. All are asked in one
statement, so that what others write meanwhile cannot look like a disagreement.
"""

from __future__ import annotations

from psycopg import Connection

from leadlane.i18n import N_, _

_EXAMPLES = 3

# What would be wrong, and the ids of what is wrong in that way.
_QUESTIONS = (
    (
        N_("leads without the decision that put them where they are"),
        "SELECT id FROM leads l WHERE NOT EXISTS (SELECT FROM decisions d WHERE d.batch_id = l.batch_id"
        " AND d.number = l.decision_number AND d.lead_id = l.id)",
    ),
    (
        N_("leads without exactly one decision that first placed them"),
        # What was split off a lead it had come as part of, was placed then; other splits placed it again.
        "SELECT l.id FROM leads l LEFT JOIN decisions d ON d.lead_id = l.id"
        " GROUP BY l.id HAVING count(*) FILTER (WHERE d.outcome = 'placed') > 1"
        " OR coalesce((array_agg(d.outcome ORDER BY d.batch_id, d.number))[1], '')"
        " NOT IN ('placed', 'split')",
    ),
    (
        N_("leads whose timeline does not tell exactly once that they arrived"),
        "SELECT l.id FROM leads l LEFT JOIN timeline t ON t.lead_id = l.id"
        " GROUP BY l.id HAVING count(*) FILTER (WHERE t.event = 'arrived') > 1"
        " OR coalesce((array_agg(t.event ORDER BY t.id))[1], '') NOT IN ('arrived', 'split_off')",
    ),
    (
        N_("open leads with an owner of whom nobody was told"),
        "SELECT id FROM leads l WHERE owner IS NOT NULL AND stage <> 'closed'"
        " AND NOT EXISTS (SELECT FROM outbox o WHERE o.lead_id = l.id)",
    ),
    (
        N_("open leads that a person has, without a next step and when it is due"),
        "SELECT id FROM leads WHERE owner IS NOT NULL"
        " AND stage IN ('assigned', 'accepted', 'working', 'review')"
        " AND (next_step IS NULL OR next_step_due_at IS NULL)",
    ),
    (
        N_("decisions about leads that do not exist"),
        "SELECT DISTINCT lead_id FROM decisions d"
        " WHERE NOT EXISTS (SELECT FROM leads l WHERE l.id = d.lead_id)",
    ),
    (
        N_("decisions without their batch"),
        "SELECT DISTINCT batch_id::text FROM decisions d"
        " WHERE NOT EXISTS (SELECT FROM batches b WHERE b.id = d.batch_id)",
    ),
    (
        N_("batches whose decisions are missing or not numbered in order"),
        "SELECT b.id::text FROM batches b LEFT JOIN decisions d ON d.batch_id = b.id"
        " GROUP BY b.id HAVING count(d.number) = 0 OR max(d.number) + 1 <> count(d.number)",
    ),
    (
        N_("timelines of leads that do not exist"),
        "SELECT DISTINCT lead_id FROM timeline t"
        " WHERE NOT EXISTS (SELECT FROM leads l WHERE l.id = t.lead_id)",
    ),
    (
        N_("messages about leads that do not exist, or to people who do not"),
        "SELECT DISTINCT lead_id FROM outbox o WHERE"
        " (lead_id IS NOT NULL AND NOT EXISTS (SELECT FROM leads l WHERE l.id = o.lead_id))"
        " OR (person IS NOT NULL AND NOT EXISTS (SELECT FROM loads p WHERE p.person = o.person))",
    ),
    (
        N_("other ids of leads that do not exist, or that are leads themselves"),
        "SELECT id FROM lead_aliases a WHERE NOT EXISTS (SELECT FROM leads l WHERE l.id = a.lead_id)"
        " OR EXISTS (SELECT FROM leads l WHERE l.id = a.id)",
    ),
    (
        N_("idempotency keys that name no decision about their lead"),
        "SELECT key FROM idempotency_keys k WHERE NOT EXISTS (SELECT FROM decisions d"
        " WHERE d.batch_id = k.batch_id AND d.number = k.number AND d.lead_id = k.lead_id)",
    ),
    (
        N_("people whose count of open leads is not the number of open leads they own"),
        "SELECT coalesce(p.person, l.owner) FROM loads p FULL JOIN (SELECT owner, count(*) AS open FROM leads"
        " WHERE owner IS NOT NULL AND stage <> 'closed' GROUP BY owner) l ON l.owner = p.person"
        " WHERE coalesce(p.open, -1) <> coalesce(l.open, 0)",
    ),
    (
        N_("pools whose balances do not add up to zero, or that count a turn not taken"),
        "SELECT pool FROM ledgers, LATERAL (SELECT coalesce(sum((m.value ->> 0)::bigint), 0) AS balance,"
        " coalesce(max((m.value ->> 1)::bigint), 0) AS last FROM json_each(members) m) s"
        " WHERE s.balance <> 0 OR s.last > picks",
    ),
)

_STATEMENT = " UNION ALL ".join(
    f"SELECT {number}, count(*), (array_agg(id ORDER BY id))[1:{_EXAMPLES}] FROM ({question}) AS wrong (id)"
    for number, (_text, question) in enumerate(_QUESTIONS)
)


def violations(connection: Connection) -> list[str]:
    """What does not agree, in words with the first ids; an empty list when all is well.

    Reads whole tables: seconds for a million leads.
    """
    return [
        _("{what}: {count} ({examples})").format(
            count=count, what=_(_QUESTIONS[number][0]), examples=", ".join(examples)
        )
        for number, count, examples in connection.execute(_STATEMENT).fetchall()
        if count
    ]
