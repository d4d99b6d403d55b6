"""Whose leads are they? Policies, rosters and leads of the sizes that are measured, always the same."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

# A Monday morning: everybody is in office hours.
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

_KINDS = (("ae", "senior"), ("ae", "mid"), ("ae", "junior"), ("sdr", "junior"), ("sdr", "junior"))
_TEAMS = ("dach", "cee", "south", "inbound")
_LANGUAGES = (["de", "en"], ["pl", "en"], ["it", "en"], ["en"])
_SIGNALS = (
    "demo_request", "pricing_page_visit", "demo_request", "webinar_attendance", "content_download",
    "newsletter_subscription", "contact_sales_form", "badge_scan",
)  # fmt: skip
COLUMNS = (
    "id", "email", "first_name", "last_name", "title", "company", "website", "country", "industry",
    "employees", "tech_stack", "language", "source", "campaign", "signals", "message",
)  # fmt: skip


def reference_policy() -> str:
    """The policy that ships with Leadlane."""
    return (files("leadlane") / "reference" / "policy.yaml").read_text(encoding="utf-8")


def wide_policy(campaigns: int, pools: int) -> str:
    """The reference policy, and before its 15 routes one for each campaign, to the pool of a region.

    Leads of campaign `c7` go by the route `campaign-7` to the pool of the region `r7` modulo `pools`.
    """
    routes = [
        f"  - {{name: campaign-{n}, when: {{campaign: c{n}}}, pool: region-{n % pools}}}\n"
        for n in range(campaigns)
    ]
    own_pools = [f"  region-{n}: {{members: {{region: r{n}}}, method: round_robin}}\n" for n in range(pools)]
    policy = reference_policy().replace("\nroutes:\n", "\nroutes:\n" + "".join(routes))
    return policy.replace("\npools:\n", "\npools:\n" + "".join(own_pools))


def roster(people: int, regions: int = 1) -> str:
    """People of all roles, spread over regions; the last is in revenue operations. Nobody is ever full."""
    rows: list[dict[str, Any]] = []
    for n in range(people - 1):
        role, level = _KINDS[n % len(_KINDS)]
        rows.append(
            {
                "id": f"p{n:04}",
                "name": f"Person {n}",
                "role": role,
                "level": level,
                "teams": [_TEAMS[n % 4]],
                "region": f"r{n % regions}",
                "timezone": "Europe/Berlin",
                "country": "DE",
                "languages": _LANGUAGES[n % 4],
                "industries": ["fintech"] if n % 3 else ["insurance"],
            }
        )
    rows.append(
        {"id": "olga", "name": "Olga", "role": "revops", "timezone": "Europe/Berlin", "country": "DE"}
    )
    teams = [{"id": team, "name": team, "manager": "olga"} for team in _TEAMS]
    return yaml.safe_dump(
        {"teams": teams, "people": rows, "hours": {"default": {"mon-fri": ["08:00-18:00"]}}}
    )


def leads(count: int, batch: str, campaigns: int = 200) -> Iterator[dict[str, str]]:
    """Rows of leads as a form or a CRM gives them; the same for the same `batch`, others for another.

    One in five writes from a free mail provider; one in ten is a colleague of somebody before.
    """
    chance = random.Random(batch)
    for n in range(count):
        firm = f"{batch}-{n - n % 10 if n % 10 == 9 else n}"
        is_private = n % 5 == 3
        yield {
            "id": f"{batch}-{n}",
            "email": f"kim.{batch}.{n}@" + ("gmail.com" if is_private else f"firm-{firm}.com"),
            "first_name": "Kim",
            "last_name": f"Lead{n}",
            "title": chance.choice(("Head of Sales", "CTO", "Revenue Operations Manager")),
            "company": f"Firm {firm} GmbH",
            "website": "" if is_private else f"https://www.firm-{firm}.com/about",
            "country": chance.choice(("DE", "AT", "PL", "IT", "FR", "US")),
            "industry": chance.choice(("fintech", "software", "retail", "insurance")),
            "employees": str(chance.choice((8, 35, 120, 450, 2500))),
            "tech_stack": chance.choice(("salesforce", "hubspot;slack", "sap", "")),
            "language": chance.choice(("de", "en", "pl", "it")),
            "source": chance.choice(("web", "event", "partner")),
            "campaign": f"c{chance.randrange(campaigns)}",
            "signals": chance.choice(_SIGNALS),
            "message": "We are looking for a way to get back to our prospects faster than we do today.",
        }


def write_leads(path: Path, count: int, batch: str, campaigns: int = 200) -> Path:
    """A CSV file of leads, as `leads` gives them."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(leads(count, batch, campaigns))
    return path
