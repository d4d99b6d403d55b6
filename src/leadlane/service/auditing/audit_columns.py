"""Which column says what an audit asks for? By the names of HubSpot, Salesforce and logs of events."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

from leadlane.intake import columns
from leadlane.intake.columns import Vocabulary, header_key

# What an audit can use, with the names it goes by; of several columns of a file the earlier name wins.
# docs/audit.md shows this table.
NAMES: Mapping[str, tuple[str, ...]] = {
    "id": (
        *("Record ID", "Lead ID", "Contact ID", "Deal ID", "Opportunity ID", "hs_object_id", "MQL ID"),
        *("Case ID", "Case", "case:concept:name", "Case Number", "SR Number", "Ticket ID", "Number"),
    ),
    "arrived_at": (
        *columns.ALIASES["arrived_at"],
        *("Opened At", "Lead Created Date", "Submitted At", "Reg Date", "Engage Date", "Created Time"),
        *("Became a Lead Date", "Became a Marketing Qualified Lead Date", "MQL Date", "sys_created_at"),
    ),
    "responded_at": (
        *("First Response At", "First Response", "First Response Date", "Responded At", "First Contacted At"),
        *("Date of First Engagement", "hs_sa_first_engagement_date", "First Outreach Date", "First Touch At"),
        *("Date of First Outreach", "First Activity Date", "First Call Date", "First Call At"),
    ),
    "response_minutes": (
        *("Minutes to First Response", "Response Time (minutes)", "Time to First Response (minutes)"),
        *("Lead Response Time (minutes)", "First Response Minutes"),
    ),
    "owner": (
        *("Lead Owner", "Opportunity Owner", "Deal Owner", "Contact Owner", "HubSpot Owner", "Owner Name"),
        *("hubspot_owner_id", "Assigned To", "Assignee", "Sales Rep", "Rep", "Sales Agent", "Seller"),
        *("Account Executive", "Resource", "org:resource", "SR ID", "Owner ID", "SDR ID"),
        *("Proprietario", "Właściciel", "Zuständig", "Besitzer"),
    ),
    "level": ("Owner Level", "Rep Level", "Seniority"),
    "team": ("Owner Team", "HubSpot Team", "Sales Team", "Assignment Group", "Involved ST", "Queue"),
    "manager": ("Sales Manager", "Owner Manager", "Manager Name"),
    "region": ("Sales Region", "Regional Office", "Territory", *columns.ALIASES["region"]),
    "country": columns.ALIASES["country"],
    "source": (*columns.ALIASES["source"], "Origin", "Channel", "utm_source", "Contact Type"),
    "campaign": (*columns.ALIASES["campaign"], "utm_campaign", "Landing Page ID"),
    "segment": ("Customer Segment", "Market Segment", "Business Segment"),
    "industry": (*columns.ALIASES["industry"], "Sector"),
    "employees": (*columns.ALIASES["employees"], "Company Size", "Comp_size"),
    "product": (*columns.ALIASES["product"], "Product Name"),
    "signal": ("Signals", "Intent Signals", "Intent", "Conversion Type", "First Conversion"),
    "deal_value": (*columns.ALIASES["deal_value"], "Close Value", "Value", "Amount Req"),
    "outcome": (
        *("Deal Stage", "Opportunity Stage", "Stage", "Result", "Win/Loss", "Status", "Lead Status"),
        *("Fase", "Etap", "Phase", "Stato", "Ergebnis"),
    ),
    "is_won": ("Won", "IsWon", "Is Closed Won", "Closed Won", "Converted", "Is Converted"),
    "won_at": ("Won Date", "Closed Won Date", "Date Won", "Became a Customer Date", "Converted Date"),
    "closed_at": ("Close Date", "Closed Date", "Closing Date", "Resolved At"),
    "touches": ("Number of Touches", "Number of Times Contacted", "Number of Sales Activities", "Activities"),
    "handoffs": ("Reassignment Count", "Reassignments", "Owner Changes", "Number of Owner Changes"),
    "company": columns.ALIASES["company"],
    "email": columns.ALIASES["email"],
    "phone": (*columns.ALIASES["phone"], *columns.SECOND_CHOICES["phone"]),
    "first_name": columns.ALIASES["first_name"],
    "last_name": columns.ALIASES["last_name"],
    "company_domain": columns.ALIASES["company_domain"],
    "event_at": (
        *("Timestamp", "time:timestamp", "Event Time", "Event At", "Change Date+Time", "Changed At"),
        *("sys_updated_at", "Last Change"),
    ),
    "activity": ("concept:name", "Event", "Incident State", "Action"),
    "lead": ("Associated Contact IDs", "Associated Contact ID", "Converted Lead ID"),
    "deal": ("Converted Opportunity ID", "Associated Deal IDs"),
}
INSTANTS = ("arrived_at", "responded_at", "won_at", "closed_at")
NUMBERS = ("deal_value", "touches", "handoffs", "response_minutes")
GROUPS = (
    *("source", "campaign", "signal", "segment", "industry", "employees", "country", "region", "product"),
    *("team", "manager", "owner", "level"),
)
PERSON = ("email", "phone", "first_name", "last_name")
COMPANY = ("company", "company_domain")


def ranked(names: Mapping[str, tuple[str, ...]]) -> Vocabulary:
    """How columns are called, by role: each name ranks by its place, so that no two are equally good."""
    return Vocabulary(
        tuple(
            {role: (name,) for role, name in zip(names, row, strict=True) if name is not None}
            for row in zip_longest(*names.values())
        )
    )


VOCABULARY = ranked(NAMES)

_WON = ("won", "closedwon", "win", "customer", "converted", "gewonnen", "vinto", "vinta", "wygrana", "gagne")
_LOST = (
    "lost",
    "closedlost",
    "loss",
    "disqualified",
    "unqualified",
    "verloren",
    "perso",
    "persa",
    "przegrana",
)
# What turns a word into its opposite: `Not won`, `nicht gewonnen`.
_NOT = ("not", "never", "nicht", "non", "nie")
_TRUE = frozenset(("true", "1", "yes", "y", "t", "ja", "si", "tak", "vero", "wahr"))


def is_won(text: str) -> bool:
    """Whether a stage or status says that the deal was won: `Closed Won`, `7 - won`, `gewonnen`."""
    key = header_key(text)
    return key in _WON or (key.endswith("won") and not key.startswith(_NOT)) or key.startswith("closedwon")


def is_lost(text: str) -> bool:
    """Whether a stage or status says that the deal was lost."""
    key = header_key(text)
    return key in _LOST or (key.endswith("lost") and not key.startswith(_NOT)) or key.startswith("closedlost")


def is_true(text: str) -> bool:
    """Whether a cell says yes."""
    return header_key(text) in _TRUE
