"""Which companies does an invented world have, and how do people write them? Always the same for a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from leadlane.core.facts import Account

Kind = Literal["as known", "typing error", "other legal form", "other word order", "acronym", "unknown"]
KINDS: tuple[Kind, ...] = (
    "as known", "typing error", "other legal form", "other word order", "acronym", "unknown",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """A company as a lead names it; `answer` is the id of the account that is meant, None for a new one."""

    kind: Kind
    values: Mapping[str, str]
    answer: str | None


@dataclass(frozen=True, slots=True)
class _Market:
    """How companies are called in a country."""

    country: str
    top_level: str
    forms: tuple[str, ...]
    families: tuple[str, ...]
    trades: tuple[str, ...]
    cities: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_MARKETS = (
    _Market(
        "DE", "de", ("GmbH", "AG", "GmbH & Co. KG", "KG", "e.K.", "UG (haftungsbeschränkt)", "SE", ""),
        _words(
            "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch"
            " Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann"
            " Hartmann Lange Werner Krause Köhler Brandt Haas Vogel Jäger Böhm Winkler Ott Seidel"
            " Pfeiffer Lindner Voß Kaiser"
        ),
        _words(
            "Maschinenbau Logistik Software Elektrotechnik Bau Handel Spedition Metallbau"
            " Gebäudetechnik Beratung Druckerei Pharma Verpackung Immobilien Anlagenbau Lebensmittel"
            " Werbung Kunststofftechnik"
        ),
        _words(
            "Berlin Hamburg München Köln Frankfurt Stuttgart Düsseldorf Leipzig Dortmund Essen Bremen"
            " Dresden Hannover Nürnberg Duisburg Bochum Bielefeld Bonn Münster Karlsruhe"
        ),
    ),
    _Market(
        "IT", "it", ("S.p.A.", "S.r.l.", "S.a.s.", "S.n.c.", "Srl", "Spa", ""),
        _words(
            "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti"
            " Costa Giordano Mancini Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi"
            " Caruso Ferrara Galli Martini Leone Longo Gentile Martinelli Vitale Pellegrini Palumbo"
            " Sanna"
        ),
        _words(
            "Costruzioni Trasporti Informatica Meccanica Alimentari Immobiliare Impianti Consulenza"
            " Arredamenti Elettronica Tessile Ceramiche Servizi Energia Farmaceutici Edilizia Grafica"
        ),
        _words(
            "Roma Milano Napoli Torino Palermo Genova Bologna Firenze Bari Catania Venezia Verona"
            " Padova Trieste Brescia Parma Modena Prato Bergamo Vicenza"
        ),
    ),
    _Market(
        "PL", "pl", ("Sp. z o.o.", "S.A.", "sp. k.", "Sp. j.", "Sp. z o.o. sp. k.", ""),
        _words(
            "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański"
            " Woźniak Dąbrowski Kozłowski Jankowski Mazur Wojciechowski Kwiatkowski Krawczyk Kaczmarek"
            " Piotrowski Grabowski Zając Pawłowski Michalski Król Wieczorek Jabłoński Wróbel"
            " Nowakowski Majewski Olszewski"
        ),
        _words(
            "Budownictwo Transport Systemy Handel Usługi Meble Elektronika Produkcja Instalacje"
            " Doradztwo Opakowania Logistyka Informatyka Energia Nieruchomości Technika Medyczna"
        ),
        _words(
            "Warszawa Kraków Łódź Wrocław Poznań Gdańsk Szczecin Bydgoszcz Lublin Katowice Białystok"
            " Gdynia Częstochowa Radom Toruń Kielce Rzeszów Gliwice Zabrze Olsztyn"
        ),
    ),
    _Market(
        "US", "com", ("Inc.", "LLC", "Corp.", "Corporation", "Co.", "LP", "Incorporated", ""),
        _words(
            "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Anderson"
            " Taylor Thomas Moore Jackson Thompson White Harris Clark Lewis Robinson Walker Young"
            " Allen King Wright Scott Hill Green Adams Baker Nelson Carter Mitchell Roberts Turner"
            " Phillips Campbell Parker Evans"
        ),
        _words(
            "Construction Logistics Software Consulting Foods Insurance Realty Manufacturing Health"
            " Energy Trucking Plumbing Marketing Dental Roofing Analytics Media Packaging Financial"
            " Electric"
        ),
        _words(
            "Boston Chicago Houston Phoenix Dallas Austin Seattle Denver Detroit Portland Memphis"
            " Atlanta Miami Oakland Tulsa Tampa Cleveland Omaha Raleigh Madison"
        ),
    ),
    _Market(
        "GB", "co.uk", ("Ltd", "Limited", "PLC", "LLP", "Ltd.", ""),
        _words(
            "Hughes Edwards Wood Harrison Cooper Ward Morris Bennett Ellis Shaw Marshall Simpson"
            " Murray Gibson Palmer Stevens Webb Rogers Hunt Mills Grant Knight Stone Fox Dixon Holmes"
            " Ford Chapman Mason Barker Fletcher Doyle Brennan Osborne Pearce Whitaker Ashworth"
            " Holloway"
        ),
        _words(
            "Engineering Haulage Digital Consultancy Catering Interiors Property Solutions Training"
            " Motors Builders Care Publishing Textiles Security Recruitment Renewables Joinery"
        ),
        _words(
            "London Manchester Birmingham Leeds Glasgow Liverpool Bristol Sheffield Edinburgh Cardiff"
            " Leicester Coventry Nottingham Newcastle Sunderland Brighton Plymouth Derby Swansea"
            " Norwich"
        ),
    ),
    _Market(
        "FR", "fr", ("SA", "SARL", "SAS", "S.A.S.", "SASU", "SNC", "EURL", ""),
        _words(
            "Martin Bernard Dubois Petit Robert Richard Durand Leroy Moreau Simon Laurent Lefebvre"
            " Michel Roux Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Blanc Guérin Boyer"
            " Garnier Chevalier François Legrand Gauthier Perrin Robin Clément Morin Mathieu Lefèvre"
        ),
        _words(
            "Bâtiment Transports Informatique Conseil Immobilier Menuiserie Électricité Distribution"
            " Mécanique Emballage Énergie Restauration Ingénierie Assurances Imprimerie Plomberie"
        ),
        _words(
            "Paris Marseille Lyon Toulouse Nice Nantes Montpellier Strasbourg Bordeaux Lille Rennes"
            " Reims Toulon Grenoble Dijon Angers Nîmes Villeurbanne Brest Limoges"
        ),
    ),
)  # fmt: skip
_GENERAL = _words(
    "Group Holding International Systems Technologies Services Solutions Partners Industries"
    " Global Digital Consulting Capital Ventures Labs Networks Trading Management Engineering"
    " Europe"
)
_CONSONANTS = _words("b c d f g h k l m n p r s t v w z br cr dr fl gr kr pl pr sk st tr th qu")
_VOWELS = _words("a e i o u a e i o ae ia io")
_ENDINGS = ("", *_words("x n r l s ra na ta ro no lia ria tis vex nix dor mar lon tek"))


def accounts(count: int, seed: str = "accounts") -> Iterator[Account]:
    """That many companies in six countries, named as companies are: invented words, families, trades, places.

    Two thirds have a domain; most have a city, some a phone. Names of families with their trade are shared by
    several of them, as in life.
    """
    chance = random.Random(seed)
    for number in range(count):
        market = chance.choice(_MARKETS)
        core = _core(chance, market)
        name = f"{core} {chance.choice(market.forms)}".strip()
        label = "".join(letter for letter in core.casefold() if letter.isascii() and letter.isalnum())
        domains = (f"{label}-{number}.{market.top_level}",) if chance.random() < 0.66 else ()
        yield Account(
            id=f"A{number:07}",
            name=name,
            domains=domains,
            named=number % 50 == 0,
            customer=number % 20 == 0,
            country=market.country,
            aliases=(_acronym(core),) if len(core.split()) >= 3 and chance.random() < 0.2 else (),
            city=chance.choice(market.cities) if chance.random() < 0.8 else "",
            phone=_phone(chance, market) if chance.random() < 0.3 else "",
        )


def questions(known: list[Account], each: int, seed: str = "questions") -> list[Question]:
    """As many questions of each kind about some of these accounts, in an order that mixes the kinds."""
    chance = random.Random(seed)
    asked = []
    for kind in KINDS:
        eligible = [one for one in known if _change(kind, one.name, chance) is not None]
        for one in chance.sample(eligible, min(each, len(eligible))):
            name = _change(kind, one.name, chance) or one.name
            values = {"company": name, "country": one.country, "city": one.city}
            answer = None if kind == "unknown" else one.id
            asked.append(Question(kind, {k: v for k, v in values.items() if v}, answer))
    chance.shuffle(asked)
    return asked


def _core(chance: random.Random, market: _Market) -> str:
    """A company's name without its legal form."""
    family, trade = chance.choice(market.families), chance.choice(market.trades)
    place, general = chance.choice(market.cities), chance.choice(_GENERAL)
    word = _word(chance)
    shapes: tuple[tuple[int, str], ...] = (
        (20, word),
        (20, f"{word} {trade}"),
        (15, f"{word} {general}"),
        (8, f"{family} {trade} {place}"),
        (8, f"{family} & {chance.choice(market.families)} {trade}"),
        (5, f"{chance.choice('ABCDEFGHIJKLMNOPRSTW')}. {family} {trade}"),
        (8, f"{word} {_word(chance)} {general}"),
        (6, f"{word} {trade} {place}"),
        (5, f"{word}{_word(chance).lower()}"),
        (5, f"{''.join(chance.choices('ABCDEFGHIKLMNOPRSTVWZ', k=chance.choice((3, 4))))} {trade} {place}"),
    )
    return chance.choices([shape for _weight, shape in shapes], [weight for weight, _shape in shapes])[0]


