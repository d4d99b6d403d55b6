"""Which first policy and roster follow from an audit? The reference policy with the segments, people and
teams that the files show, for people to correct.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files as package_files
from typing import Any

import numpy as np
import yaml
from anyascii import anyascii

from leadlane.i18n import _
from leadlane.insight.leads import WON, Group, Leads
from leadlane.insight.workload import LEVELS, Level, level_of
from leadlane.intake.columns import header_key
from leadlane.intake.places import country_code
from leadlane.intake.problems import BadValueError
from leadlane.policy.hours import DAYS
from leadlane.policy.yaml import read_yaml
from leadlane.service.auditing.audit import Audited, AuditFiles

# A country or region with so much of the leads is a segment; at most so many.
_SEGMENT_SHARE, _SEGMENTS = 0.05, 8
_CORE_INDUSTRIES, _LEAST_WINS = 3, 5
_PEOPLE = 500
_DAY = 24 * 60
_REVIEWER = "reviewer"
_SIZE_TESTS: tuple[dict[str, int], ...] = (
    {"max": 49},
    {"min": 50, "max": 199},
    {"min": 200, "max": 999},
    {"min": 1000},
)
_NUMBER_LIKE = re.compile(r"[-+.]?\d[\d.eExXoO_+a-fA-F-]*").fullmatch
Data = dict[str, Any]


def first_policy(audited: Audited, asked: AuditFiles) -> Mapping[str, str]:
    """`policy.yaml` and `roster.yaml`, by name: valid together, and open in what files cannot know."""
    leads = audited.audit.leads
    people = _people(leads, audited.zone.key)
    teams = sorted({team for person in people for team in person["teams"]})
    levels = {person["level"] for person in people if "level" in person}
    document = _policy(leads, asked, teams, levels)
    roster = {
        "teams": [{"id": team, "name": name} for team, name in _team_names(leads, teams).items()],
        "people": [*people, _reviewer(audited.zone.key, teams)],
        "hours": {"default": _hours(asked)},
    }
    return {
        "policy.yaml": _text(document, _policy_heading()),
        "roster.yaml": _text(roster, _roster_heading(), flow=("teams", "people")),
    }


def _policy_heading() -> list[str]:
    return [
        _(
            "A first policy, drawn from your files by leadlane audit. Read it from top to bottom, "
            "and correct it."
        ),
        _("Segments and pools are those of your data; intent, bands and service levels are usual ones."),
        _("Check it with: leadlane check policy.yaml --roster roster.yaml"),
    ]


def _roster_heading() -> list[str]:
    return [
        _("The people who had leads in your files. Complete e-mail, role, level, hours and backup of each."),
        _("“reviewer” stands for who decides what rules cannot: put in that person."),
    ]


# ---------------------------------------------------------------- policy


def _policy(leads: Leads, asked: AuditFiles, teams: Sequence[str], levels: set[Level]) -> Data:
    text = package_files("leadlane.reference").joinpath("policy.yaml").read_bytes()
    document: Data = dict(read_yaml(text).data)
    document |= {
        "policy": _("First draft"),
        "currency": asked.currency,
        "timezone": asked.reading.zone.key,
        "fit": _fit(leads),
        "segments": _segments(leads, teams),
        "deal_value": _deal_values(leads) or document["deal_value"],
    }
    document["pools"], by_old = _pools(document["pools"], levels, bool(len(teams) > 1))
    document["routes"] = [
        {
            key: by_old.get(value, value) if key in ("pool", "review") else value
            for key, value in route.items()
        }
        for route in document["routes"]
        if route["name"] != "competitor"
    ]
    return document


def _fit(leads: Leads) -> Data:
    points: list[Data] = [
        {"name": _("Large company"), "when": {"employees": {"min": 200}}, "points": 40},
        {"name": _("Mid-size company"), "when": {"employees": {"min": 50, "max": 199}}, "points": 20},
    ]
    if industries := _won_most(leads, leads.groups.get("industry")):
        points.append(
            {"name": _("Industries with most wins"), "when": {"industry": industries}, "points": 30}
        )
    return {"strong_at": 40, "points": points}


def _won_most(leads: Leads, group: Group | None) -> list[str]:
    if group is None or leads.outcome is None:
        return []
    won = group.codes[(leads.outcome == WON) & (group.codes >= 0)]
    counts = np.bincount(won, minlength=len(group.names))
    order = np.argsort(-counts, kind="stable")[:_CORE_INDUSTRIES]
    return [group.names[at] for at in order if counts[at] >= _LEAST_WINS]


def _segments(leads: Leads, teams: Sequence[str]) -> list[Data]:
    """One segment for each country, else region, that many leads come from; `rest` has all others."""
    found: list[Data] = []
    usual = teams[0]
    for field in ("country", "region"):
        group = leads.groups.get(field)
        if group is None or group.by_outcome or found:
            continue
        counts = np.bincount(group.codes[group.codes >= 0], minlength=len(group.names))
        for at in np.argsort(-counts, kind="stable")[:_SEGMENTS]:
            value = group.names[at] if field == "region" else _country(group.names[at])
            if value and counts[at] >= _SEGMENT_SHARE * leads.count:
                team = _team_of(leads, group.codes == at) or usual
                found.append({"name": _slug(group.names[at]), "when": {field: [value]}, "team": team})
    unique = {one["name"]: one for one in found if one["name"] != "rest"}
    return [*unique.values(), {"name": "rest", "team": usual}]


def _country(text: str) -> str:
    try:
        return country_code(text)
    except BadValueError:
        return ""


def _deal_values(leads: Leads) -> list[Data]:
    """The mean won deal by size of the company, rounded to two figures, for leads that bring no value."""
    values, sizes = leads.numbers.get("deal_value"), leads.groups.get("employees")
    if values is None or sizes is None or leads.outcome is None or len(sizes.names) != len(_SIZE_TESTS):
        return []
    rows = []
    for at, test in enumerate(_SIZE_TESTS):
        won = values[(leads.outcome == WON) & (sizes.codes == at) & (values > 0)]
        if len(won) >= _LEAST_WINS:
            mean = float(won.mean())
            value = int(round(mean, 2 - len(str(int(mean)))))
            rows.append({"when": {"employees": dict(test)}, "value": value})
    return rows


def _pools(pools: Data, levels: set[Level], has_teams: bool) -> tuple[Data, dict[str, str]]:
    """The pools that there are people for, and the pool that stands in for each of the reference policy."""
    prefer = {"prefer": {"teams": "team"}} if has_teams else {}
    review = {"members": {"role": "revops"}, "method": "least_open"}
    if set(LEVELS) - levels:
        sales = {"members": {"role": "ae"}, **prefer, "method": "round_robin"}
        return {"sales": sales, "revops": review}, dict.fromkeys(
            ("senior-ae", "mid-ae", "junior-ae", "sdr"), "sales"
        )
    kept = {
        name: {
            "members": {"role": "ae", "level": [level]},
            **prefer,
            "method": "round_robin",
            "backup_pool": backup,
        }
        for name, level, backup in (
            ("senior-ae", "senior", "mid-ae"),
            ("mid-ae", "mid", "senior-ae"),
            ("junior-ae", "junior", "mid-ae"),
        )
    }
    return {**kept, "revops": review}, {"sdr": "junior-ae"}


# ---------------------------------------------------------------- roster


def _people(leads: Leads, zone: str) -> list[Data]:
    """Those who had leads, the fullest first; one invented person where the files name nobody."""
    owner = leads.groups.get("owner")
    if owner is None or not (owner.codes >= 0).any():
        nobody = {"name": _("Somebody in sales"), "role": "ae", "teams": ["sales"], "timezone": zone}
        return [{"id": "sales-1", **nobody, "backup": _REVIEWER}]
    counts = np.bincount(owner.codes[owner.codes >= 0], minlength=len(owner.names))
    order = [int(at) for at in np.argsort(-counts, kind="stable")[:_PEOPLE] if counts[at]]
    people: dict[str, Data] = {}
    for at in order:
        his = owner.codes == at
        person: Data = {
            "id": _unused(_slug(owner.names[at]), people),
            "name": _shown(owner.names[at]),
            "role": "ae",
            "teams": [_team_of(leads, his) or "sales"],
            "timezone": zone,
        }
        if (level := _level_of(leads, his)) is not None:
            person["level"] = level
        people[person["id"]] = person
    _back_each_other(list(people.values()))
    return list(people.values())


def _back_each_other(people: Sequence[Data]) -> None:
    """The next of the same level and team takes over, in a ring."""
    alike: dict[tuple[str, str], list[Data]] = {}
    for person in people:
        alike.setdefault((person.get("level", ""), person["teams"][0]), []).append(person)
    for ring in alike.values():
        # Who is alone of their kind is backed by whoever has the most leads.
        others = ring if len(ring) > 1 else [*ring, *(one for one in people if one is not ring[0])][:2]
        for place, person in enumerate(ring):
            following = others[(place + 1) % len(others)]
            person["backup"] = _REVIEWER if following is person else following["id"]


def _reviewer(zone: str, teams: Sequence[str]) -> Data:
    return {
        "id": _REVIEWER,
        "name": _("Who decides what rules cannot"),
        "role": "revops",
        "teams": [teams[0]],
        "timezone": zone,
    }


def _team_of(leads: Leads, rows: np.ndarray[Any, Any]) -> str | None:
    """The team that most of some leads are with."""
    return _slug(name) if (name := _usual(leads.groups.get("team"), rows)) else None


def _level_of(leads: Leads, rows: np.ndarray[Any, Any]) -> Level | None:
    return level_of(name) if (name := _usual(leads.groups.get("level"), rows)) else None


def _usual(group: Group | None, rows: np.ndarray[Any, Any]) -> str | None:
    """The commonest name of a grouping in some rows."""
    if group is None:
        return None
    codes = group.codes[rows & (group.codes >= 0)]
    return group.names[int(np.bincount(codes).argmax())] if len(codes) else None


def _team_names(leads: Leads, teams: Sequence[str]) -> dict[str, str]:
    group = leads.groups.get("team")
    names = {} if group is None else {_slug(name): name for name in group.names}
    return {team: _shown(names.get(team, team.capitalize())) for team in teams}


def _hours(asked: AuditFiles) -> Data:
    return {
        day: [f"{_clock(opens)}-{_clock(closes)}" for opens, closes in blocks]
        for day, blocks in zip(DAYS, asked.hours, strict=True)
        if blocks
    }


def _clock(minute: int) -> str:
    """Minutes since midnight as `17:00`; midnight itself, at the end of a day, is 24:00."""
    of_day = minute if minute <= _DAY else minute - _DAY
    return f"{of_day // 60:02}:{of_day % 60:02}"


# ---------------------------------------------------------------- writing


def _slug(name: str) -> str:
    """A name as an id: plain letters and digits, joined by hyphens."""
    words = "".join(letter if letter.isalnum() else " " for letter in anyascii(name).casefold()).split()
    return "-".join(words)[:60] or header_key(name) or "x"


def _unused(slug: str, taken: Mapping[str, object]) -> str:
    number = 2
    found = slug
    while found in taken or found == _REVIEWER:
        found, number = f"{slug}-{number}", number + 1
    return found


def _shown(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable())[:200] or "?"


class _Flow(dict[str, Any]):
    """A mapping that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """YAML with one line for each person and team, and without references."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """Text in quotes where YAML 1.2 would read a number (`1e5`) and the library's YAML 1.1 does not."""
    style = '"' if _NUMBER_LIKE(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)
_Dumper.add_representer(
    _Flow,
    lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True),
)


def _text(document: Data, heading: Sequence[str], flow: Sequence[str] = ()) -> str:
    """The document as YAML with a comment before it; the rows of `flow` sections take a line each."""
    parts = ["".join(f"# {line}\n" for line in heading)]
    for key, value in document.items():
        rows = [_Flow(row) for row in value] if key in flow else value
        parts.append(
            yaml.dump(
                {key: rows},
                Dumper=_Dumper,
                sort_keys=False,
                allow_unicode=True,
                width=110,
                # Scalars on a line of their own, what is innermost in braces.
                default_flow_style=None if isinstance(rows, (dict, list)) else False,
            )
        )
    return "\n".join(parts)
