"""What do two companies' names have in common, and what sets them apart? In bits of information.

Words are aligned and weighed by what they tell, as in SoftTFIDF (Cohen, Ravikumar, Fienberg: A Comparison of
String Distance Metrics for Name-Matching Tasks, 2003): a rare word in common tells much, a common one little.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import fsum

from rapidfuzz.distance import OSA

from leadlane.core.match import Evidence
from leadlane.matching.evidence import Code, told
from leadlane.matching.names import CompanyName, as_written, legal_as_written
from leadlane.matching.words import BITS_OF_LETTER, COUNTRIES, UNKNOWN_BITS, Words

# The most that a name can weigh for and against, and the least that a whole name weighs, even a common one.
MOST_FOR = 6.5
WHOLE_NAME = 5.5
MOST_AGAINST = 7.5
NOTHING_IN_COMMON = 4.0
# Words of a name go together, so they tell less than each by itself.
IN_COMMON = 0.5
# What a wrong letter takes off.
PER_ERROR = 0.5
# What a word that the other name lacks takes off: that it is there at all, and what it tells.
EXTRA_WORD = 2.0
EXTRA_BIT = 0.17
# A country tells sister companies apart, however common a word it is.
EXTRA_COUNTRY = 5.5
# Both names having words of their own is worse than one having more.
CONFLICT = 1.5
# Articles and prepositions come and go.
FILLER_BITS = 1.0
# What follows the legal form says where the company sits.
BRANCH_SHARE = 0.25
# One wrong letter in so many makes a word a misspelt one, and takes that share of what it tells.
LETTERS_PER_ERROR = 4
# A word like one that everybody knows is rather another word than that one misspelt.
KNOWN_LETTERS_PER_ERROR = 5
ERROR_SHARE = 0.12
SHORTEST_MISSPELT = 4
SHORTEST_SLIP = 3
# A word cut short ("Elec", "Ind") tells a part of what the whole word tells.
CUT_SHARE = 0.75
SHORTEST_CUT = 3
SHORTEST_INITIALS = 3
BITS_PER_INITIAL = 2.5
# So many words, in bits, are like a given one but for one letter.
NEIGHBOURS = 4.0
# Words of one language and one trade go together, so each but the first tells so much less than by itself.
TOGETHER = 2.5
FILLER_HERE = 4.0
# In a large base a name says no more than that there are few others of that name, and this.
BESIDE_NAMESAKES = 1.0


@dataclass(slots=True)
class _Alignment:
    """Two names being aligned: words not accounted for yet, bits in common, and how these were found."""

    ours: list[str]
    theirs: list[str]
    bits: list[float] = field(default_factory=list)
    here: list[float] = field(default_factory=list)
    errors: int = 0
    by_initials: bool = False


def company_names(a: CompanyName, b: CompanyName, words: Words, here: Container[str] = ()) -> list[Evidence]:
    """What two names say about the companies being one: what they share, and what sets them apart.

    Words that say where either company is (`here`) do not set them apart: their addresses do.
    """
    found = _align(a, b, words)
    numbers_differ = _has_number(found.ours) and _has_number(found.theirs)
    if numbers_differ:
        found.ours = list(filter(str.isalpha, found.ours))
        found.theirs = list(filter(str.isalpha, found.theirs))
    one_sided = not (found.ours and found.theirs)
    ours, theirs = (
        _left_over(found.ours, a, words, here, one_sided),
        _left_over(found.theirs, b, words, here, one_sided),
    )
    extra = ours + theirs + (CONFLICT if ours and theirs else 0.0)
    evidence = []
    # Sums that do not depend on the order of the words, so that a and b are as b and a.
    common = fsum(found.bits)
    if common:
        is_whole = not extra and not numbers_differ
        weight = max(IN_COMMON * common, WHOLE_NAME if is_whole else 0.0)
        weight = max(0.0, min(MOST_FOR, weight) - PER_ERROR * found.errors)
        if words.crowd:
            telling = [bits for bits in found.here if bits > FILLER_HERE]
            namesakes = words.size - fsum(telling) + TOGETHER * (len(telling) - 1)
            weight -= min(words.crowd, weight, max(0.0, weight + namesakes - BESIDE_NAMESAKES))
        is_equal = is_whole and not found.errors and not found.by_initials
        code = Code.NAME_INITIALS if found.by_initials else Code.NAME_EQUAL if is_equal else Code.NAME_ALIKE
        evidence.append(Evidence(code, round(weight, 3), a.text, b.text))
    if extra:
        against = min(MOST_AGAINST if common else NOTHING_IN_COMMON, extra)
        code = Code.NAME_DIFFERS if ours and theirs else Code.NAME_EXTRA
        words_apart = as_written(a.text, found.ours), as_written(b.text, found.theirs)
        evidence.append(Evidence(code, -round(against, 3), *words_apart))
    if numbers_differ:
        evidence.append(told(Code.NUMBER_DIFFERS, a.text, b.text))
    if a.legal and b.legal:
        code = Code.LEGAL_DIFFERS if set(a.legal).isdisjoint(b.legal) else Code.LEGAL_EQUAL
        evidence.append(told(code, legal_as_written(a), legal_as_written(b)))
    return evidence


def _align(a: CompanyName, b: CompanyName, words: Words) -> _Alignment:
    """Equal words first, then misspelt and shortened ones, then what is joined, split, or initials."""
    found = _Alignment(list(a.tokens), list(b.tokens))
    for token in a.tokens:
        if token in found.theirs:
            found.ours.remove(token)
            found.theirs.remove(token)
            _share(found, words, (token,), (token,))
    if found.ours and found.theirs:
        _pair_words(found, words)
    if found.ours and found.theirs and len(found.ours) + len(found.theirs) > 2:
        _pair_runs(found, words)
    if len(found.ours) == len(found.theirs) == 1:
        _pair_slip(found, words)
    return found


def _pair_slip(found: _Alignment, words: Words) -> None:
    """One wrong letter in a word too short to be judged by itself, where the rest is equal and tells."""
    ours, theirs = found.ours[0], found.theirs[0]
    if not len(ours) == len(theirs) == SHORTEST_SLIP or fsum(found.bits) < UNKNOWN_BITS:
        return
    if (ours + theirs).isalpha() and OSA.distance(ours, theirs, score_cutoff=1) == 1:
        _share(found, words, found.ours, found.theirs, 1.0 - ERROR_SHARE, 1)
        found.ours.clear()
        found.theirs.clear()


def _pair_words(found: _Alignment, words: Words) -> None:
    pairs = []
    for ours in found.ours:
        for theirs in found.theirs:
            # Hardly anybody errs in the first letter and in the last; most pairs end here.
            if ours[0] != theirs[0] and ours[-1] != theirs[-1]:
                continue
            share, errors = _same_word(ours, theirs, words)
            if share:
                bits = share * min(words.tells(ours), words.tells(theirs))
                pairs.append((-bits, errors, min(ours, theirs), max(ours, theirs), ours, theirs, share))
    for _bits, errors, _, _, ours, theirs, share in sorted(pairs):
        if ours in found.ours and theirs in found.theirs:
            found.ours.remove(ours)
            found.theirs.remove(theirs)
            _share(found, words, (ours,), (theirs,), share, errors)


def _share(
    found: _Alignment,
    words: Words,
    ours: Sequence[str],
    theirs: Sequence[str],
    share: float = 1.0,
    errors: int = 0,
) -> None:
    """Words of both sides that are the same, or `share` of it with so many wrong letters."""
    found.bits.append(share * min(sum(map(words.tells, ours)), sum(map(words.tells, theirs))))
    found.errors += errors
    if words.crowd:
        here = min(sum(map(words.tells_here, ours)), sum(map(words.tells_here, theirs)))
        found.here.append(here - NEIGHBOURS * errors)


def _same_word(ours: str, theirs: str, words: Words) -> tuple[float, int]:
    """The share of its bits that two writings of one word tell, and the wrong letters; 0 for two words."""
    known = words.is_common(ours) + words.is_common(theirs)
    share, errors = _spelling(ours, theirs, KNOWN_LETTERS_PER_ERROR if known == 1 else LETTERS_PER_ERROR)
    if share and known < 2:
        return share, errors
    short, long = (ours, theirs) if len(ours) < len(theirs) else (theirs, ours)
    if share:
        # Two known words are never one misspelt, but may be two forms of one: technology, technologies.
        return (CUT_SHARE, 0) if short[:SHORTEST_MISSPELT] == long[:SHORTEST_MISSPELT] else (0.0, 0)
    is_cut = SHORTEST_CUT <= len(short) < len(long) and long.startswith(short) and words.is_common(long)
    return (CUT_SHARE, 0) if is_cut else (0.0, 0)


@lru_cache(maxsize=262_144)
def _spelling(ours: str, theirs: str, letters_per_error: int = LETTERS_PER_ERROR) -> tuple[float, int]:
    most = max(1, max(len(ours), len(theirs)) // letters_per_error)
    if min(len(ours), len(theirs)) < SHORTEST_MISSPELT or abs(len(ours) - len(theirs)) > most:
        return 0.0, 0
    if not ours.isalpha() or not theirs.isalpha():
        return 0.0, 0
    errors = OSA.distance(ours, theirs, score_cutoff=most)
    return (0.0, 0) if errors > most else (1.0 - ERROR_SHARE * errors, errors)


def _pair_runs(found: _Alignment, words: Words) -> None:
    """Words of one side that are several of the other: written together, or their initials."""
    one, other = "".join(found.ours), "".join(found.theirs)
    share, errors = (1.0, 0) if one == other else _spelling(one, other)
    if share:
        _share(found, words, found.ours, found.theirs, share, errors)
        found.ours.clear()
        found.theirs.clear()
        return
    first, second = sorted((found.ours, found.theirs))
    for these, those in ((first, second), (second, first)):
        if _pair_apart(these, those, found, words) or _pair_initials(these, those, found):
            return


def _pair_apart(these: list[str], those: list[str], found: _Alignment, words: Words) -> bool:
    for at in range(len(those) - 1):
        whole = those[at] + those[at + 1]
        for token in these:
            if token[0] != whole[0] and token[-1] != whole[-1]:
                continue
            share, errors = (1.0, 0) if token == whole else _spelling(token, whole)
            if share:
                _share(found, words, (token,), those[at : at + 2], share, errors)
                these.remove(token)
                del those[at : at + 2]
                return True
    return False


def _pair_initials(these: list[str], those: list[str], found: _Alignment) -> bool:
    short = [token for token in these if SHORTEST_INITIALS <= len(token) <= len(those)]
    if not short:
        return False
    spelt = [token for token in those if token != "and"]
    initials = "".join(token[0] for token in spelt)
    for token in short:
        at = initials.find(token)
        if at >= 0:
            found.bits.append(BITS_PER_INITIAL * len(token))
            found.here.append(BITS_OF_LETTER * len(token))
            found.by_initials = True
            these.remove(token)
            those[:] = spelt[:at] + spelt[at + len(token) :]
            return True
    return False


def _left_over(
    tokens: Sequence[str], name: CompanyName, words: Words, here: Container[str], one_sided: bool
) -> float:
    """What the words that the other name lacks take off; those that say where, little.

    Words in brackets do if the other name has none of its own: (Asia) is not (London).
    """
    if not tokens:
        return 0.0
    branch = name.tokens[len(name.tokens) - name.branch :]
    where = (*branch, *name.aside) if one_sided else branch
    return fsum(
        _against(token, words) * (BRANCH_SHARE if token in where else 1.0)
        for token in tokens
        if token not in here
    )


def _against(token: str, words: Words) -> float:
    if token in COUNTRIES:
        return EXTRA_COUNTRY
    bits = words.tells(token)
    return EXTRA_BIT * bits + (EXTRA_WORD if bits > FILLER_BITS else 0.0)


def _has_number(tokens: Sequence[str]) -> bool:
    return not all(map(str.isalpha, tokens))
