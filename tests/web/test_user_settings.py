"""Settings, Users: admins invite, change and keep out."""

from __future__ import annotations

import re
from html import unescape

import pytest
from tests.outbound.conftest import mail_server  # noqa: F401  (a fixture)
from tests.web.conftest import Site, Visitor, opened_site, text_of

from leadlane.config import Settings
from leadlane.service import users

USERS = "/settings/users"


@pytest.fixture
def admin(site: Site) -> Visitor:
    return site.sign_in("admin")


def id_of(site: Site, email: str) -> str:
    with site.app.pool.connection() as connection:
        return users.find(connection, email).id


def test_somebody_of_the_roster_is_invited(site: Site, admin: Visitor) -> None:
    given = admin.submit(USERS, seen=USERS, email="Emil@seller.example", role="rep")
    assert given.status_code == 200
    assert "Emil Zielinski is invited" in text_of(given)
    link = re.search(r'value="(http[^"]+/welcome\?link=[\w-]+)"', given.text)
    assert link is not None
    emil, password = site.visitor(), "otters knit blue kettles"
    url = unescape(link[1])
    assert url.startswith(site.url)
    assert emil.get(url).status_code == 200
    form = {"link": url.partition("link=")[2], "password": password, "again": password}
    assert emil.post("/welcome", data=form).status_code == 303
    assert "Emil Zielinski" in emil.text("/account")
    listed = admin.text(USERS)
    assert "Emil Zielinski emil@seller.example" in listed.replace("Emil@", "emil@")
    assert site.sql("SELECT person, role, created_by FROM users WHERE email_key LIKE 'emil%%'") == [
        ("emil", "rep", "admin.nobody@leadlane.example")
    ]


def test_an_invitation_by_mail_shows_no_link(database_url: str, mail_server) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    server = mail_server()
    settings = Settings(
        database_url=database_url,
        smtp_url=server.url,
        mail_from="Leads <leads@seller.example>",
        public_url="http://leads.example",
    )
    with opened_site(settings) as site:
        given = site.sign_in("admin").submit(USERS, seen=USERS, email="emil@seller.example", role="rep")
        assert "on its way" in text_of(given)
        assert "link=" not in given.text
        (mail,) = server.mails_to("emil@seller.example")
        # In the first of his languages.
        assert mail["Content-Language"] == "pl"
        assert "http://leads.example/welcome?link=" in mail.get_body(["plain"]).get_content()


def test_a_mail_that_does_not_go_out_leaves_the_link(database_url: str) -> None:
    settings = Settings(
        database_url=database_url,
        smtp_url="smtp://127.0.0.1:1",
        mail_from="leads@seller.example",
        public_url="http://leads.example",
    )
    with opened_site(settings) as site:
        given = site.sign_in("admin").submit(USERS, seen=USERS, email="emil@seller.example", role="rep")
        assert "could not be sent" in text_of(given)
        assert "http://leads.example/welcome?link=" in given.text


def test_what_cannot_be_invited_is_said_beside_its_field(site: Site, admin: Visitor) -> None:
    for sent, problem in (
        ({"email": "nobody", "role": "rep"}, "no e-mail address"),
        ({"email": "Admin.Nobody@leadlane.example", "role": "rep"}, "has a user already"),
        ({"email": "new@seller.example", "role": "boss"}, "no role boss"),
    ):
        refused = admin.submit(USERS, seen=USERS, name="<script>", **sent)
        assert refused.status_code == 422
        assert problem in text_of(refused)
        assert 'value="&lt;script&gt;"' in refused.text


def test_a_user_is_changed_and_has_to_sign_in_again(site: Site, admin: Visitor) -> None:
    rep = site.sign_in("rep", "anna")
    address = f"{USERS}/{id_of(site, 'rep.anna@leadlane.example')}"
    assert "Anna Nowak (anna)" in admin.text(address)
    admin.submit(address, seen=address, name="Anna M", role="rep", person="anna")
    assert rep.get("/account").status_code == 200  # only a name
    done = admin.submit(address, seen=address, name="Anna M", role="manager", person="boris")
    assert (done.status_code, done.headers["location"]) == (303, USERS)
    assert rep.get("/account").status_code == 303
    assert site.sql("SELECT name, role, person FROM users WHERE email LIKE 'rep%%'") == [
        ("Anna M", "manager", "boris")
    ]
    refused = admin.submit(address, seen=address, name="Anna M", role="manager", person="zoe")
    assert "nobody of the id zoe" in text_of(refused)


def test_a_change_is_made_whole_or_not_at_all(site: Site, admin: Visitor) -> None:
    address = f"{USERS}/{id_of(site, 'admin.nobody@leadlane.example')}"
    refused = admin.submit(address, seen=address, name="Other", role="rep", person="anna")
    assert "only admin" in text_of(refused)
    assert site.sql("SELECT name, person FROM users") == [("Admin Tester", None)]


def test_whoever_is_kept_out_is_out_at_once_and_can_be_let_in_again(site: Site, admin: Visitor) -> None:
    rep = site.sign_in("rep")
    address = f"{USERS}/{id_of(site, 'rep.nobody@leadlane.example')}"
    admin.submit(f"{address}/deactivate", seen=address)
    assert rep.get("/account").status_code == 303
    assert "can no longer sign in" in admin.text(USERS)
    assert admin.submit(f"{address}/link", seen=address).status_code == 409
    admin.submit(f"{address}/activate", seen=address)
    assert "Kept out" not in admin.text(USERS)
    assert admin.submit(f"{address}/link", seen=address).status_code == 200


def test_an_admin_alone_stays(site: Site, admin: Visitor) -> None:
    address = f"{USERS}/{id_of(site, 'admin.nobody@leadlane.example')}"
    assert "only admin" in text_of(admin.submit(f"{address}/deactivate", seen=address))
    assert admin.get(f"{USERS}/u_nobody").status_code == 404
