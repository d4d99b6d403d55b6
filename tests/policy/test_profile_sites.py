"""Pages of profiles, told from the domains of the companies that run these sites."""

import pytest

from leadlane.policy.profile_sites import is_profile_page, is_profile_site


@pytest.mark.parametrize(
    "address",
    [
        "linkedin.com/company/acme",
        "https://www.LinkedIn.com/company/acme",
        "https://de.linkedin.com:443/in/jo?trk=x",
        "facebook.com/acme",
        "//x.com/acme",
    ],
)
def test_pages_of_profiles(address: str) -> None:
    assert is_profile_page(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "linkedin.com",
        "https://www.linkedin.com/",
        "acme.example/linkedin.com/x",
        "notlinkedin.com/x",
        "/x",
    ],
)
def test_other_addresses(address: str) -> None:
    assert not is_profile_page(address)


def test_sites_and_those_below_them() -> None:
    assert is_profile_site("facebook.com")
    assert is_profile_site("de-de.facebook.com")
    assert not is_profile_site("com")
