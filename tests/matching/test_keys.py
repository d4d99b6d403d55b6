"""The same person and the same company give the same key, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.matching.keys import company_domain, email_key, phone_key, registrable_domain


@pytest.mark.parametrize(
    ("email", "key"),
    [
        ("Jane.Doe+news@Northwind.EXAMPLE", "jane.doe@northwind.example"),
        (" jane@northwind.example ", "jane@northwind.example"),
        ("info@BÜCHER.example", "info@xn--bcher-kva.example"),
        ("info@xn--bcher-kva.example", "info@xn--bcher-kva.example"),
        ("+@northwind.example", "+@northwind.example"),
        ("no address", None),
        ("@northwind.example", None),
        ("jane@", None),
        ("", None),
        (None, None),
    ],
)
def test_email_key(email: str | None, key: str | None) -> None:
    assert email_key(email) == key


@given(st.emails(), st.text("abc0", min_size=1, max_size=5))
def test_case_and_sub_address_do_not_count(email: str, sub: str) -> None:
    local, _, domain = email.rpartition("@")
    if "+" not in local:
        assert email_key(f"{local}+{sub}@{domain.upper()}") == email_key(email)


@pytest.mark.parametrize(
    ("given_as", "domain"),
    [
        ("https://www.shop.northwind.co.uk/de?x=1", "northwind.co.uk"),
        ("NORTHWIND.com.", "northwind.com"),
        ("@northwind.com", "northwind.com"),
        ("mail.northwind.example", "northwind.example"),
        ("a.b.northwind.test", "northwind.test"),
        ("http://northwind.com:8080", "northwind.com"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("co.uk", None),
        ("localhost", None),
        ("192.168.0.1", None),
        ("http://[::1]/", None),
        ("http://[::1", None),
        ("two words.com", None),
        ("", None),
    ],
)
def test_registrable_domain(given_as: str, domain: str | None) -> None:
    assert registrable_domain(given_as) == domain


def test_customers_of_one_host_are_not_one_company() -> None:
    assert registrable_domain("one.myshopify.com") != registrable_domain("two.myshopify.com")
    assert registrable_domain("one.uk.com") == "one.uk.com"


@pytest.mark.parametrize(
    ("fields", "domain"),
    [
        ({"company_domain": "a.example", "website": "b.example", "email": "x@c.example"}, "a.example"),
        ({"website": "https://www.b.example/x", "email": "x@c.example"}, "b.example"),
        ({"email": "x@mail.c.example"}, "c.example"),
        ({"company_domain": "gmail.com", "email": "x@c.example"}, "c.example"),
        ({"website": "https://www.linkedin.com/company/c", "email": "x@c.example"}, "c.example"),
        ({"email": "x@linkedin.com"}, "linkedin.com"),
        ({"company_domain": "linkedin.com"}, "linkedin.com"),
        ({"company_domain": "linkedin.com/company/c", "email": "x@c.example"}, "c.example"),
        ({"company_domain": "https://de.linkedin.com/company/c/"}, None),
        ({"company_domain": "https://c.example/about"}, "c.example"),
        ({"email": "x@gmail.com"}, None),
        ({"email": "x@wp.pl"}, None),
        ({"email": "x@libero.it"}, None),
        ({"email": "x@mailinator.com"}, None),
        ({"email": "x@yahoo.co.uk"}, None),
        ({"email": "nothing"}, None),
        ({"email": "x@"}, None),
        ({}, None),
    ],
)
def test_company_domain(fields: dict[str, str], domain: str | None) -> None:
    assert company_domain(fields) == domain


@pytest.mark.parametrize(
    ("phone", "country", "key"),
    [
        ("030 123456", "DE", "+4930123456"),
        ("0049 (30) 123456", None, "+4930123456"),
        ("+49 30 123456 ext. 12", "PL", "+4930123456"),
        ("22 123 45 67", "PL", "+48221234567"),
        ("030 123456", None, None),
        ("call me", "DE", None),
        ("12", "DE", None),
        ("030 123456", "XX", None),
        (None, "DE", None),
    ],
)
def test_phone_key(phone: str | None, country: str | None, key: str | None) -> None:
    assert phone_key(phone, country) == key


@given(st.text(max_size=40))
def test_no_text_breaks_a_key(text: str) -> None:
    email_key(text)
    registrable_domain(text)
    phone_key(text, "DE")
    company_domain({"company_domain": text, "website": text, "email": text})
