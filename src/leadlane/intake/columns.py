"""Which column of a file is which field? Exports of HubSpot and Salesforce are recognised as they come."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from leadlane.core.facts import FieldSpec
from leadlane.i18n import _, ngettext
from leadlane.intake.leads import RESERVED
from leadlane.intake.problems import did_you_mean, shorten

# Columns that the rejected-rows file adds; no lead gets them when it is fed back.
REJECT_COLUMNS = ("_row", "_column", "_reason", "_text")

# Column names by what they hold: HubSpot, Salesforce, and what people write in English, German, Italian and
# Polish. Case, accents, spaces and punctuation do not count. docs/lead_files.md shows this table.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("Record ID", "Lead ID", "Contact ID", "hs_object_id"),
    "arrived_at": (
        *("Create Date", "Created Date", "Created At", "Created", "Creation Date", "First Contact Date"),
        *("Data creazione", "Data utworzenia", "Erstellt am"),
    ),
    "signals": ("Signal", "Intent Signals"),
    "email": (
        "Email Address",
        "E-mail Address",
        "Work Email",
        "Indirizzo email",
        "Adres e-mail",
        "E-Mail-Adresse",
    ),
    "first_name": ("Given Name", "Nome", "Imię", "Vorname"),
    "last_name": ("Surname", "Family Name", "Cognome", "Nazwisko", "Nachname"),
    "title": ("Job Title", "Position", "Ruolo", "Stanowisko"),
    "phone": (
        "Phone Number",
        "Business Phone",
        "Work Phone",
        "Telephone",
        "Telefono",
        "Telefon",
        "Numer telefonu",
    ),
    "company": (
        *("Company Name", "Company / Account", "Account Name", "Organization", "Organisation"),
        *("Azienda", "Ragione sociale", "Firma", "Nazwa firmy", "Unternehmen"),
    ),
    "company_domain": ("Company Domain Name", "Domain"),
    "website": ("Website URL", "Web Site", "Company Website", "Sito web", "Strona www", "Webseite"),
    "country": ("Country/Region", "Country Name", "Paese", "Nazione", "Kraj", "Land"),
    "region": ("State/Region", "State/Province", "State", "Regione", "Województwo", "Bundesland"),
    "city": ("Town", "Città", "Miasto", "Stadt", "Ort"),
    "language": ("Preferred Language", "hs_language", "Lingua", "Język", "Sprache"),
    "industry": ("Settore", "Branża", "Branche"),
    "employees": (
        *("Number of Employees", "No. of Employees", "Employee Count", "NumEmployees", "Headcount"),
        *("Dipendenti", "Numero dipendenti", "Liczba pracowników", "Mitarbeiter", "Anzahl Mitarbeiter"),
    ),
    "annual_revenue": ("Revenue", "Fatturato", "Przychód", "Roczny przychód", "Umsatz", "Jahresumsatz"),
    "tech_stack": ("Technologies", "Technology", "Web Technologies", "Tecnologie", "Technologie"),
    "source": (
        *("Lead Source", "Original Source", "Original Traffic Source", "hs_analytics_source"),
        *("Fonte", "Źródło", "Quelle"),
    ),
    "campaign": ("Campaign Name", "Campagna", "Kampania", "Kampagne"),
    "product": ("Product Interest", "Product of Interest", "Prodotto", "Produkt"),
    "deal_value": ("Amount", "Deal Amount", "Opportunity Amount"),
    "referral": ("Referred By", "Referrer Name"),
    "message": ("Description", "Messaggio", "Wiadomość", "Nachricht"),
}

# Used only where the file has no column above for the field: exports often hold both.
SECOND_CHOICES: Mapping[str, tuple[str, ...]] = {
    "arrived_at": ("Became a Lead Date",),
    "phone": ("Mobile Phone", "Mobile", "Mobile Phone Number", "Cellulare", "Telefon komórkowy", "Handy"),
    "company_domain": ("Email Domain",),
    "message": ("Comments",),
    "company": ("Associated Company", "Primary Associated Company", "Account"),
    "country": ("Country Code", "Country/Region Code", "IP Country"),
    "employees": ("Company Size",),
    "source": ("Origin", "Origine", "utm_source"),
    "campaign": ("utm_campaign",),
}


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """By which column names each target is known. Of the `choices` the first that a file has is taken."""

    choices: tuple[Mapping[str, tuple[str, ...]], ...]


LEAD_COLUMNS = Vocabulary((ALIASES, SECOND_CHOICES))


@dataclass(frozen=True, slots=True)
class Columns:
    """What each column of a file holds: `targets` by column, the `unmapped` ones, and what is wrong.

    A target is one of `names`, of leads a field, `id`, `arrived_at` or `signals`. With `problems` (sentences)
    the file cannot be read.
    """

    targets: Mapping[str, str]
    unmapped: frozenset[str]
    problems: tuple[str, ...]
    names: frozenset[str]
    vocabulary: Vocabulary = LEAD_COLUMNS

    def split(self, data: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
        """A row as what `read_lead` takes: values by target, and the unmapped values that are kept beside.

        A key that was not among the headers (JSON objects differ) is recognised by its own name.
        """
        raw: dict[str, object] = {}
        extra: dict[str, object] = {}
        for column, value in data.items():
            target = self.targets.get(column)
            if target is None and column not in self.unmapped:
                target = self._late_target(column, data)
            if target is not None:
                raw[target] = value
            elif column not in REJECT_COLUMNS:
                extra[column] = value
        return raw, extra

    def column_of(self, target: str) -> str:
        """The column that holds a target; the target itself where no column does."""
        return next((column for column, held in self.targets.items() if held == target), target)

    def _late_target(self, column: str, data: Mapping[str, object]) -> str | None:
        _rank, target = _recognise(column, self.names, self.vocabulary)
        return None if any(self.targets.get(other) == target for other in data) else target


def match_columns(
    headers: Sequence[str], fields: Mapping[str, FieldSpec], given: Mapping[str, str] | None = None
) -> Columns:
    """Finds the column of each field of a lead among `headers`; `given` says a column by field, and wins."""
    return find_columns(headers, frozenset(fields) | frozenset(RESERVED), LEAD_COLUMNS, given)


def find_columns(
    headers: Sequence[str],
    names: frozenset[str],
    vocabulary: Vocabulary,
    given: Mapping[str, str] | None = None,
) -> Columns:
    """Finds the column of each of `names` among `headers`.

    `given` says a column by name and wins; then a column of that very name; then the vocabulary's. Two
    columns that are equally good for one name, and headers that occur twice, are problems.
    """
    given = given or {}
    problems = _duplicates(headers)
    targets = _given_targets(headers, names, given, problems)
    mapped = set(targets.values())
    candidates: dict[str, dict[int, list[str]]] = {}
    for header in headers:
        rank, target = _recognise(header, names, vocabulary)
        if target is not None and header not in targets and target not in mapped:
            candidates.setdefault(target, {}).setdefault(rank, []).append(header)
    for target, ranks in candidates.items():
        best = list(dict.fromkeys(ranks[min(ranks)]))
        if len(best) > 1:
            problems.append(
                _(
                    "the columns {columns} could all be {field}: choose one, for example with --map {example}"
                ).format(columns=", ".join(map(_quoted, best)), field=target, example=f'"{target}={best[0]}"')
            )
        targets[best[0]] = target
    unmapped = frozenset(headers) - set(targets) - set(REJECT_COLUMNS)
    return Columns(targets, unmapped, tuple(problems), names, vocabulary)


def _given_targets(
    headers: Sequence[str], names: Collection[str], given: Mapping[str, str], problems: list[str]
) -> dict[str, str]:
    by_key = {header_key(header): header for header in reversed(headers)}
    targets: dict[str, str] = {}
    for name, column in given.items():
        header = column if column in headers else by_key.get(header_key(column))
        if name not in names:
            problems.append(
                _with_hint(
                    _("--map: there is no field {field}").format(field=_quoted(name)),
                    did_you_mean(name, names),
                )
            )
        elif header is None:
            problems.append(
                _with_hint(
                    _("--map: the file has no column {column}").format(column=_quoted(column)),
                    did_you_mean(column, headers),
                )
            )
        elif header in targets:
            problems.append(
                _("--map: the column {column} is given for both {one} and {other}").format(
                    column=_quoted(header), one=targets[header], other=name
                )
            )
        else:
            targets[header] = name
    return targets


def _duplicates(headers: Sequence[str]) -> list[str]:
    """A problem for each header that occurs more than once, with all its positions."""
    positions: dict[str, list[int]] = {}
    for position, header in enumerate(headers, start=1):
        positions.setdefault(header, []).append(position)
    return [
        ngettext(
            "the column name {column} occurs {n} time, in columns {positions}: rename all but one",
            "the column name {column} occurs {n} times, in columns {positions}: rename all but one",
            len(found),
        ).format(column=_quoted(header), n=len(found), positions=", ".join(map(str, found)))
        for header, found in positions.items()
        if len(found) > 1
    ]


def _recognise(header: str, names: Collection[str], vocabulary: Vocabulary) -> tuple[int, str | None]:
    """How well (0 is best) a header says which target, and the target; None when it says none."""
    if header in REJECT_COLUMNS:
        return 0, None
    if header in names:
        return 0, header
    key = header_key(header)
    for name in names:
        if header_key(name) == key:
            return 1, name
    for rank, table in enumerate(_by_key(vocabulary), start=2):
        target = table.get(key)
        if target in names:
            return rank, target
    return 0, None


@cache
def _by_key(vocabulary: Vocabulary) -> list[dict[str, str]]:
    """For each of the choices, the targets by the keys of their names."""
    return [
        {header_key(name): target for target, names in choice.items() for name in names}
        for choice in vocabulary.choices
    ]


def header_key(header: str) -> str:
    """A header without case, accents, spaces and punctuation."""
    letters = unicodedata.normalize("NFKD", header.casefold().replace("ł", "l"))
    return "".join(char for char in letters if char.isalnum())


def _quoted(name: str) -> str:
    return f"“{shorten(name)}”"


def _with_hint(sentence: str, hint: str) -> str:
    return _("{sentence}; {hint}").format(sentence=sentence, hint=hint) if hint else sentence
