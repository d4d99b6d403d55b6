"""A company at random: its policy, its people, and how both change. Documents, as a user would write them."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from importlib.resources import files
from random import Random
from typing import Any

from leadlane.policy.yaml import read_yaml

Document = dict[str, Any]

# Zones that change their clocks in March, April, September, October and November, and some that never do.
ZONES = (
    *("Europe/Berlin", "Europe/Warsaw", "Europe/London", "America/New_York", "America/Los_Angeles"),
    *("Australia/Sydney", "Pacific/Auckland", "America/Santiago", "Asia/Kolkata", "Asia/Tokyo"),
)
# Accounts by name, and what people write of them.
FIRMS = ("Ostermann Pumpen GmbH", "Lumenwerk Optik AG", "Karpaty Foods Sp. z o.o.", "Tidewater Ltd")
FIRMS_AS_WRITTEN = ("Ostermann Pumpen", "OSTERMAN PUMPEN", "Lumenwerk", "Karpaty Foods", "Werk Sieben")
NAMES = (("Jo", "Winterfeld"), ("J.", "Winterfeld"), ("Amira", "Castellano"))
COUNTRIES, LANGUAGES, TEAMS = (
    ("DE", "PL", "US", "IT"),
    ("de", "en", "pl"),
    ("dach", "cee", "south", "inbound"),
)
SIGNALS = (
    *("demo_request", "pricing_page_visit", "webinar_attendance", "content_download"),
    *("newsletter_subscription", "badge_scan", "unheard_of"),
)
DOMAINS = tuple(f"firm{number}.example" for number in range(12))
HOURS = {
    "default": {"mon-fri": ["09:00-17:00"]},
    "split": {"mon-thu": ["08:00-12:00", "13:00-16:30"], "fri": ["08:00-24:00"]},
    "night": {"mon-fri": ["22:00-02:30"], "sun": ["01:00-04:00"]},
    "always": {"mon-sun": ["00:00-24:00"]},
    "weekend": {"sat-sun": ["10:00-18:00"]},
}
# The first people of every company: with them no pool of any policy is ever without members.
_CORE = (
    *(("ae", "senior"), ("ae", "mid"), ("ae", "junior"), ("sdr", "junior"), ("revops", "senior")),
    ("manager", "director"),
)


def reference_policy() -> Document:
    """The policy that is shipped, as data."""
    text = files("leadlane").joinpath("reference/policy.yaml").read_bytes()
    policy: Document = read_yaml(text).data
    return policy


def policy_of(chance: Random) -> Document:
    """The reference policy with a few changes, or one that resembles nothing."""
    policy = reference_policy() if chance.random() < 0.6 else _wild_policy(chance)
    for _change in range(chance.randint(0, 4)):
        policy = changed_policy(chance, policy)
    return policy


def changed_policy(chance: Random, policy: Document) -> Document:
    """The policy with one thing changed. It may be refused, as what people write may be."""
    new = deepcopy(policy)
    change = chance.choice(
        (
            _change_pool,
            _change_pool,
            _change_chase,
            _change_chase,
            _change_level,
            _change_route,
            _change_limits,
        )
    )
    change(chance, new)
    return new


def _change_pool(chance: Random, policy: Document) -> None:
    names = list(policy["pools"])
    pool = policy["pools"][chance.choice(names)]
    pool["method"] = chance.choice(("round_robin", "weighted", "least_open"))
    pool["backup_pool"] = chance.choice((*names, None))
    pool["prefer"] = _pairs(chance)
    pool["require"] = _pairs(chance) if chance.random() < 0.3 else {}


def _pairs(chance: Random) -> Document:
    pairs = (("languages", "language"), ("teams", "team"), ("country", "country"))
    return dict(chance.sample(pairs, chance.randint(0, 2)))


def _change_chase(chance: Random, policy: Document) -> None:
    policy["chases"][chance.choice(list(policy["chases"]))] = _chase(chance)


def _chase(chance: Random) -> list[Document]:
    actions = [("remind", "owner"), ("reassign", "backup"), ("notify", "manager"), ("reassign", "backup")]
    steps: list[Document] = []
    for action, target in chance.sample(actions, chance.randint(1, 4)):
        step = {"after": _duration(chance), action: target}
        if chance.random() < 0.8:
            step["unless"] = chance.choice(("accepted", "responded"))
        if steps and chance.random() < 0.3:
            step["after"] = steps[-1]["after"]
        steps.append(step)
    return steps


def _duration(chance: Random) -> str:
    return chance.choice(
        (
            *("10 business minutes", "45 business minutes", "4 business hours", "1 business days"),
            *("2 business days", "30 minutes", "6 hours", "24 hours", "2 days"),
        )
    )


def _change_level(chance: Random, policy: Document) -> None:
    level = chance.choice(policy["service_levels"])
    level["respond_within"] = _duration(chance)
    level["chase"] = chance.choice(list(policy["chases"]))


def _change_route(chance: Random, policy: Document) -> None:
    routes = policy["routes"]
    if len(routes) > 2 and chance.random() < 0.5:
        place = chance.randrange(len(routes) - 2)
        routes[place], routes[place + 1] = routes[place + 1], routes[place]
        return
    route = chance.choice(routes[:-1])
    kept = {key: value for key, value in route.items() if key in ("name", "when", "next_step")}
    route.clear()
    route |= kept | _destination(chance, policy)


def _destination(chance: Random, policy: Document) -> Document:
    pools = [{"pool": name} for name in policy["pools"]]
    owners = [{"owner": "account"}, {"owner": "open_lead"}]
    others = [
        {"review": chance.choice(list(policy["pools"]))},
        {"program": chance.choice(list(policy["programs"]))},
    ]
    return chance.choice([*pools, *pools, *owners, *others])


def _change_limits(chance: Random, policy: Document) -> None:
    policy["limits"] = {"reassignments": chance.randint(1, 4)}


def _wild_policy(chance: Random) -> Document:
    """Any conditions, any destinations, any order."""
    pools = {
        "hunters": {"members": {"role": "ae"}},
        "farmers": {"members": {"any": [{"role": "sdr"}, {"level": ["junior", "mid"]}]}},
        "desk": {"members": {"role": ["revops", "manager"]}, "method": "least_open"},
    }
    policy: Document = {
        "policy": "Wild",
        "currency": "EUR",
        "timezone": chance.choice(ZONES),
        "intent": {
            "counts_for": chance.choice(("3 days", "90 days")),
            "high": ["demo_request", {"webinar_attendance": 2}],
            "medium": ["webinar_attendance", {"content_download": 2}],
            "low": ["content_download"],
        },
        "fit": {"strong_at": 10, "points": [{"name": "Some", "when": _lead_condition(chance), "points": 10}]},
        "segments": [
            {"name": f"segment-{name}", "when": _lead_condition(chance), "team": name}
            for name in chance.sample(TEAMS, 2)
        ],
        "deal_bands": [{"name": "small", "when": {"deal_value": {"below": 10000}}}],
        "routes": [],
        "pools": pools,
        "programs": {"nurture": {"description": "Letters"}},
        "service_levels": [
            {"name": "fast", "when": {"intent": "high"}, "respond_within": _duration(chance), "chase": "one"},
            {"name": "slow", "respond_within": _duration(chance), "chase": "two"},
        ],
        "chases": {"one": _chase(chance), "two": _chase(chance)},
        "limits": {"reassignments": chance.randint(1, 3)},
    }
    for number in range(chance.randint(1, 6)):
        route = {"name": f"route-{number}", "when": _routed_condition(chance)}
        policy["routes"].append(route | _destination(chance, policy))
    policy["routes"].append(
        {"name": "rest"} | chance.choice(({"review": "desk"}, {"review": "desk"}, {"pool": "hunters"}))
    )
    for _change in range(3):
        _change_pool(chance, policy)
    return policy


def _lead_condition(chance: Random) -> Document:
    simple: tuple[Document, ...] = (
        *({"country": ["DE", "PL"]}, {"employees": {"min": 200}}, {"language": {"missing": True}}),
        *({"tech_stack": {"any": ["salesforce"]}}, {"source": {"not": "web"}}),
    )
    return chance.choice(simple) if chance.random() < 0.7 else {"any": chance.sample(simple, 2)}


def _routed_condition(chance: Random) -> Document:
    derived: tuple[Document, ...] = (
        *({"intent": "high"}, {"intent": ["high", "medium"]}, {"fit": "strong"}, {"deal_band": "small"}),
        *({"relationship": "open_lead"}, {"relationship": ["customer", "named_account"]}),
        {"signal": "webinar_attendance"},
    )
    return chance.choice(derived) if chance.random() < 0.8 else _lead_condition(chance)


# ---------------------------------------------------------------- people


def roster_of(chance: Random, size: int, start: datetime) -> Document:
    """A roster of `size` people and some accounts; absences lie in the two weeks from `start`."""
    ids = [f"p{number:02}" for number in range(size)]
    people = [person_of(chance, id_, ids, start) for id_ in ids]
    for person, (role, level) in zip(people, _CORE, strict=False):
        person |= {"role": role, "level": level}
    return {
        "teams": [{"id": id_, "name": id_.title(), "manager": chance.choice(ids)} for id_ in TEAMS],
        "people": people,
        "hours": HOURS,
        "accounts": [
            {
                "id": f"a{number}",
                "name": FIRMS[number],
                "domains": [domain],
                "owner": chance.choice(ids),
                "country": COUNTRIES[0],
            }
            | chance.choice(({"named": True}, {"customer": True}, {}))
            for number, domain in enumerate(chance.sample(DOMAINS, 4))
        ],
    }


def person_of(chance: Random, id_: str, ids: list[str], start: datetime) -> Document:
    """Somebody, with a backup among `ids`."""
    role, level = chance.choice((*_CORE, ("ae", "senior"), ("ae", "mid"), ("sdr", "junior"), ("csm", "mid")))
    person: Document = {
        "id": id_,
        "name": f"Person {id_}",
        "role": role,
        "level": level,
        "teams": chance.sample(TEAMS, chance.randint(0, 2)),
        "timezone": chance.choice(ZONES),
        "country": chance.choice(COUNTRIES),
        "languages": chance.sample(LANGUAGES, chance.randint(1, 2)),
        "hours": chance.choice(("default", *HOURS)),
        "weight": chance.choice((0.5, 1, 1, 2, 3)),
        "active": chance.random() < 0.93,
    }
    person |= limits_of(chance)
    if chance.random() < 0.7 and (others := [other for other in ids if other != id_]):
        person["backup"] = chance.choice(others)
    if chance.random() < 0.3:
        person["away"] = [absence(chance, start + timedelta(hours=chance.randint(-48, 240)))]
    return person


def limits_of(chance: Random) -> Document:
    """How much somebody can take; None takes a limit away."""
    return {"max_open": chance.choice((None, 1, 2, 4, 8)), "per_day": chance.choice((None, None, 1, 2, 5))}


def absence(chance: Random, start: datetime) -> Document:
    """Away from `start` for some hours or days."""
    until = start + timedelta(hours=chance.choice((1, 5, 24, 72)), minutes=chance.choice((0, 0, 7)))
    return {"from": start.isoformat(), "until": until.isoformat(), "reason": "holiday"}


# ---------------------------------------------------------------- leads


def lead_of(chance: Random, id_: str, now: datetime) -> Document:
    """A lead as a form or a row of a file brings it; few people and firms, so that they meet again."""
    raw: Document = {"id": id_} | _fields(chance) | _who(chance)
    if chance.random() < 0.85:
        domain = chance.choice((*DOMAINS, "gmail.com"))
        mailbox = f"jo{chance.randrange(4)}"
        raw["email"] = chance.choice((f"{mailbox}@{domain}", f"{mailbox.upper()}+news@{domain}"))
    elif chance.random() < 0.3:
        raw["website"] = f"https://www.{chance.choice(DOMAINS)}/"
    raw["signals"] = [signal_of(chance, now) for _signal in range(chance.choice((0, 1, 1, 2, 3)))]
    if chance.random() < 0.2:
        raw["arrived_at"] = (now - timedelta(minutes=chance.randint(0, 4000))).isoformat()
    return raw


def _who(chance: Random) -> Document:
    """Who says what of themselves: few names, numbers and firms, so that some are alike and some the same."""
    who: Document = {}
    if chance.random() < 0.3:
        who["first_name"], who["last_name"] = chance.choice(NAMES)
    if chance.random() < 0.2:
        who["phone"] = f"+49 30 555010{chance.randrange(4)}"
    if chance.random() < 0.3:
        who["company"] = chance.choice(FIRMS_AS_WRITTEN)
    return who


def _fields(chance: Random) -> Document:
    choices: Document = {
        "country": COUNTRIES,
        "language": LANGUAGES,
        "employees": (5, 60, 250, 2000),
        "industry": ("fintech", "retail"),
        "tech_stack": (["salesforce"], ["sap"]),
        "source": ("web", "event"),
        "deal_value": (500, 20000, 90000),
    }
    fields = {name: chance.choice(values) for name, values in choices.items() if chance.random() < 0.6}
    if chance.random() < 0.04:
        fields["referral"] = "vip"
    return fields


def signal_of(chance: Random, now: datetime) -> Document:
    """Something that a prospect did, now or some time ago: signals come out of order."""
    ago = chance.choice((0, 0, 5, 600, 6000, 60000))
    name = chance.choice((*SIGNALS, "demo_request", "webinar_attendance"))
    return {"name": name, "at": (now - timedelta(minutes=ago)).isoformat()}
