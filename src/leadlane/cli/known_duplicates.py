"""`leadlane duplicates` without a file: which leads and which accounts in the database are the same?"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from psycopg import Connection
from rich.table import Table
from rich.text import Text

from leadlane import config
from leadlane.app import App, open_app
from leadlane.cli.matching import console, percent, print_evidence, progress_shown, thresholds
from leadlane.core.facts import Account, Roster
from leadlane.errors import LeadlaneError
from leadlane.explain.likeness import likeness_words
from leadlane.explain.speech import person_words
from leadlane.explain.standing import stage_words
from leadlane.i18n import _, ngettext
from leadlane.service.csv_cells import plain
from leadlane.service.duplicates import Found, Group, Of, duplicate_accounts, duplicate_leads
from leadlane.store.codec import encode
from leadlane.store.duplicates import LeadCard

# So many of each cluster are shown; --out and --json have all.
SHOWN_MEMBERS = 8
SHOWN_REASONS = 3
OUT_COLUMNS = (
    *("of", "group", "certainty", "probability", "id", "name", "email", "phone", "company", "domains"),
    *("country", "city", "stage", "owner", "covered_by", "arrived_at", "evidence"),
)


def search(
    of: Sequence[Of], sure: float | None, unsure: float | None, limit: int, out: Path | None, *, as_json: bool
) -> None:
    """Print, and write to `out`, the duplicates in the database; thresholds None are the policy's."""
    with open_app(config.settings()) as app, app.pool.connection() as connection:
        roster = app.books.current(connection).roster
        found = [found_in(app, connection, one, sure, unsure) for one in of]
    if out is not None:
        _write(out, found)
    if as_json:
        typer.echo(encode({one.of: _json(one) for one in found}).decode())
        return
    for one in found:
        _print(one, roster, limit)
    if out is not None:
        console.print(Text(_("All of them are in {file}.").format(file=out)), soft_wrap=True)


def found_in(app: App, connection: Connection, of: Of, sure: float | None, unsure: float | None) -> Found:
    """The duplicates among leads or accounts; thresholds None are the policy's."""
    settings = app.books.current(connection).policy.matching
    matching = thresholds(
        settings.sure_from if sure is None else sure, settings.unsure_from if unsure is None else unsure
    )
    find = duplicate_leads if of == "leads" else duplicate_accounts
    with progress_shown() as on_progress:
        return find(connection, matching, on_progress)


def _print(found: Found, roster: Roster, limit: int) -> None:
    for number, group in enumerate(found.sure[:limit], start=1):
        print_group(found, group, roster, number, is_sure=True)
    print_more(len(found.sure) - limit)
    if found.unsure:
        console.print(Text(_("Unsure: are these the same?"), style="bold cyan"))
    for number, group in enumerate(found.unsure[:limit], start=len(found.sure) + 1):
        print_group(found, group, roster, number, is_sure=False)
    print_more(len(found.unsure) - limit)
    for line in _summary(found):
        console.print(Text(line), soft_wrap=True)
    console.print()


def print_group(found: Found, group: Group, roster: Roster, number: int, *, is_sure: bool) -> None:
    probability = percent(min((one.comparison.probability for one in group.reasons), default=1.0))
    said = (
        _("{number}. Surely the same ({probability})") if is_sure else _("{number}. Unsure ({probability})")
    )
    console.print(Text(said.format(number=number, probability=probability), style="bold cyan"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    rows = [_row(found, id_, roster) for id_ in group.members[:SHOWN_MEMBERS]]
    shown = [name for name in rows[0] if any(row[name] for row in rows)]
    for name in shown:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[name]) for name in shown))
    console.print(table)
    print_more(len(group.members) - SHOWN_MEMBERS)
    for reason in group.reasons[:SHOWN_REASONS]:
        if len(group.members) > 2:
            pair = _("{one} and {other}").format(one=reason.one, other=reason.other)
            console.print(Text("  " + pair, style="dim"))
        print_evidence(reason.comparison, 4)
    console.print()


def _row(found: Found, id_: str, roster: Roster) -> dict[str, str]:
    """What is shown of a lead or an account, by the heading of its column."""
    if found.cards is not None:
        return _lead_row(found.cards[id_], roster)
    return _account_row((found.accounts or {})[id_], roster)


def _lead_row(card: LeadCard, roster: Roster) -> dict[str, str]:
    text = _texts(card.fields)
    owner = person_words(roster, card.owner) if card.owner else ""
    if card.covered_by:
        owner = _("{name} ({cover} covers)").format(name=owner, cover=person_words(roster, card.covered_by))
    return {
        _("lead"): card.id,
        _("name"): _name(card.fields),
        _("e-mail"): text["email"],
        _("phone"): text["phone"],
        _("company"): text["company"],
        _("stage"): stage_words(card.stage),
        _("owner"): owner,
    }


def _account_row(account: Account, roster: Roster) -> dict[str, str]:
    kinds = (_("customer") if account.customer else "", _("named account") if account.named else "")
    return {
        _("account"): account.id,
        _("name"): " · ".join((account.name, *account.aliases)),
        _("domains"): ", ".join(account.domains),
        _("country"): account.country,
        _("city"): account.city,
        _("kind"): ", ".join(filter(None, kinds)),
        _("owner"): person_words(roster, account.owner) if account.owner else "",
    }


