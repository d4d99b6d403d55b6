"""What are invented people and companies called? Words to combine; no combination is meant to exist."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """A country that leads come from; `share` is its weight among the others."""

    code: str
    language: str
    share: int
    legal_form: str
    cities: tuple[str, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_GERMAN = (
    _words(
        "Lena Jonas Miriam Felix Sabine Tobias Katrin Moritz Annika Stefan Julia Henrik Birgit Lukas Nora"
    ),
    _words(
        "Hartwig Lindner Vogelsang Reuter Brandt Sommer Ebert Falk Kranz Thiele Albrecht Wieland Roth Jansen"
    ),
)

COUNTRIES = (
    Country("DE", "de", 26, "GmbH", _words("Berlin Hamburg München Köln Leipzig"), *_GERMAN),
    Country("AT", "de", 6, "GmbH", _words("Wien Graz Linz"), *_GERMAN),
    Country("CH", "de", 6, "AG", _words("Zürich Basel Bern"), *_GERMAN),
    Country(
        *("PL", "pl", 15, "Sp. z o.o.", _words("Warszawa Kraków Wrocław Gdańsk Poznań")),
        _words("Agnieszka Piotr Magda Tomasz Ewa Marcin Joanna Paweł Zofia Krzysztof Beata Michał"),
        _words("Zawada Sobczak Wilk Górka Malec Kozioł Bąk Rataj Stolarz Żurek Pawlik Maj"),
    ),
    Country(
        *("CZ", "cs", 5, "s.r.o.", _words("Praha Brno Ostrava")),
        _words("Jana Petr Lucie Ondřej Tereza Jakub"),
        _words("Havel Kolář Beneš Vesely Moravec Šimek"),
    ),
    Country(
        *("IT", "it", 14, "S.r.l.", _words("Milano Torino Bologna Roma Padova")),
        _words("Giulia Matteo Chiara Davide Elena Lorenzo Silvia Andrea Paola Simone"),
        _words("Ferri Galli Moretti Sala Bassi Leone Testa Rinaldi Orsini Valli"),
    ),
    Country(
        *("ES", "es", 6, "S.L.", _words("Madrid Barcelona Valencia")),
        _words("Lucía Diego Marta Álvaro Carmen Hugo"),
        _words("Navarro Iglesias Soler Campos Prieto Vidal"),
    ),
    Country(
        *("FR", "fr", 8, "SAS", _words("Paris Lyon Nantes Lille")),
        _words("Camille Julien Manon Thomas Claire Antoine"),
        _words("Mercier Lambert Roussel Gauthier Perrin Faure"),
    ),
    Country(
        *("NL", "nl", 4, "B.V.", _words("Utrecht Rotterdam Eindhoven")),
        _words("Sanne Daan Femke Bram Lotte Sven"),
        _words("Visser Dekker Kuiper Brouwer Postma Hoekstra"),
    ),
    Country(
        *("GB", "en", 6, "Ltd", _words("London Leeds Bristol")),
        _words("Emma Oliver Grace Harry Alice George"),
        _words("Hollis Barlow Whitfield Marsh Pembroke Rowe"),
    ),
    Country(
        *("US", "en", 4, "Inc.", _words("Boston Denver Austin")),
        _words("Megan Tyler Brooke Ethan Dana Cole"),
        _words("Harmon Fields Weaver Landry Shaw Pruitt"),
    ),
)

STEMS = _words(
    "Aldrivo Bremora Calvenza Dorvane Elmrath Fenwyck Galdera Hollmar Ildano Jorvessa Kestrano Lumeka "
    "Mardova Nerrivo Oskania Pellworth Quendra Rostavia Silvanto Tarvik Ulmeno Velmora Wexbury "
    "Xandora Ystrada Zelmar Arbenta Brivano Corvessa Dastrel Evantor Fjordana Gronveld Havenik Istora "
    "Jelmira Kolvane Lantheo Mirvano Nolvera Orbentis Pravida Rimvall Sorbeto Trevanna Umbriva "
    "Vastero Wendrik Altmora Belvano"
)

# What companies of an industry call themselves, with the industry's weight.
INDUSTRIES = {
    "fintech": (14, _words("Pay Ledger Finance")),
    "banking": (9, _words("Bank Credit")),
    "insurance": (10, _words("Assurance Insurance")),
    "software": (18, _words("Software Cloud Systems")),
    "manufacturing": (15, _words("Works Tools Industries")),
    "logistics": (11, _words("Freight Logistics")),
    "retail": (10, _words("Stores Market")),
    "healthcare": (7, _words("Care Clinics")),
    "energy": (6, _words("Power Energy")),
}

TITLES = (
    *(
        "Head of Sales",
        "Sales Operations Manager",
        "Chief Revenue Officer",
        "Marketing Manager",
        "IT Manager",
    ),
    *("Managing Director", "Head of Digital", "CRM Manager", "Business Development Manager", "COO"),
)

# What people write with a request, by language; languages that are missing write English.
MESSAGES = {
    "en": (
        "Could you show us how this works with our CRM?",
        "We are comparing tools and would like to see a demo next week.",
        "Our reps wait too long for new leads. What would it cost for a team of 20?",
    ),
    "de": (
        "Können Sie uns zeigen, wie das mit unserem CRM zusammenarbeitet?",
        "Wir vergleichen gerade Lösungen und hätten gern nächste Woche eine Demo.",
        "Was kostet das für ein Team von 20 Personen?",
    ),
    "it": (
        "Potete mostrarci come funziona con il nostro CRM?",
        "Stiamo valutando alcune soluzioni e vorremmo una demo la prossima settimana.",
    ),
    "pl": (
        "Czy możecie pokazać, jak to działa z naszym CRM?",
        "Porównujemy rozwiązania i chcielibyśmy zobaczyć prezentację w przyszłym tygodniu.",
    ),
    "fr": ("Pouvez-vous nous montrer comment cela fonctionne avec notre CRM ?",),
    "es": ("¿Podrían mostrarnos cómo funciona con nuestro CRM?",),
}

CAMPAIGNS = {
    "organic_search": ("",),
    "paid_search": ("search-crm-routing", "search-lead-response"),
    "webinar": ("webinar-speed-to-lead", "webinar-territories"),
    "trade_show": ("spring-sales-fair", "autumn-sales-fair"),
    "newsletter": ("monthly-letter",),
    "outbound": ("outbound-finance", "outbound-software"),
    "partner": ("partner-referrals",),
    "website": ("", "pricing-test"),
}
