"""Does it get slower with what is there already: leads in the database, people in the roster?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median

import psycopg

from leadlane.bench import company
from leadlane.bench.company import NOW
from leadlane.bench.database import Bench
from leadlane.bench.figures import Figure, Target, percentile, spread
from leadlane.bench.http import CONNECTIONS, generate, serving
from leadlane.bench.leads_file import route_files

SECTION = "4 growth"
ROUNDS = 3
FEW = 1_000

# Leads as they accumulate: a third is closed, a third is with people, the rest in programs. Their decisions
# and timelines are short texts here; what the hot path meets are the numbers of rows and the indexes.
_FILL = """
CREATE TEMPORARY TABLE filling AS
SELECT n, 'old-' || n AS id,
       CASE n %% 3 WHEN 0 THEN 'closed' WHEN 1 THEN 'assigned' ELSE 'nurture' END AS stage,
       people[1 + n %% cardinality(people)] AS person, %(now)s::timestamptz - n * interval '1 minute' AS at
  FROM generate_series(1, %(count)s) AS n, (SELECT array_agg(person ORDER BY person) AS people FROM loads) _;

INSERT INTO batches (id, at, policy_version, roster_revision, world)
SELECT nextval('batch_ids'), %(now)s, (SELECT version FROM publications ORDER BY number DESC LIMIT 1), 1, '{}'
  FROM generate_series(0, %(count)s / 500);

INSERT INTO leads (id, arrived_at, fields, signals, email_key, domain, intent, fit, fit_score, segment,
                   relationship, stage, route, destination, pool, owner, place, batch_id, decision_number,
                   changed_at, policy_version, held_since, chase_at)
SELECT id, at,
       jsonb_build_object('email', 'kim.' || n || '@old-' || n / 2 || '.com', 'company', 'Old ' || n / 2,
                          'employees', 450, 'country', 'DE', 'message', repeat('text ', 20)),
       jsonb_build_array(jsonb_build_array('demo_request', at)), 'kim.' || n || '@old-' || n / 2 || '.com',
       'old-' || n / 2 || '.com', 'high', 'strong', 70, 'dach', 'none', stage, 'hot',
       CASE stage WHEN 'assigned' THEN 'pool:senior-ae' ELSE 'program:nurture' END, 'senior-ae',
       CASE WHEN stage <> 'nurture' THEN person END, 1, 1 + n / 500, n %% 500, at,
       (SELECT version FROM publications ORDER BY number DESC LIMIT 1),
       at, CASE stage WHEN 'assigned' THEN %(now)s::timestamptz + n * interval '1 minute' END
  FROM filling;

INSERT INTO decisions (batch_id, number, lead_id, at, outcome, route, destination, owner, arrival, trace)
SELECT 1 + n / 500, n %% 500, id, at, 'placed', 'hot', 'pool:senior-ae', person,
       json_build_object('id', id, 'text', repeat('arrival ', 30)),
       json_build_object('v', 1, 'lead', id, 'text', repeat('trace ', 60))
  FROM filling;

INSERT INTO timeline (lead_id, at, event, actor, details)
SELECT id, at, event, 'route:hot', '{"route": "hot"}'
  FROM filling, unnest(ARRAY['arrived', 'assigned']) AS event;

INSERT INTO outbox (lead_id, place, event, person, created_at, taken_at)
SELECT id, 1, 'assigned', person, at, at FROM filling WHERE stage <> 'nurture';

UPDATE loads SET open = owned.open
  FROM (SELECT owner, count(*) AS open FROM leads WHERE stage = 'assigned' GROUP BY owner) AS owned
 WHERE owned.owner = loads.person;

DROP TABLE filling;
"""


@dataclass(slots=True)
class _Company:
    """A company that is measured beside others, and what its rounds gave: seconds, leads a second."""

    what: str
    url: str
    campaigns: int = 200
    file_rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    http_rates: list[float] = field(default_factory=list)


def measure(bench: Bench) -> list[Figure]:
    """File and HTTP with 1,000 and a million leads there; and with 10, 5,000 and 1,000 people."""
    many = bench.size(100_000, 1_000_000)
    policy, roster = company.reference_policy(), company.roster(14)
    leads = [
        _Company(f"{count:,} leads in the database", _filled(bench, policy, roster, count))
        for count in (FEW, many)
    ]
    by_leads = _compare(bench, leads)
    people = [
        _Company("10 people in 1 pool", _new(bench, 1, 10), 100),
        _Company("5,000 people in 100 pools of 50", _new(bench, 100, 5_000), 100),
        _Company("1,000 people in 1 pool", _new(bench, 1, 1_000), 100),
    ]
    by_people = _compare(bench, people)
    # A pick from a thousand people writes down a thousand balances and reasons: shown, not promised.
    return [*by_leads, *by_people[:-3], *(replace(figure, target=None) for figure in by_people[-3:])]


def _new(bench: Bench, pools: int, people: int) -> str:
    # One more, in revenue operations, decides about what nobody can take.
    return bench.new_company(company.wide_policy(100, pools), company.roster(people + 1, pools))


def _filled(bench: Bench, policy: str, roster: str, count: int) -> str:
    url = bench.new_company(policy, roster)
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_FILL, {"count": count, "now": NOW})
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return url


def _compare(bench: Bench, companies: list[_Company]) -> list[Figure]:
    """Measure in turns, so that what disturbs one disturbs the others as much; all against the first."""
    for number in range(ROUNDS):
        for one in companies:
            _measure_file(bench, one, number)
    for one in companies:
        _measure_http(bench, one)
        bench.drop(one.url)
    return [figure for one in companies for figure in _figures(one, companies[0])]


def _measure_file(bench: Bench, one: _Company, number: int) -> None:
    count = bench.size(2_000, 5_000)
    name = f"growth-{number}-{abs(hash(one.what))}"
    timing = route_files(bench, one.url, count, name, times=1, campaigns=one.campaigns)
    one.file_rates.append(count / timing.seconds)


def _measure_http(bench: Bench, one: _Company) -> None:
    with serving(one.url) as server:
        generate(server, 1, 100, "warm")
        generate(server, CONNECTIONS, 500, "warm-many")
        for number in range(ROUNDS):
            load = generate(server, 1, bench.size(100, 300), f"alone-{number}")
            one.p50s.append(percentile(load.latencies, 0.5))
            load = generate(server, CONNECTIONS, bench.size(1_500, 4_000), f"many-{number}")
            one.http_rates.append(load.rate)


def _figures(one: _Company, first: _Company) -> list[Figure]:
    """File, one client and many clients of a company; `ratio` is how many times slower than the first."""
    measured = (
        ("file", "leads/s", one.file_rates, first.file_rates),
        ("1 client, p50", "ms", [1e3 * p50 for p50 in one.p50s], [1e3 * p50 for p50 in first.p50s]),
        (f"{CONNECTIONS} connections", "leads/s", one.http_rates, first.http_rates),
    )
    figures = []
    for what, unit, values, values_of_first in measured:
        is_time = unit == "ms"
        middle, middle_of_first = median(values), median(values_of_first)
        figure = Figure(SECTION, f"{one.what}: {what}", middle, unit, spread=spread(values))
        if one is not first:
            ratio = middle / middle_of_first if is_time else middle_of_first / middle
            target = Target(most=1.3, of_ratio=True)
            figure = replace(figure, against=first.what, ratio=ratio, target=target)
        figures.append(figure)
    return figures