def _word(chance: random.Random) -> str:
    syllables = chance.choice((2, 2, 3))
    text = "".join(chance.choice(_CONSONANTS) + chance.choice(_VOWELS) for _n in range(syllables))
    return (text + chance.choice(_ENDINGS)).capitalize()


def _phone(chance: random.Random, market: _Market) -> str:
    prefix = {"DE": "+4930", "IT": "+3902", "PL": "+4822", "US": "+1312", "GB": "+4420", "FR": "+331"}
    return f"{prefix[market.country]}{chance.randrange(2_000_000, 9_999_999)}"


# ---------------------------------------------------------------- as people write them


def _change(kind: Kind, name: str, chance: random.Random) -> str | None:
    """The name as a lead gives it; None if there is no such way to write this one."""
    changes: Mapping[Kind, Callable[[], str | None]] = {
        "as known": lambda: name,
        "typing error": lambda: _with_typing_error(name, chance),
        "other legal form": lambda: _with_other_form(name, chance),
        "other word order": lambda: _reordered(name),
        "acronym": lambda: _acronym_of_known(name),
        "unknown": lambda: f"{_word(chance)}{_word(chance).lower()} {_word(chance)}",
    }
    return changes[kind]()


def _split_form(name: str) -> tuple[str, str]:
    """A name's core and its legal form."""
    forms = sorted({form for market in _MARKETS for form in market.forms if form}, key=len, reverse=True)
    form = next((form for form in forms if name.endswith(f" {form}")), "")
    return name.removesuffix(form).strip(), form


def _with_typing_error(name: str, chance: random.Random) -> str:
    core, form = _split_form(name)
    words = core.split()
    longest = max(range(len(words)), key=lambda n: len(words[n]))
    word = words[longest]
    at = chance.randrange(1, max(2, len(word) - 1))
    changed = chance.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
            word[:at] + chance.choice("aeinrst") + word[at + 1 :],
        )
    )
    return " ".join([*words[:longest], changed, *words[longest + 1 :], form]).strip()


def _with_other_form(name: str, chance: random.Random) -> str:
    core, form = _split_form(name)
    others = [other for market in _MARKETS for other in market.forms if other != form]
    return f"{core} {chance.choice(others)}".strip()


def _reordered(name: str) -> str | None:
    core, form = _split_form(name)
    words = core.replace("&", "").split()
    return " ".join([*words[1:], words[0], form]).strip() if len(words) >= 2 else None


def _acronym_of_known(name: str) -> str | None:
    core, form = _split_form(name)
    return f"{_acronym(core)} {form}".strip() if len(core.split()) >= 3 else None


def _acronym(core: str) -> str:
    return "".join(word[0].upper() for word in core.replace("&", "").split())
