"""Who may do what: every page, with every role and every verb, and the table in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

from tests.web.conftest import ROLES, Site

from leadlane.service.users import ROLES as KNOWN
from leadlane.web.application import all_pages
from leadlane.web.page import Page
from leadlane.web.roles import TABLE, Capability, may

DOCUMENT = Path(__file__).parents[2] / "docs" / "users.md"
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# A part of an address, of which there is nothing.
_PART = re.compile(r"\{\w+(:(\w+))?\}")


def address_of(page: Page) -> str:
    return _PART.sub(lambda part: "0" if part[2] in ("int", "float") else "none-such", page.path)


def test_every_page_lets_in_those_whose_role_may_and_nobody_else(site: Site) -> None:
    """With the token of their forms, so that nothing but the role can keep them out."""
    found = all_pages()
    assert len(found) > 10
    for role in ROLES:
        visitor = site.sign_in(role)
        token = re.search(r'name="csrf" value="(\w+)"', visitor.get("/account").text)
        assert token is not None
        headers = {"x-csrf-token": token[1]}
        session = visitor.cookies["leadlane"]
        for page in found:
            if page.path == "/live" or page.capability is None:
                continue
            visitor.cookies.set("leadlane", session)
            answer = visitor.request(page.method, address_of(page), headers=headers)
            refused = answer.status_code == 403
            assert refused != may(role, page.capability), (role, page.method, page.path, answer.status_code)  # type: ignore[arg-type]
            assert answer.status_code < 500, (role, page.method, page.path)
            if page.path == "/sign-out":
                session = site.session_token(role)
                visitor.cookies.set("leadlane", session)
                token = re.search(r'name="csrf" value="(\w+)"', visitor.get("/account").text)
                assert token is not None
                headers = {"x-csrf-token": token[1]}


def test_nobody_gets_past_sign_in_without_a_session(site: Site) -> None:
    visitor = site.visitor()
    for page in all_pages():
        answer = visitor.request(page.method, address_of(page))
        if page.capability is None:
            assert answer.status_code != 401
            continue
        assert answer.status_code == 303, (page.method, page.path)
        assert answer.headers["location"].startswith("/sign-in")


def test_nothing_is_changed_without_the_token_of_the_session(site: Site) -> None:
    visitor = site.sign_in("admin")
    for page in all_pages():
        if page.method != "GET" and page.capability is not None:
            assert visitor.request(page.method, address_of(page)).status_code == 403, page.path


def test_verbs_that_a_page_does_not_know_do_nothing(site: Site) -> None:
    visitor = site.sign_in("admin")
    known = {(page.method, address_of(page)) for page in all_pages()}
    for address in {address for _method, address in known}:
        for verb in VERBS:
            if (verb, address) not in known:
                answer = visitor.request(verb, address)
                assert answer.status_code in (404, 405), (verb, address, answer.status_code)


def test_no_address_is_answered_twice() -> None:
    keys = [(page.method, page.path) for page in all_pages()]
    assert len(keys) == len(set(keys))


def test_the_table_in_the_documentation_is_the_one_that_holds() -> None:
    rows = {}
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 1 + len(ROLES) and set(cells[1:]) <= {"yes", ""} and any(cells[1:]):
            rows[cells[0]] = {role for role, cell in zip(KNOWN, cells[1:], strict=True) if cell}
    assert rows == {str(capability): set(TABLE[capability]) for capability in Capability}
