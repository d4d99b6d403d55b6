"""Do the scenarios that are kept with the policy come true under another one?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from psycopg import Connection

from leadlane.scenarios.first import roster_text
from leadlane.scenarios.stage import open_stage
from leadlane.scenarios.suite import Result, run_text
from leadlane.service.publish import current_document


def standing_for(connection: Connection, policy_text: str) -> dict[str, str]:
    """What stands for what scenarios name as policy and roster: a policy, and the roster as it stands."""
    return {"policy": policy_text, "roster": roster_text(current_document(connection))}


def run_kept(
    url: str, kept: Mapping[str, str], instead: Mapping[str, str], report: Callable[[int, int], None]
) -> list[dict[str, Any]]:
    """Run scenarios (texts by name) on a stage of the database `url`. Returns `Result.as_json` of each.

    `report` hears how many are done, and of how many. DatabaseError where this user may not make a stage.
    """
    results: list[Result] = []
    with open_stage(url) as stage:
        for name, text in kept.items():
            results.append(run_text(stage, name, text, instead))
            report(len(results), len(kept))
    return [result.as_json() for result in results]
