"""Who may act on which leads: a rep on their own, a manager on those of their teams, an admin on all."""

import pytest

from leadlane.core.facts import Person, Roster, Team
from leadlane.service.who_acts import Actor, Scope, answers_for, may_act

ALWAYS = (((0, 1440),),) * 7
PEOPLE = {
    "ann": Person("ann", "Ann", ALWAYS, "UTC", teams=("crew",)),
    "bob": Person("bob", "Bob", ALWAYS, "UTC", teams=("other",), manager="cyd"),
    "dan": Person("dan", "Dan", ALWAYS, "UTC", teams=("other",)),
    "cyd": Person("cyd", "Cyd", ALWAYS, "UTC", teams=("crew",)),
}
ROSTER = Roster(1, PEOPLE, {"crew": Team("crew", "Crew", manager="cyd"), "other": Team("other", "Other")})


@pytest.mark.parametrize(
    ("scope", "person", "owner", "cover", "may"),
    [
        ("own", "ann", "ann", None, True),
        ("own", "ann", "bob", "ann", True),
        ("own", "ann", "bob", None, False),
        ("own", "ann", None, None, False),
        ("own", "cyd", "ann", None, False),
        ("own", None, None, None, False),
        ("teams", "cyd", "ann", None, True),
        ("teams", "cyd", "bob", None, True),
        ("teams", "cyd", "dan", None, False),
        ("teams", "cyd", "dan", "ann", True),
        ("teams", "cyd", None, None, True),
        ("teams", None, "ann", None, False),
        ("all", None, "dan", None, True),
        ("none", "ann", "ann", None, False),
    ],
)
def test_on_whose_leads_one_may_act(
    scope: Scope, person: str | None, owner: str | None, cover: str | None, may: bool
) -> None:
    assert may_act(ROSTER, Actor(person, "X", scope), owner, cover) is may


def test_a_manager_answers_for_their_own_people_and_teams() -> None:
    assert answers_for(ROSTER, "cyd") == ["ann", "bob"]
    assert answers_for(ROSTER, "ann") == []


def test_an_act_is_of_the_person_or_of_the_user() -> None:
    assert (
        Actor("ann", "Ann", "own").act("L1", "accept").by,
        Actor(None, "Ada", "all").act("L1", "accept").user,
    ) == (
        "ann",
        "Ada",
    )
    assert Actor("ann", "Ann", "own").act("L1", "accept").user == ""
