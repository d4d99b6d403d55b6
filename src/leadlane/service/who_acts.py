"""Who acts from the pages, and on which leads may they?

A rep on their own and those they cover, a manager also on those of their teams, an admin on all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from leadlane.core.act import Act, ActKind
from leadlane.core.facts import Roster
from leadlane.core.place import manager_of

Scope = Literal["none", "own", "teams", "all"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who is signed in. `person` is who they are in the roster, None where they are nobody there.

    `scope` says on whose leads their role lets them act.
    """

    person: str | None
    name: str
    scope: Scope

    def act(self, lead_id: str, kind: ActKind, **more: Any) -> Act:
        """An act of theirs; without a person of the roster it is told by their name."""
        return Act(lead_id, kind, by=self.person, user="" if self.person else self.name, **more)


def may_act(roster: Roster, actor: Actor, owner: str | None, covered_by: str | None) -> bool:
    """Whether somebody may act on a lead of this owner that this person covers.

    What nobody has is for managers too.
    """
    holders = {owner, covered_by} - {None}
    if actor.scope in ("none", "all"):
        return actor.scope == "all"
    if actor.person is None:
        return False
    if actor.person in holders:
        return True
    if actor.scope == "own":
        return False
    return not holders or not holders.isdisjoint(answers_for(roster, actor.person))


def answers_for(roster: Roster, manager: str) -> Collection[str]:
    """The people whom somebody manages, themselves or as the manager of one of their teams, by name."""
    teams = {team.id for team in roster.teams.values() if team.manager == manager}
    managed = [
        person
        for person in roster.people.values()
        if person.id != manager
        and (manager_of(roster, person) == manager or not teams.isdisjoint(person.teams))
    ]
    return [person.id for person in sorted(managed, key=lambda one: (one.name.casefold(), one.id))]
