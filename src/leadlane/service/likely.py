"""Whom may those who arrived be? Open leads of the same phone or name, contacts, accounts that look alike."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from psycopg import Connection

from leadlane.core.decide import Arrival
from leadlane.core.match import Evidence, Keys, Known, Likeness
from leadlane.matching.compare import same_person
from leadlane.matching.evidence import Code
from leadlane.matching.prospect import lead_record
from leadlane.matching.record import Record
from leadlane.matching.words import COMMON_WORDS
from leadlane.service.recognise import look_alike_accounts

# A probability below this says nothing about whom somebody may be.
LEAST = 0.05
# Of the others in the same batch with the same phone or name so many are looked at: a call list may hold
# thousands of one switchboard.
_MOST_IN_BATCH = 5
# What somebody has written into the CRM is as good as known.
CERTAIN_BITS = 20.0
# All that a company is searched and compared by: colleagues in one batch are one question.
_Company = tuple[Hashable, ...]


def likely_people(arrivals: Mapping[int, Arrival], known: Known) -> dict[int, list[Likeness]]:
    """For those who arrived, by number: the open leads, and those before them in the batch, whom they may be.

    Only people whom neither a target nor a mailbox names are compared, with those of the same phone number
    or the same name at the same company.
    """
    open_leads = _by_key((lead.lead.id, lead.keys) for lead in known.leads.values())
    records: dict[str, Record] = {}
    found: dict[int, list[Likeness]] = {}
    before: dict[str, list[str]] = {}
    fields = {lead_id: lead.lead.fields for lead_id, lead in known.leads.items()}
    for number, one in arrivals.items():
        if one.target is not None:
            continue
        keys, lead_id = _keys(one.keys), one.lead.id
        if one.keys.email is None or one.keys.email not in known.by_email:
            others = [id_ for key in keys for id_ in (*open_leads.get(key, ()), *before.get(key, ()))]
            alike = []
            for other in dict.fromkeys(others):
                if other == lead_id:
                    continue
                ours = _record(records, lead_id, one.lead.fields)
                theirs = _record(records, other, fields[other])
                judged = same_person(ours, theirs, COMMON_WORDS)
                if judged.probability >= LEAST:
                    alike.append(Likeness(judged.probability, judged.evidence, lead=other))
            if alike:
                found[number] = alike
        fields.setdefault(lead_id, one.lead.fields)
        for key in keys:
            if len(before.setdefault(key, [])) < _MOST_IN_BATCH:
                before[key].append(lead_id)
    return found


def likely_accounts(
    connection: Connection,
    arrivals: Mapping[int, Arrival],
    known: Known,
    contacts: Mapping[str, str],
) -> dict[int, list[Likeness]]:
    """For those who arrived, by number: the accounts that they may belong to.

    Only those whom no open lead's mailbox and no account's domain names. `contacts` gives the account of
    contacts' mailboxes and numbers; whoever has one of these is not looked for elsewhere.
    """
    found: dict[int, list[Likeness]] = {}
    wanted: dict[_Company, list[int]] = {}
    records: dict[_Company, Record] = {}
    for number, one in arrivals.items():
        keys = one.keys
        if one.target is not None or keys.domain in known.accounts or keys.email in known.by_email:
            continue
        reached = next((key for key in (keys.email, keys.phone) if key is not None and key in contacts), None)
        if reached is not None and contacts[reached] in known.linked:
            evidence = (Evidence(Code.CONTACT, CERTAIN_BITS, reached, reached),)
            found[number] = [Likeness(1.0, evidence, account=known.linked[contacts[reached]])]
            continue
        record = lead_record(one.lead.id, one.lead.fields)
        if record.company or record.domains:
            company = _company(record)
            records.setdefault(company, record)
            wanted.setdefault(company, []).append(number)
    alike = look_alike_accounts(connection, list(records.values())) if wanted else []
    for numbers, likely in zip(wanted.values(), alike, strict=True):
        if likely:
            found |= {number: list(likely) for number in numbers}
    return found


def _company(record: Record) -> _Company:
    written = record.written
    names = written.get("company", ""), written.get("city", ""), written.get("region", "")
    return (*names, record.country, record.domains, record.phones)


def _by_key(leads: Iterable[tuple[str, Keys]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for lead_id, keys in leads:
        for key in _keys(keys):
            found.setdefault(key, []).append(lead_id)
    return found


def _keys(keys: Keys) -> list[str]:
    return [key for key in (keys.phone, keys.name) if key is not None]


def _record(records: dict[str, Record], lead_id: str, fields: Mapping[str, object]) -> Record:
    if lead_id not in records:
        records[lead_id] = lead_record(lead_id, fields)
    return records[lead_id]
