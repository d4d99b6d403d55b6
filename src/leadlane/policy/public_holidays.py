"""Which days are public holidays? By country, or by region of a country, for half a century."""

from __future__ import annotations

from datetime import date
from functools import cache

import holidays as library

HOLIDAY_YEARS = range(2000, 2051)


@cache
def public_holidays(key: str) -> dict[date, str]:
    """The public holidays of a country (`DE`) or of its region (`DE-BY`), 2000 to 2050, with their names.

    Of a region that is not known they are those of the country; of a country that is not known, {}.
    """
    country, _dash, region = key.partition("-")
    regions = holiday_regions().get(country)
    if regions is None:
        return {}
    subdivision = region if region in regions else None
    return dict(library.country_holidays(country, subdiv=subdivision, years=HOLIDAY_YEARS).items())


@cache
def holiday_regions() -> dict[str, list[str]]:
    """The countries whose public holidays are known, with their regions."""
    return library.list_supported_countries()
