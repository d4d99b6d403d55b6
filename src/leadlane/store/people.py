"""How much came to somebody lately?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg import Connection

# Counting stops here, and is told to have.
MOST_COUNTED = 5_000

_CAME = """
SELECT width_bucket(arrived_at, %(edges)s::timestamptz[]) AS week, count(*)
  FROM (SELECT arrived_at FROM leads WHERE owner = %(person)s AND arrived_at >= %(since)s
         ORDER BY arrived_at DESC, id DESC LIMIT %(most)s) AS newest
 GROUP BY 1
"""


def came(connection: Connection, person: str, edges: Sequence[datetime]) -> list[int]:
    """How many leads that somebody has now, or had last, came in the periods that begin at `edges`.

    Of the newest MOST_COUNTED.
    """
    values = {"person": person, "edges": list(edges), "since": edges[0], "most": MOST_COUNTED}
    counts: dict[int, int] = dict(connection.execute(_CAME, values).fetchall())
    return [counts.get(number, 0) for number in range(1, len(edges) + 1)]