def _name(fields: Mapping[str, Any]) -> str:
    return " ".join(str(fields[part]) for part in ("first_name", "last_name") if fields.get(part))


def _texts(fields: Mapping[str, Any]) -> dict[str, str]:
    names = ("email", "phone", "company", "company_domain", "country", "city")
    return {name: " ".join(str(fields.get(name) or "").split()) for name in names}


def print_more(count: int) -> None:
    if count > 0:
        said = ngettext("… and {n} more", "… and {n} more", count)
        console.print(Text("  " + said.format(n=f"{count:,}"), style="dim"))


def _summary(found: Found) -> Iterator[str]:
    surplus = sum(_surplus(found, group) for group in found.sure)
    clusters = ngettext("{n} cluster", "{n} clusters", len(found.sure)).format(n=f"{len(found.sure):,}")
    unsure = ngettext("{n} unsure pair", "{n} unsure pairs", len(found.unsure)).format(
        n=f"{len(found.unsure):,}"
    )
    if found.of == "leads":
        said = ngettext(
            "{n} lead: {clusters} of open ones", "{n} leads: {clusters} of open ones", found.searched
        )
        extra = ngettext("{n} lead too many", "{n} leads too many", surplus)
    else:
        said = ngettext("{n} account: {clusters}", "{n} accounts: {clusters}", found.searched)
        extra = ngettext("{n} account too many", "{n} accounts too many", surplus)
    yield _("{said} ({extra}), {unsure}.").format(
        said=said.format(n=f"{found.searched:,}", clusters=clusters),
        extra=extra.format(n=f"{surplus:,}"),
        unsure=unsure,
    )
    if found.past:
        said = ngettext(
            "{n} more cluster or pair has at most one open lead: a prospect who came again after the end.",
            "{n} more clusters or pairs have at most one open lead: prospects who came again after the end.",
            found.past,
        )
        yield said.format(n=f"{found.past:,}")
    if found.of == "leads" and found.sure:
        yield _("To merge them, one by one: leadlane duplicates --merge --by PERSON")
    if found.of == "accounts" and (found.sure or found.unsure):
        yield accounts_words()


def accounts_words() -> str:
    """Why accounts are not merged here, and what to do instead."""
    return _(
        "Accounts come from the CRM and would come back with the next import: merge them there; "
        "--out FILE.csv is the list for it."
    )


def _surplus(found: Found, group: Group) -> int:
    cards = found.cards
    count = sum(cards[id_].is_open for id_ in group.members) if cards is not None else len(group.members)
    return count - 1


def _groups(found: Found) -> Iterator[tuple[int, str, Group]]:
    for number, group in enumerate([*found.sure, *found.unsure], start=1):
        yield number, "sure" if number <= len(found.sure) else "unsure", group


def _json(found: Found) -> dict[str, object]:
    return {
        "searched": found.searched,
        "groups": [
            {
                "certainty": certainty,
                "members": [_member(found, id_) for id_ in group.members],
                "reasons": [
                    {
                        "one": reason.one,
                        "other": reason.other,
                        "probability": reason.comparison.probability,
                        "evidence": reason.comparison.evidence,
                    }
                    for reason in group.reasons
                ],
            }
            for _number, certainty, group in _groups(found)
        ],
        "past": found.past,
    }


def _write(out: Path, found: Iterable[Found]) -> None:
    """A line for each member of each group, for a spreadsheet."""
    try:
        file = out.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise LeadlaneError(
            _("The file {path} cannot be written: {reason}").format(path=out, reason=error.strerror),
            _("Check the name and the permissions."),
        ) from error
    with file:
        writer = csv.DictWriter(file, OUT_COLUMNS, restval="")
        writer.writeheader()
        for one in found:
            for number, certainty, group in _groups(one):
                shared = {"of": one.of, "group": number, "certainty": certainty}
                for id_ in group.members:
                    writer.writerow({**shared, **_plain(_member(one, id_)), **_why(group, id_)})


def _plain(member: Mapping[str, object]) -> dict[str, object]:
    """The same, with nothing that a spreadsheet would take for a formula: strangers wrote it into forms."""
    return {name: value if name == "id" else plain(value) for name, value in member.items()}


def _why(group: Group, id_: str) -> dict[str, object]:
    """The strongest reason of a member."""
    reason = next((one for one in group.reasons if id_ in (one.one, one.other)), None)
    if reason is None:
        return {}
    evidence = "; ".join(likeness_words(reason.comparison.evidence))
    return {"probability": reason.comparison.probability, "evidence": evidence}


def _member(found: Found, id_: str) -> dict[str, object]:
    """A lead or an account as data."""
    if found.cards is None:
        account = (found.accounts or {})[id_]
        return {
            "id": id_,
            "name": account.name,
            "domains": " ".join(account.domains),
            "phone": account.phone,
            "country": account.country,
            "city": account.city,
            "owner": account.owner,
        }
    card = found.cards[id_]
    text = _texts(card.fields)
    return {
        "id": id_,
        "name": _name(card.fields),
        **{name: text[name] for name in ("email", "phone", "company", "country", "city")},
        "domains": text["company_domain"],
        "stage": card.stage,
        "owner": card.owner,
        "covered_by": card.covered_by,
        "arrived_at": card.arrived_at.isoformat(),
    }
