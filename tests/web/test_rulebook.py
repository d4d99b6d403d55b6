"""The rules in the open: the policy in words, routes with their use, versions, territories."""

from __future__ import annotations

from importlib.resources import files

from tests.web.conftest import ROLES, Site
from tests.web.test_whose import come

from leadlane.core.act import Act
from leadlane.service.acts import act
from leadlane.service.publish import publish

POLICY = (files("leadlane") / "reference" / "policy.yaml").read_text(encoding="utf-8")
STRICTER = POLICY.replace("strong_at: 60", "strong_at: 70")


def published(site: Site, text: str, by: str, comment: str) -> None:
    with site.app.pool.connection() as connection:
        publish(connection, text, "policy.yaml", by, comment, site.app.now())


def test_everybody_reads_the_rules(site: Site) -> None:
    for role in ROLES:
        said = site.sign_in(role).text("/rulebook")
        assert "Strong from 60 points on." in said
        assert "if intent is high and fit is weak then someone of the pool sdr" in said
        assert "In turn, by weight" in said
        assert "answer within 15 business minutes" in said
        assert "Mon–Fri 09:00–17:00" in said
        assert "After 3 reassignments a lead goes to review." in said


def test_each_part_is_found_by_its_heading(site: Site) -> None:
    page = site.sign_in("viewer").get("/rulebook").text
    for part in ("judging", "routes", "pools", "promises", "hours", "limits"):
        assert f'href="#{part}"' in page
        assert f'id="{part}"' in page


def test_a_route_says_how_it_does_and_who_came_that_way(site: Site) -> None:
    id_, owner = come(site, email="pia@widget.example", first_name="Pia", last_name="Lund")
    with site.app.pool.connection() as connection:
        wrong = Act(id_, "dispute", owner, reason="A <i>partner</i> of ours")
        (receipt,) = act(connection, site.app.books, [wrong], site.app.now())
        assert receipt.status == "updated"
    visitor = site.sign_in("manager", "maria")
    assert "In the last 30 days they placed 1 lead." in visitor.text("/rulebook")
    said = visitor.text("/rulebook/routes/hot-weak")
    assert "Route 10 of 15" in said
    assert "Leads placed 1 1" in said
    assert "Said to be wrong 1 1" in said
    assert "“A <i>partner</i> of ours”" in said  # as text
    assert "Pia Lund" in said
    assert "It was there from the first version on." in said
    assert f'href="/leads/{id_}"' in visitor.get("/rulebook/routes/hot-weak").text


def test_a_route_that_never_was_is_not_found(site: Site) -> None:
    visitor = site.sign_in("viewer")
    for name in ("none", "a/b", "%3Cscript%3E"):
        answer = visitor.get(f"/rulebook/routes/{name}")
        assert answer.status_code == 404
        assert "<script>" not in answer.text.replace("<script src", "")


def test_versions_and_what_they_changed(site: Site) -> None:
    published(site, STRICTER, "Olga <Lis>", "stricter")
    visitor = site.sign_in("rep", "anna")
    said = visitor.text("/rulebook/versions")
    assert "policy: strong from 60 → 70" in said
    assert "Olga <Lis>" in said
    assert "“stricter”" in said
    assert said.index("Version 2") < said.index("Version 1")
    older = visitor.text("/rulebook?version=1")
    assert "This version is not in force." in older
    assert "Strong from 60 points on." in older
    assert "Strong from 70 points on." in visitor.text("/rulebook")
    assert "No older versions" in visitor.text("/rulebook/versions?before=1")
    assert visitor.get("/rulebook/versions?before=" + "9" * 5000).status_code == 200


def test_two_versions_are_compared(site: Site) -> None:
    published(site, STRICTER, "olga", "stricter")
    visitor = site.sign_in("viewer")
    for address in ("/rulebook/compare?a=1&b=2", "/rulebook/compare", "/rulebook/compare?a=1"):
        said = visitor.text(address)
        assert "policy: strong from 60 → 70" in said
        assert "+ strong_at: 70" in said
    assert "policy: strong from 70 → 60" in visitor.text("/rulebook/compare?a=2&b=1")
    assert "They are the same" in visitor.text("/rulebook/compare?a=2&b=2")
    published(site, STRICTER + "\n# the same, said again\n", "olga", "a remark")
    assert "They are the same" in visitor.text("/rulebook/compare?a=2&b=2")


def test_what_cannot_be_compared_is_said(site: Site) -> None:
    visitor = site.sign_in("viewer")
    for query in ("a=9", "a=x&b=y", "a=%3Cb%3E", "a=99999999999999999999"):
        answer = visitor.get(f"/rulebook/compare?{query}")
        assert answer.status_code == 422, query
        assert "There is no policy version" in answer.text


def test_bad_numbers_in_the_address_do_no_harm(site: Site) -> None:
    visitor = site.sign_in("viewer")
    for before in ("x", "-1", "0", "99999999999999999999999", "²"):
        assert visitor.get("/rulebook/versions", params={"before": before}).status_code == 200, before
    assert visitor.get("/rulebook?version=none").status_code == 422


def test_territories_have_owners(site: Site) -> None:
    said = site.sign_in("rep", "anna").text("/territories")
    assert "cee country is Poland, Czechia, Slovakia, Hungary or Romania Central and Eastern Europe" in said
    assert "Maria Hofer" in said
    germany = said[said.index("By country") :]
    assert "Germany enterprise-dach dach" in germany
    assert "Poland cee" in germany


def test_the_rules_are_read_in_ones_own_language(site: Site) -> None:
    visitor = site.sign_in("viewer")
    visitor.submit("/account", name="Viewer Tester", language="pl", zone="Europe/Warsaw", theme="system")
    assert "Niemcy" in visitor.text("/territories")


def test_pieces_come_alone(site: Site) -> None:
    visitor = site.sign_in("rep", "anna")
    for path, piece in (
        ("/rulebook", "rules"),
        ("/rulebook/versions", "versions"),
        ("/territories", "market"),
    ):
        answer = visitor.get(path, headers={"hx-request": "true", "hx-target": f"div#{piece}"})
        assert answer.status_code == 200
        assert f'id="{piece}"' in answer.text
        assert "<html" not in answer.text
