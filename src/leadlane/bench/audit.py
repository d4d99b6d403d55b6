"""How long does the audit of a million leads take, and how much memory?"""

from __future__ import annotations

import csv
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leadlane.bench.database import Bench
from leadlane.bench.figures import Figure, Target

SECTION = "11 an audit of exports"
_HEADERS = (
    *("Record ID", "Create Date", "First Response At", "Lead Owner", "Owner Level", "Team", "Lead Source"),
    *("Country", "Industry", "Number of Employees", "Signal", "Amount", "Deal Stage", "Close Date"),
    *("First Name", "Last Name", "Email", "Company Name"),
)
_START = datetime(2026, 1, 5, tzinfo=UTC)
# A process of its own, so that the memory is that of an audit and of nothing else.
_AUDIT = """
import resource, sys
from pathlib import Path
from zoneinfo import ZoneInfo
from leadlane.insight.page import page
from leadlane.policy.hours import DEFAULT_HOURS, weekly_hours
from leadlane.service.auditing.audit import AuditFiles, audit_files
from leadlane.service.auditing.audit_leads import Reading
files = AuditFiles([sys.argv[1]], Reading(ZoneInfo("Europe/Berlin")), weekly_hours(DEFAULT_HOURS))
audited = audit_files(files)
Path(sys.argv[2]).write_text(page(audited.report), encoding="utf-8")
print(audited.audit.leads.count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measure(bench: Bench) -> list[Figure]:
    """Seconds and memory, from the raw file to the written page."""
    count = bench.size(50_000, 1_000_000)
    path = _write(bench.folder / "audit.csv", count)
    start = time.perf_counter()
    said = subprocess.run(
        [sys.executable, "-c", _AUDIT, str(path), str(bench.folder / "audit.html")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    seconds = time.perf_counter() - start
    path.unlink()
    if int(said[0]) != count:
        raise RuntimeError(f"of {count} leads {said[0]} were audited")
    # Linux counts in KiB, macOS in bytes.
    memory = int(said[1]) / (2**30 if sys.platform == "darwin" else 2**20)
    what = f"audited, {count:,} leads of {len(_HEADERS)} columns"
    return [
        Figure(SECTION, what, seconds, "s", target=Target(most=60)),
        Figure(SECTION, "its memory at most", memory, "GiB", target=Target(most=2)),
    ]


def _write(path: Path, count: int) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADERS)
        writer.writerows(_rows(count))
    return path


def _rows(count: int) -> Iterator[tuple[object, ...]]:
    """Leads of half a year: one in twelve has no owner, one in fifteen is of a prospect who was there."""
    draw = random.Random(1)
    for number in range(count):
        arrived = _START + timedelta(minutes=draw.randrange(180 * 24 * 60))
        rep = draw.randrange(12)
        is_owned = draw.random() > 1 / 12
        answered = arrived + timedelta(minutes=draw.lognormvariate(4.2, 1.8))
        is_won = is_owned and draw.random() < 0.17
        person = number if draw.random() > 1 / 15 else draw.randrange(number + 1)
        yield (
            number,
            arrived.isoformat(timespec="minutes"),
            answered.isoformat(timespec="minutes") if is_owned else "",
            f"Rep {rep}" if is_owned else "",
            ("Junior AE", "Mid-level AE", "Senior AE")[rep % 3] if is_owned else "",
            f"Team {rep % 4}" if is_owned else "",
            draw.choice(("organic_search", "paid_search", "webinar", "referral", "trade_show")),
            draw.choice(("DE", "PL", "IT", "FR", "AT", "ES")),
            draw.choice(("fintech", "software", "retail", "manufacturing")),
            int(draw.lognormvariate(4.5, 1.6)) + 1,
            draw.choice(("demo_request", "content_download", "webinar_attendance")),
            round(draw.lognormvariate(9.6, 1.0)),
            "Closed Won" if is_won else "Closed Lost",
            (arrived + timedelta(days=30)).isoformat(timespec="minutes"),
            f"Given{person % 997}",
            f"Family{person}",
            f"p{person}@firm{person // 2}.example",
            f"Firm {person // 2} GmbH",
        )
