"""How much does a word of a company's name tell? "Bank" is in many names, "Northwind" in few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log2

from leadlane.matching.names import CompanyName, fold
from leadlane.matching.places import country_words

# A word that nobody counted is in one of 2,000 names; one or two letters are in more.
UNKNOWN_BITS = 11.0
SHORT_WORD_BITS = 7.0
# A word that tells less is common; of the others none is worth remembering.
RARE_BITS = 9.0
# A file's own count of a word weighs as much as the general one when the file has so many companies.
OWN_NAMES_NEEDED = 2000
# So many letters of a word tell which word it is, though it be misspelt further on.
BEGINNING = 4
# Among so many names hardly two companies are called alike by chance, and how often a word occurs says rather
# how often its company does.
FEW_NAMES = 4000
# Of a word that one name has, so many other companies may have it too, whose names are not there.
UNSEEN = 0.03
UNSEEN_BITS = log2(UNSEEN)
# A letter of a short word, such as initials, is by chance what it is as often as 1 in 16.
BITS_OF_LETTER = 4.0

# Words of many companies' names, by the bits that they tell: -log2 of the share of names with the word.
_BY_BITS = {
    0.5: "and of the de la le les der die das den di do da dos del della van von for in at y e en fur"
    " pour para per du al el als a an zu zum zur to by",
    2.5: "group groupe gruppe gruppo grupo holding holdings international internationale internacional"
    " internazionale global worldwide enterprise enterprises company co corporation corp"
    " incorporated limited joint stock",
    3.5: "services service solutions solution systems system systeme technologies technology"
    " technologie tec technik industries industrie industry industrial industriale consulting"
    " partners partner associates trading bank banking banque banca management capital investment"
    " investments engineering products product production manufacturing marketing center zentrum"
    " business commercial trade sales",
    4.5: "software digital data media design network networks logistics logistik energy power"
    " insurance finance financial health healthcare medical pharma pharmaceutical pharmaceuticals"
    " chemical chemicals chemie electronics electric electronic electrical construction"
    " communication communications telecom security securities food foods auto automotive estate"
    " property properties development research university school hospital foundation association"
    " organization department ministry government national federal state city institute europe"
    " european american asia africa states kingdom united republic regional general standard trust"
    " fund central first union world north south east west northern southern eastern western new"
    " british german deutsche french italian dutch swiss austrian spanish japanese chinese nordic"
    " pacific atlantic ventures venture equity asset assets advisors advisory lab labs"
    " laboratories laboratory studio studios works office line lines air agency creative print"
    " printing metal steel plastics oil gas petroleum mining water transport royal koninklijke"
    " royale shipping travel tours shop store stores house home homes club hotel restaurant cafe"
    " bar grill care child children day academy learning education training community family"
    " maatschappij gesellschaft beheer handel handels verwaltung vertriebs sons brothers society"
    " federation",
}
_COUNTRY_BITS = 6.0
COUNTRIES = frozenset((*map(fold, country_words()), "us", "uk", "america"))
_GENERAL = {fold(word): bits for bits, words in _BY_BITS.items() for word in words.split()} | dict.fromkeys(
    COUNTRIES, _COUNTRY_BITS
)


@dataclass(frozen=True, slots=True)
class Words:
    """How much each word tells, in bits: -log2 of the share of companies with the word in their names.

    `bits` is by token of `CompanyName.tokens`; words that are not there are rare. Where records come from a
    large base, `size` is how many names it has, in bits, `crowd` how much larger that is than a few, and
    `own` what words of several names tell there, by how many have them; else 0 and empty.
    """

    bits: Mapping[str, float]
    size: float = 0.0
    crowd: float = 0.0
    own: Mapping[str, float] = field(default_factory=dict)

    def tells(self, token: str) -> float:
        """The bits of a token."""
        found = self.bits.get(token)
        if found is not None:
            return found
        return UNKNOWN_BITS if len(token) > 2 and token.isalpha() else SHORT_WORD_BITS

    def tells_here(self, token: str) -> float:
        """The bits of a token by how many names of the base have it, beside the one that it was read in."""
        return min(self.own.get(token) or self.size - UNSEEN_BITS, BITS_OF_LETTER * len(token))

    def is_common(self, token: str) -> bool:
        """Whether many companies have the word in their names."""
        return token in self.bits


COMMON_WORDS = Words(_GENERAL)


def words_of(names: Iterable[CompanyName]) -> Words:
    """How much words tell among these names, blended with what they tell in general.

    The file that is searched for duplicates holds some companies a hundred times, so names are not counted
    but companions: how many different other words (by their beginnings, misspellings being many) lead the
    names that have the word. "Bank" has as many as there are banks, the name of one company has few; but in
    "Store 1" to "Store 900" each number is a companion, so the rest of such a name tells little.
    """
    companions: dict[str, set[str]] = {}
    different: dict[str, tuple[str, ...]] = {}
    companies: set[tuple[str, str]] = set()
    for name in names:
        if not name.tokens:
            continue
        different[name.joined] = name.tokens
        begin = name.tokens[0][:BEGINNING]
        second = name.tokens[1][:BEGINNING] if len(name.tokens) > 1 else ""
        number = next((token for token in name.tokens if not token.isalpha()), "")
        companies.add((begin, number))
        for token in name.tokens:
            other = begin if token != name.tokens[0] else second
            companions.setdefault(token, set()).add(other if token == number else number or other)
    bits = {}
    for token, others in companions.items():
        general = COMMON_WORDS.tells(token)
        expected = len(others) + OWN_NAMES_NEEDED * 2.0**-general
        told = min(general, max(0.0, -log2(expected / (len(companies) + OWN_NAMES_NEEDED))))
        if told < RARE_BITS or COMMON_WORDS.is_common(token):
            bits[token] = told
    if len(different) <= FEW_NAMES:
        return Words(_GENERAL | bits)
    count = Counter(token for tokens in different.values() for token in set(tokens))
    size = log2(len(different))
    own = {token: size - log2(n - 1 + UNSEEN) for token, n in count.items() if n > 1}
    return Words(_GENERAL | bits, size, size - log2(FEW_NAMES), own)
