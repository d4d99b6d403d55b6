"""Which column of an export is which property of an account, a contact or a person of the roster?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from leadlane.intake.columns import Vocabulary

Kind = Literal["accounts", "people", "contacts"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class ImportColumns:
    """What a file of one kind may hold: the `names` of its properties, and how exports call them."""

    names: frozenset[str]
    vocabulary: Vocabulary


def _columns(*choices: Mapping[str, tuple[str, ...]]) -> ImportColumns:
    return ImportColumns(frozenset(choices[0]), Vocabulary(choices))


# Labels of reports and exports of HubSpot and Salesforce, and their API's names (AccountId and “Account ID”
# are one: case, spaces and punctuation do not count). docs/importing.md shows these tables.
IMPORT_COLUMNS: Mapping[Kind, ImportColumns] = {
    "accounts": _columns(
        {
            "id": ("Record ID", "Account ID", "Company ID", "hs_object_id"),
            "name": ("Company Name", "Account Name", "Company", "Account", "Firma", "Azienda", "Nazwa firmy"),
            "aliases": ("Also Known As", "Other Names", "Trade Names", "DBA", "Account Name (Local)"),
            "domains": ("Additional Domains", "hs_additional_domains", "Email Domains"),
            "company_domain": ("Company Domain Name", "Domain", "Domain Name", "Email Domain"),
            "website": ("Website URL", "Web Site", "Company Website"),
            "country": (
                *("Billing Country", "Country/Region", "Country Name"),
                *("Paese", "Kraj", "Land"),
            ),
            "city": ("Billing City", "Town", "Città", "Miasto", "Stadt"),
            "phone": ("Phone Number", "Company Phone", "Account Phone", "Telefono", "Telefon"),
            "owner": ("Account Owner", "Company Owner", "Owner Name", "Account Owner Name"),
            "owner_email": ("Account Owner Email", "Company Owner Email", "Account Owner: Email"),
            "owner_id": (
                "Account Owner ID",
                "Company Owner ID",
                "HubSpot Owner ID",
                "Account Owner: User ID",
            ),
            "named": ("Named Account", "Target Account", "hs_is_target_account", "Is Named Account"),
            "customer": ("Is Customer", "Customer Account", "Kunde", "Cliente", "Klient"),
            "type": ("Account Type", "Company Type", "Relationship Type"),
            "lifecycle_stage": ("Lifecycle", "Customer Stage"),
        },
        {
            "country": ("Billing Country Code", "Country Code", "Country/Region Code", "HQ Country"),
            "city": ("Shipping City", "HQ City"),
        },
        {"country": ("Shipping Country",)},
        {"country": ("Shipping Country Code",)},
    ),
    "contacts": _columns(
        {
            "id": ("Record ID", "Contact ID", "hs_object_id"),
            "first_name": ("Given Name", "Vorname", "Nome", "Imię"),
            "last_name": ("Surname", "Family Name", "Nachname", "Cognome", "Nazwisko"),
            "name": ("Full Name", "Contact Name", "Contact"),
            "email": ("Email Address", "E-mail Address", "Work Email", "E-Mail-Adresse", "Indirizzo email"),
            "phone": ("Phone Number", "Business Phone", "Work Phone", "Telephone", "Telefono", "Telefon"),
            "mobile": ("Mobile Phone", "Mobile Phone Number", "Cell Phone", "Cellulare", "Handy"),
            "account_id": (
                "Company ID",
                "Primary Associated Company ID",
                "Associated Company IDs (Primary)",
            ),
            "account": ("Account Name", "Primary Associated Company", "Associated Company (Primary)"),
        },
        {
            "account_id": ("Associated Company ID", "Associated Company IDs"),
            "account": ("Associated Company",),
            "phone": ("Other Phone", "Home Phone"),
        },
        {"account": ("Company Name", "Company", "Organization", "Firma", "Azienda", "Nazwa firmy")},
    ),
    "people": _columns(
        {
            "id": ("User ID", "Owner ID", "HubSpot Owner ID"),
            "name": ("Full Name", "User", "User Name (Full)", "Display Name"),
            "first_name": ("Given Name", "Vorname", "Nome", "Imię"),
            "last_name": ("Surname", "Family Name", "Nachname", "Cognome", "Nazwisko"),
            "email": ("Email Address", "E-mail Address", "Work Email", "User Email"),
            "username": ("User Name", "Login"),
            "title": ("Job Title", "Position"),
            "role": ("User Role", "Role Name", "Sales Role"),
            "level": ("Seniority",),
            "manager": ("Manager Name", "Reports To", "Manager: Full Name"),
            "timezone": ("Time Zone", "TimeZoneSidKey", "Zeitzone", "Fuso orario", "Strefa czasowa"),
            "country": ("Country/Region", "Country Code", "Country Name", "Paese", "Kraj", "Land"),
            "active": ("Is Active", "Active User"),
            "deactivated": ("Is Deactivated", "Archived"),
            "teams": ("Team", "Main Team", "Primary Team", "Sales Team"),
            "department": ("Division",),
            "languages": ("Spoken Languages", "Sprachen"),
            "industries": ("Industry",),
            "region": ("Sales Region", "Territory"),
            "hours": ("Working Hours",),
            "weight": ("Share",),
            "max_open": ("Max Open Leads", "Most Open Leads"),
            "per_day": ("Leads Per Day", "Max Leads Per Day"),
            "backup": ("Backup Person", "Delegate", "Delegated Approver"),
        },
        {
            "id": ("Employee ID",),
            "manager": ("Manager Email",),
            "active": ("User Status", "Status"),
        },
        {"manager": ("Manager ID",)},
    ),
}
