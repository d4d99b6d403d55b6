"""People and coverage as pages: who sees what, who may say who is away, stale and bad input."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx2
import pytest
from tests.web.conftest import Site, Visitor, text_of

from leadlane.service.roster import put_entry
from leadlane.store import policies, roster


def entry(site: Site, person: str) -> dict[str, object]:
    with site.app.pool.connection() as connection:
        return roster.entries(connection, policies.in_force(connection)[1])["person"][person]


def put(site: Site, person: str, **changed: object) -> None:
    with site.app.pool.connection() as connection:
        put_entry(connection, "person", person, {**entry(site, person), **changed}, "test", site.app.now())


def days(site: Site, start: int, until: int) -> dict[str, str]:
    today = site.app.now().date()
    return {
        "from": (today + timedelta(days=start)).isoformat(),
        "until": (today + timedelta(days=until)).isoformat(),
    }


def away(visitor: Visitor, person: str, **form: str) -> tuple[int, str]:
    answer = visitor.submit(f"/people/{person}/away", seen="/account", **form)
    return answer.status_code, text_of(answer)


@pytest.mark.parametrize("role", ["admin", "manager", "rep", "viewer"])
def test_everybody_sees_who_is_who(site: Site, role: str) -> None:
    visitor = site.sign_in(role)
    listed = visitor.text("/people")
    assert "Anna Nowak AE · senior" in listed
    assert "DACH led by Maria Hofer" in listed
    assert "0 of 40 open 0 of 8 today" in listed
    page = visitor.text("/people/anna")
    assert "anna@seller.example" in page
    assert "Boris Keller" in page
    assert ("Add an absence" in page) == (role == "admin")
    assert visitor.get("/people/nobody").status_code == 404


def test_the_list_is_narrowed(site: Site) -> None:
    visitor = site.sign_in("rep", "anna")
    assert "Dora Ricci" not in visitor.text("/people?q=nowak+senior")
    assert "Nobody is away" in visitor.text("/people?show=away")
    assert "Nobody found" in visitor.text("/people?q=%3Cscript%3E")


# ---------------------------------------------------------------- absences


def test_a_rep_says_for_themselves_when_they_are_away(site: Site) -> None:
    anna = site.sign_in("rep", "anna")
    form = {**days(site, 0, 3), "reason": "Holidays", "backup": "emil"}
    status, _text = away(anna, "anna", **form)
    assert status == 303
    page = anna.get("/people/anna")
    assert "Holidays · Emil Zielinski covers" in text_of(page)
    assert entry(site, "anna")["backup"] == "emil"
    assert "Anna Nowak" in anna.text("/people?show=away")
    assert "covers for Anna Nowak" in anna.text("/people")
    end = re.search(r'action="(/people/anna/absences/\w+/end)"', page.text)
    assert end is not None
    assert anna.submit(end[1]).status_code == 303
    assert "No absence is entered." in anna.text("/people/anna")
    # From a page that is out of date: nothing happens, and it says so.
    assert anna.submit(end[1]).status_code == 303
    assert "This absence has been changed or ended" in anna.text("/people/anna")


def test_who_may_say_that_somebody_is_away(site: Site) -> None:
    form = {**days(site, 1, 2), "backup": "anna"}
    assert away(site.sign_in("rep", "anna"), "boris", **form)[0] == 403
    assert away(site.sign_in("manager", "marco"), "boris", **form)[0] == 403
    assert away(site.sign_in("viewer"), "boris", **form)[0] == 403
    assert away(site.sign_in("rep"), "boris", **form)[0] == 403
    assert "away" not in entry(site, "boris")
    assert away(site.sign_in("manager", "maria"), "boris", **form)[0] == 303
    assert away(site.sign_in("admin"), "dora", **form)[0] == 303
    assert away(site.sign_in("admin"), "none-such", **form)[0] == 404
    (by,) = site.sql(
        "SELECT changed_by FROM roster_entries WHERE id = 'boris' ORDER BY revision DESC LIMIT 1"
    )[0]
    assert by == "maria"


def test_what_is_wrong_stands_beside_the_field(site: Site) -> None:
    admin = site.sign_in("admin")
    backwards = days(site, 5, 2)
    status, text = away(admin, "anna", **backwards, reason="<script>alert(1)</script>")
    assert status == 422
    assert "The absence ends before it begins." in text
    answer = admin.submit("/people/anna/away", **backwards, reason="<script>alert(1)</script>")
    assert "<script>alert" not in answer.text
    assert f'value="{backwards["from"]}"' in answer.text
    assert away(admin, "anna", **{"from": "x", "until": backwards["until"]})[1].count("This is no date") == 1
    assert "This is no date" in away(admin, "anna", **{"from": backwards["from"], "until": "9999-12-31"})[1]
    assert away(admin, "anna", **days(site, 1, 2), reason="x" * 201)[0] == 422
    status, text = away(admin, "anna", **days(site, 1, 2), backup="nobody-such")
    assert status == 422
    assert "nobody-such" in text
    assert "away" not in entry(site, "anna")


def test_hostile_names_are_only_words(site: Site) -> None:
    name = "<script>alert(1)</script>"
    put(site, "anna", name=name, away=[{**days(site, 0, 2), "reason": name}], slack=name)
    visitor = site.sign_in("admin")
    for path in (
        "/people",
        "/people/anna",
        "/people/anna/away",
        "/people/anna/edit",
        "/people/anna/calendar",
        "/coverage",
        "/coverage?person=anna",
    ):
        page = visitor.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text, path
    assert "&lt;script&gt;alert" in visitor.get("/people/anna").text


# ---------------------------------------------------------------- coverage


def test_coverage_tells_holes_and_who_is_away(site: Site) -> None:
    visitor = site.sign_in("viewer")
    assert "senior-ae" in visitor.text("/coverage")
    assert "nobody covers" not in visitor.text("/coverage")
    put(site, "olga", away=[{**days(site, 0, 6), "reason": "Training"}])
    page = visitor.text("/coverage")
    assert "Olga Lis" in page
    assert "Training" in page
    assert "nobody covers" in page
    assert "away: Olga Lis" in page


def test_what_if_somebody_is_away(site: Site) -> None:
    visitor = site.sign_in("manager", "maria")
    form = days(site, 0, 6)
    page = visitor.get(f"/coverage?person=olga&first={form['from']}&last={form['until']}")
    text = text_of(page)
    assert "If Olga Lis were away" in text
    assert "only in this trial" in text
    assert page.text.count("changed") > 30
    assert "Only the seven days below" not in text
    # Nothing was stored.
    assert "away" not in entry(site, "olga")


def test_a_trial_offers_only_what_is_theirs_to_enter(site: Site) -> None:
    for role, person, may in (
        ("manager", "maria", True),
        ("manager", "marco", False),
        ("rep", "boris", True),
        ("rep", "anna", False),
        ("admin", None, True),
        ("viewer", None, False),
    ):
        page = site.sign_in(role, person).text("/coverage?person=boris")
        assert ("Enter this absence" in page) == may, (role, person)


def test_a_trial_says_that_it_looks_at_the_days_it_shows(site: Site) -> None:
    visitor, form = site.sign_in("viewer"), days(site, 0, 20)
    page = visitor.text(f"/coverage?person=olga&first={form['from']}&last={form['until']}")
    assert "Only the seven days below are looked at." in page


@pytest.mark.parametrize(
    "query",
    [
        "week=soon",
        "week=0001-01-01",
        "week=9999-12-31",
        "person=nobody",
        "person=olga&first=x",
        "person=olga&first=2026-11-23&last=1999-01-01",
        "person=olga&first=%27%3B&last=2",
    ],
)
def test_addresses_that_ask_for_nonsense_say_so(site: Site, query: str) -> None:
    answer = site.sign_in("viewer").get(f"/coverage?{query}")
    assert answer.status_code == 422, query
    assert "senior-ae" in text_of(answer)


def test_other_languages_and_zones(site: Site) -> None:
    visitor = site.sign_in("rep", "emil")
    site.sql("UPDATE users SET zone = 'Asia/Kolkata', language = 'pl' WHERE person = 'emil'")
    page = visitor.get("/people/anna").text
    assert "pon" in page
    assert "13:30–21:30" in page or "12:30–20:30" in page
    assert visitor.get("/coverage").status_code == 200


# ---------------------------------------------------------------- calendars


def test_who_may_have_whose_calendar_links(site: Site) -> None:
    assert site.sign_in("rep", "anna").get("/people/boris/calendar").status_code == 403
    assert site.sign_in("manager", "maria").get("/people/anna/calendar").status_code == 403
    assert site.sign_in("admin").get("/people/anna/calendar").status_code == 200
    assert site.sign_in("admin").get("/people/none-such/calendar").status_code == 404
    assert "from a calendar" not in site.sign_in("rep", "anna").text("/people/boris")


def test_a_link_for_calendars_is_shown_once_and_ended(site: Site) -> None:
    anna, path = site.sign_in("rep", "anna"), "/people/anna/calendar"
    made = anna.submit(path + "/feed")
    found = re.search(r"http://[^\"]+(/calendars/[\w-]+\.ics)", made.text)
    assert found is not None
    assert found[1] not in anna.get(path).text
    stranger = site.visitor()
    answer = stranger.get(found[1])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/calendar")
    assert answer.text.startswith("BEGIN:VCALENDAR")
    assert stranger.get("/calendars/else.ics").status_code == 404
    # Whoever is kept out reads nothing more.
    site.sql("UPDATE users SET active = false WHERE person = 'anna'")
    assert stranger.get(found[1]).status_code == 404
    site.sql("UPDATE users SET active = true WHERE person = 'anna'")
    assert stranger.get(found[1]).status_code == 200
    assert anna.submit(path + "/feed/end").status_code == 303
    assert stranger.get(found[1]).status_code == 404


def test_a_calendar_that_cannot_be_read_says_why(site: Site) -> None:
    anna, path = site.sign_in("rep", "anna"), "/people/anna/calendar"
    answer = anna.submit(path, url="javascript:alert(1)")
    assert answer.status_code == 422
    assert "A link that begins with https://" in text_of(answer)
    assert anna.submit(path, url="http://127.0.0.1:1/<script>x.ics").status_code == 303
    page = anna.get(path)
    assert "inside the network" in text_of(page)
    assert "<script>x" not in page.text
    assert anna.submit(path + "/stop").status_code == 303
    assert "inside the network" not in anna.text(path)


# ---------------------------------------------------------------- the entry itself


def form_of_page(page: str) -> dict[str, list[str]]:
    """What a browser would send of the form of a page, unchanged."""
    page = page[page.index('class="edit-person"') :]
    form: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r' name="(\w+)"', tag), re.search(r' value="([^"]*)"', tag)
        if name is not None and ("checkbox" not in tag or " checked" in tag):
            form.setdefault(name[1], []).append(unescape(value[1]) if value else "")
    for name_, inside in re.findall(r'<select[^>]*? name="(\w+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        form[name_] = re.findall(r'value="([^"]*)" selected', inside) or [""]
    for name_, inside in re.findall(r'<textarea[^>]*? name="(\w+)"[^>]*>(.*?)</textarea>', page, re.DOTALL):
        form[name_] = [unescape(inside)]
    return form


def edit(visitor: Visitor, person: str, **changed: Any) -> httpx2.Response:
    page = visitor.get(f"/people/{person}/edit").text
    return visitor.post(f"/people/{person}/edit", data={**form_of_page(page), **changed})


def test_a_form_that_is_sent_as_it_is_changes_nothing(site: Site) -> None:
    own = {"slack": "U123", "quota": 5, "tags": ["a", "b"], "remote": True}
    put(site, "anna", **own, away=[days(site, 3, 4)], hours={"mon": ["09:00-12:00"]})
    put(site, "maria", teams=["south", "dach"], channels=["sms", "email"])
    for person in ("anna", "maria"):
        before = entry(site, person)
        assert edit(site.sign_in("admin"), person).status_code == 303
        assert entry(site, person) == before


def test_an_admin_changes_what_the_roster_says(site: Site) -> None:
    admin = site.sign_in("admin")
    answer = edit(
        admin,
        "anna",
        name="Anna Nowak-Berg",
        weight="1,5",
        max_open="",
        per_day="0",
        backup="",
        teams=["cee", "dach"],
        channels=["slack", "email"],
        hours="mon-thu: 08:00-12:00, 13:00-16:00\nfri: 08:00-12:00",
        attribute=["slack", "", "phone"],
        attribute_value=["U123", "", "+49 30 1234567"],
    )
    assert answer.status_code == 303, text_of(answer)
    found = entry(site, "anna")
    assert found["name"] == "Anna Nowak-Berg"
    assert (found["weight"], found["per_day"]) == (1.5, 0)
    assert "max_open" not in found
    assert "backup" not in found
    assert found["teams"] == ["cee", "dach"]
    assert found["channels"] == ["slack", "email"]
    assert found["hours"] == {"mon-thu": ["08:00-12:00", "13:00-16:00"], "fri": ["08:00-12:00"]}
    assert (found["slack"], found["phone"]) == ("U123", "+49 30 1234567")
    page = admin.text("/people/anna")
    assert "Mon–Thu 08:00–12:00, 13:00–16:00, Fri 08:00–12:00" in page
    assert "no backup" in page


def test_what_is_wrong_with_a_person_stands_beside_the_field(site: Site) -> None:
    admin, before = site.sign_in("admin"), entry(site, "anna")
    for changed, says in (
        ({"timezone": "Berlin"}, "Europe/Berlin"),
        ({"timezone": ""}, "A time zone is needed"),
        ({"email": "boris@seller.example"}, "the address of boris"),
        ({"email": "nowhere"}, "an e-mail address"),
        ({"weight": "many"}, "This is no number."),
        ({"weight": "0"}, "a weight above 0"),
        ({"max_open": "1.5"}, "a whole number"),
        ({"backup": "anna"}, "their own backup"),
        ({"hours": "mon-fry: 09:00-17:00"}, "a day or days"),
        ({"hours": "nights"}, "a name of `hours`"),
        ({"country": "XX"}, "a country code"),
        ({"languages": "de, xx"}, "a language code"),
        ({"teams": ["nowhere"]}, "a team of the roster"),
    ):
        answer = edit(admin, "anna", **changed)
        assert answer.status_code == 422, changed
        assert says in text_of(answer), (changed, text_of(answer))
        assert 'class="field-problem"' in answer.text, changed
    assert entry(site, "anna") == before


def test_what_leaves_a_pool_empty_is_told(site: Site) -> None:
    answer = edit(site.sign_in("admin"), "olga", role="ae")
    assert answer.status_code == 422
    assert "revops" in text_of(answer)


def test_a_form_that_is_out_of_date_changes_nothing(site: Site) -> None:
    admin = site.sign_in("admin")
    old = form_of_page(admin.get("/people/anna/edit").text)
    put(site, "anna", max_open=7)
    answer = admin.post("/people/anna/edit", data={**old, "name": "Else"})
    assert answer.status_code == 422
    assert "has been changed since you opened the page" in text_of(answer)
    assert entry(site, "anna")["name"] == "Anna Nowak"
    assert site.sign_in("manager", "maria").get("/people/anna/edit").status_code == 403
