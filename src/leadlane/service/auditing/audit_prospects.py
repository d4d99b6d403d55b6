"""Which leads of an audit are the same prospect? By the matching of this project."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from leadlane.core.policy import Matching
from leadlane.insight.groups import Codes
from leadlane.intake.columns import header_key
from leadlane.intake.record_columns import RecordColumns
from leadlane.matching.clusters import join, undisputed
from leadlane.matching.keys import email_key, phone_key
from leadlane.matching.record import read_record
from leadlane.service.auditing.audit_columns import COMPANY, PERSON
from leadlane.service.auditing.audit_files import Column, Progress, Table
from leadlane.service.find_duplicates import MEAN_OF_CLUSTER, links_of
from leadlane.service.record_files import Loaded, comparer

# So many leads are compared in seconds; of more, only the same mailbox, or number and name, are the same.
COMPARED = 10_000


def prospects(table: Table, on_progress: Progress | None = None) -> tuple[Codes | None, bool]:
    """The number of each lead's prospect, None where no column names a person; and whether all were compared.

    Up to 10,000 leads are compared as `leadlane duplicates` compares them, and those that are surely the same
    are one prospect. Of more, those with the same mailbox, or the same telephone number and name.
    """
    if not {"email", "phone"} & table.roles.keys() and not {"first_name", "last_name"} <= table.roles.keys():
        return None, False
    if table.count <= COMPARED:
        return _compared(table, on_progress), True
    return _by_keys(table), False


def _compared(table: Table, on_progress: Progress | None) -> Codes:
    columns = {
        role: column for role in (*PERSON, *COMPANY, "country", "region") if (column := table.role(role))
    }
    records = []
    for row in range(table.count):
        values = {
            role: column.texts[code] for role, column in columns.items() if (code := column.codes[row]) >= 0
        }
        records.append(read_record(str(row), values))
    loaded = Loaded(RecordColumns("person", {}), records)
    compare, matching = comparer([loaded], "person"), Matching()

    def show(_stage: str, done: int, total: int | None) -> None:
        if on_progress is not None:
            on_progress("", done, total)

    links, _pairs = links_of(records, "person", compare, matching, show)

    def probability(one: int, other: int) -> float:
        return compare(records[one], records[other]).probability

    sure = [link for link in links if link.probability >= matching.sure_from]
    sure = undisputed(sure, probability, matching.unsure_from)
    found = np.arange(table.count, dtype=np.int32)
    for cluster in join(len(records), sure, probability, min(MEAN_OF_CLUSTER, matching.sure_from)):
        found[list(cluster)] = min(cluster)
    return found


def _by_keys(table: Table) -> Codes:
    """Leads that share a key are the same, and so are those that share one with one of these."""
    keys = [_email_keys(table), _phone_keys(table)]
    rows, columns, width = [], [], 0
    for codes in (codes for codes in keys if codes is not None):
        known = np.flatnonzero(codes >= 0)
        rows.append(known)
        columns.append(codes[known] + width)
        width += int(codes.max(initial=-1)) + 1
    row, column = np.concatenate(rows), np.concatenate(columns) + table.count
    size = table.count + width
    shared = coo_matrix((np.ones(len(row), dtype=np.int8), (row, column)), shape=(size, size))
    _count, prospect = connected_components(shared, directed=False)
    return np.asarray(prospect[: table.count], dtype=np.int32)


def _email_keys(table: Table) -> NDArray[np.int64] | None:
    column = table.role("email")
    return None if column is None else _keyed(column, [email_key(text) for text in column.texts])


def _phone_keys(table: Table) -> NDArray[np.int64] | None:
    """Telephone number and name together: several people answer one number."""
    phone, name = table.role("phone"), table.role("last_name")
    if phone is None or name is None:
        return None
    country = table.role("country")
    home = _one_country(country) if country is not None else None
    number = _keyed(phone, list(map(partial(phone_key, country=home), phone.texts)))
    who = _keyed(name, [header_key(text) or None for text in name.texts])
    known = (number >= 0) & (who >= 0)
    joint = np.full(table.count, -1, dtype=np.int64)
    joint[known] = np.unique(number[known] * (len(name.texts) + 1) + who[known], return_inverse=True)[1]
    return joint


def _one_country(column: Column) -> str | None:
    """The country of a file that has only one, for numbers without a prefix."""
    return column.texts[0] if len(column.texts) == 1 and len(column.texts[0]) == 2 else None


def _keyed(column: Column, keys: list[str | None]) -> NDArray[np.int64]:
    """For each row the number of its key, the same for texts with the same key; -1 for none."""
    numbers: dict[str, int] = {}
    of_text = [-1 if key is None else numbers.setdefault(key, len(numbers)) for key in keys]
    return np.array([*of_text, -1], dtype=np.int64)[column.codes]
