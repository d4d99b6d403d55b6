"""What is a name once spelling habits do not count? Companies without legal forms, people without titles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from html import unescape

from anyascii import anyascii
from cleanco import termdata
from rapidfuzz import process
from rapidfuzz.distance import OSA

from leadlane.matching.places import country_words


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What `cleanco` does not list: forms written out, and forms of more countries. A line is one form: the first
# writing names it, and forms that translate each other are one.
_FORMS = """
ag | aktiengesellschaft
ab | aktiebolag | aktiebolaget | publ ab
as | a/s | a.s. | aksjeselskap | aktieselskab | anonim şirketi | a.ş. | akciová společnost
bv | besloten vennootschap | besloten vennootschap met beperkte aansprakelijkheid | b.v.b.a. | bvba
co | company | cie | compagnie | comp | coy
coop | cooperative | genossenschaft | eg | cooperativa
corp | corporation | corporacion
gmbh | gesellschaft mit beschränkter haftung | gesellschaft m.b.h. | ges.m.b.h. | mbh | ggmbh
gmbhkg | gmbh & co. kg | gmbh & co. kgaa | gmbh & cie. kg | gmbh und co kg | gmbh co kg | ag & co. kg
inc | incorporated | incorporation
jsc | joint stock company | open joint stock company | closed joint stock company | ojsc | cjsc | pjsc
jsc | pao | ao | public joint stock company | открытое акционерное общество | публичное акционерное общество
jsc | oao | zao
jsc | закрытое акционерное общество | акционерное общество | joint stock corporation | акціонерне товариство
kg | kommanditgesellschaft
kk | kabushiki kaisha | kabushiki gaisha | 株式会社 | k.k.
kk | 주식회사 | 股份有限公司 | (株) | (주)
lda | limitada | ltda | sociedade limitada | eireli
llc | limited liability company | limited liability co | l.l.c. | w.l.l. | wll | fze | fzco | fz llc
llc | fzc | dmcc
llc | общество с ограниченной ответственностью | ooo | тов | товариство з обмеженою відповідальністю
llp | limited liability partnership
lp | limited partnership
ltd | limited | pvt. ltd. | private limited | pvt limited | pte. ltd. | pte limited | pty. ltd. | pty limited
ltd | co. ltd. | co. limited | company limited | company ltd | sdn. bhd. | bhd | sendirian berhad | berhad
ltd | ltd co
ltd | proprietary limited | private company limited | limited şirketi | ltd şti | şti
ltd | 有限公司 | 有限责任公司 | 有限会社 | 合同会社 | 유한회사 | yugen kaisha | y.k.
nv | naamloze vennootschap | naamlooze vennootschap
oy | osakeyhtiö | oyj | oy ab | abp
ou | osaühing | oü
plc | public limited company | public company limited | pcl
pt | perseroan terbatas | tbk
sa | société anonyme | sociedad anónima | sociedade anônima | s/a | spółka akcyjna | anonymi etaireia | α.ε.
sacv | s.a. de c.v. | s.a.b. de c.v. | sapi de cv | sociedad anonima de capital variable
sarl | société à responsabilité limitée | s.à r.l. | s.a.r.l.
sas | société par actions simplifiée | sasu
se | societas europaea
sia | sabiedrība ar ierobežotu atbildību
sl | sociedad limitada | s.l.u. | s.l. unipersonal
spa | società per azioni
spzoo | sp. z o.o. | sp. zo.o. | spółka z o.o. | spółka z ograniczoną odpowiedzialnością | sp. z o.o. sp.k.
srl | società a responsabilità limitata | societatea cu răspundere limitată | s.r.l.s. | s. de r.l.
srl | s. de r.l. de c.v.
sro | spol. s r.o. | spoločnosť s ručením obmedzeným | společnost s ručením omezeným
uab | uždaroji akcinė bendrovė
ug | ug (haftungsbeschränkt) | unternehmergesellschaft | haftungsbeschränkt
ev | e.v. | eingetragener verein
ek | e.k. | e.kfm.
doo | d.o.o. | društvo s ograničenom odgovornošću | družba z omejeno odgovornostjo
ad | a.d. | акционерно дружество
ood | оод | еоод | eood
kft | korlátolt felelősségű társaság
zrt | zártkörűen működő részvénytársaság | nyrt
"""
# Within a name or at its beginning a single word is a legal form only if it can hardly be anything else.
_ANYWHERE = _set(
    "bv bvba doo gmbh inc kft llc llp ltd nv ooo ojsc cjsc pjsc plc sarl spa sro srl sprl aktiengesellschaft"
)
_FIRST = _ANYWHERE | _set("ab ao as jsc oao pao zao oy ou pt sia uab kk sa tov ood eood ad")
_WITHIN = _ANYWHERE | _set("ab ag kg oy sa")
# cleanco lists these too, but far more companies have them as words of their names.
_NO_FORMS = _set("private et is da at dat ans")
_EAST_ASIAN_FORM = re.compile(
    "股份有限公司|有限责任公司|有限公司|株式会社|有限会社|合同会社|주식회사|유한회사|㈜|\\(株\\)|\\(주\\)"
)
_ANDS = _set("and und et och og")
_EQUAL_WORDS = {
    "intl": "international",
    "int": "international",
    "natl": "national",
    "mfg": "manufacturing",
    "mgmt": "management",
    "svc": "services",
    "svcs": "services",
    "tech": "technology",
    "assn": "association",
    "assoc": "associates",
    "dept": "department",
    "univ": "university",
    "govt": "government",
    "bros": "brothers",
    "ctr": "center",
    "centre": "center",
    "labour": "labor",
    "usa": "us",
    **dict.fromkeys(_ANDS, "and"),
} | {
    word: str(number)
    for row in (
        "one two three four five six seven eight nine ten",
        "first second third fourth fifth sixth seventh eighth ninth tenth",
        "1st 2nd 3rd 4th 5th 6th 7th 8th 9th 10th",
        "- ii iii iv - vi vii viii ix - xi xii xiii xiv xv xvi xvii xviii xix xx",
    )
    for number, word in enumerate(row.split(), 1)
    if word != "-"
}
_AROUND = _set("and the")
_QUOTES = re.compile(r"['’‘`´ʼʹ\"“”„«»]")
_WORD = re.compile(r"[^\W_]+|[&+,;()\[\]]")
# What stands between two names of one company.
_OTHER_NAME = re.compile(
    r"\b(?:d\.?/?b\.?/?a\.?|a\.?/?k\.?/?a\.?|f\.?/?k\.?/?a\.?|t/a|trading as|doing business as"
    r"|(?:also|formerly|previously) known as|formerly|previously|vormals|firmierend als)(?=\W|$)",
    re.IGNORECASE,
)
SHORTEST_OTHER = 7
_BRACKETS = re.compile(r"\(([^()]*)\)")
_LONG_COUNTRY = re.compile(r"\bunited states(?: of america)?\b|\bunited kingdom\b|\bgreat britain\b")
_COMMA_IN_LETTERS = re.compile(r"(?<=\b[a-z]),(?=[a-z]\b)")
# A letter that the next follows without a space.
_TIGHT = re.compile(r"[./][a-z]\b")
# Where the legal form begins in letters that all stand alone.
_SPACED_FORM = re.compile(r"(?<=\b[a-z] [a-z] )(?=(?:[bn]\.? ?v|a\.? ?g)\.?(?:\W|$))")
# ä is written ae too, and å aa: both writings become the plain vowel. After a vowel or q the e is a sound of
# its own (bauer, quest).
_DIGRAPH = re.compile(r"(?<![aeiouq])([aou])e(?=.)|a(?=a)")
_TITLES = _set("mr mrs ms miss mx dr prof professor ing dipl herr frau mme mlle sr sra jr phd mba msc bsc")
LONGEST_NAME = 400
SURELY_A_FORM = 15


@dataclass(frozen=True, slots=True)
class CompanyName:
    """A company's name: `text` as written, `tokens` without legal forms, `legal` those, in one writing each.

    `joined` is the tokens without spaces and "and", `initials` their first letters. The last `branch` tokens
    follow the legal form ("Acme GmbH, Wien"): they say where, not who. Words in
    brackets (`aside`) often do.
    """

    text: str
    tokens: tuple[str, ...]
    legal: tuple[str, ...]
    joined: str
    initials: str
    branch: int = 0
    aside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonName:
    """A person's name: `text` as written, `first` and `last` the given and the family names as tokens."""

    text: str
    first: tuple[str, ...]
    last: tuple[str, ...]
    joined: str


@lru_cache(maxsize=65_536)
def company_name(text: str) -> CompanyName:
    """A company's name as it is compared: case, diacritics, script, punctuation and legal forms do not count.

    A name of nothing but legal forms keeps them as its tokens; an empty text gives none. Of a text longer
    than `LONGEST_NAME` letters the beginning counts.
    """
    segments = _segments(_EAST_ASIAN_FORM.sub(r", \g<0>, ", unescape(text[:LONGEST_NAME])))
    stripped = [_without_forms(segment) for segment in segments]
    if not any(words for words, _, _ in stripped):
        stripped = [(segment, [], 0) for segment in segments]
    words: list[str] = []
    own = 0
    for segment, forms, before in stripped:
        if forms and not own and (words or before):
            own = len(words) + before
        words += segment
    after = len(words) - own if own else 0
    while len(words) > 1 and words[-1] in _AROUND:
        words.pop()
        after = max(0, after - 1)
    while len(words) - after > 1 and words[0] in _AROUND:
        del words[0]
    telling = [_vowels(word) for word in words if word not in _ANDS] or words
    return CompanyName(
        text=text,
        tokens=tuple(map(fold, words)),
        legal=tuple(sorted({form for _, forms, _ in stripped for form in forms})),
        joined="".join(telling),
        initials="".join(word[0] for word in telling),
        branch=after,
        aside=_in_brackets(text) if "(" in text else (),
    )


def _in_brackets(text: str) -> tuple[str, ...]:
    return tuple(fold(word) for inside in _BRACKETS.findall(text) for word in words_in(inside))


@lru_cache(maxsize=65_536)
def person_name(first: str | None, last: str | None, full: str | None = None) -> PersonName:
    """A person's name from its parts, else from `full` ("Jane Dorn", "Dorn, Jane"); titles do not count."""
    given, family = _person_words(first), _person_words(last)
    if not given and not family and full:
        before, _, after = full.partition(",")
        given, family = _person_words(after), _person_words(before)
        if not given or not family:
            words = _person_words(full)
            given, family = words[:1], words[1:]
    parts = (first, last) if first or last else (full,)
    text = " ".join(part.strip() for part in parts if part)
    return PersonName(text, tuple(given), tuple(family), "".join((*given, *family)))


def other_names(text: str) -> tuple[str, ...]:
    """The names in a text that gives several: `Acme Ltd t/a Dorn` → `Acme Ltd`, `Dorn`; () for one name.

    Between slashes they count as names if they are of two words or a long one: not in `A/S` or `Im/Export`.
    """
    parts = [part.strip(" ,;()") for part in _OTHER_NAME.split(text)]
    if len(parts) == 1:
        parts = [part.strip(" ,;()") for part in text.split("/")]
        if any(len(company_name(part).joined) < SHORTEST_OTHER for part in parts):
            return ()
    return tuple(part for part in parts if part) if len(parts) > 1 else ()


def plain(text: str) -> str:
    """Lower-case ASCII of any script: `Świętej` → `swietej`, `ΑΦΟΙ` → `afoi`."""
    return anyascii(_QUOTES.sub("", unicodedata.normalize("NFKC", text))).casefold()


@lru_cache(maxsize=65_536)
def fold(word: str) -> str:
    """One writing of a plain word: abbreviations, numbers, countries, and ae, oe, ue for ä, ö, ü."""
    if word.isdecimal():
        return word.lstrip("0") or "0"
    if equal := _EQUAL_WORDS.get(word):
        return equal
    return _vowels(country_words().get(word, word))


def _vowels(word: str) -> str:
    return _DIGRAPH.sub(r"\1", word) if len(word) > 3 else word


def as_written(text: str, tokens: Sequence[str]) -> str:
    """The words of a name that were read as these tokens, as people wrote them: `["chemie"]` → `Chemie`."""
    if not tokens:
        return ""
    return " ".join(word for word, read in _readings(text) if not read.isdisjoint(tokens)) or " ".join(tokens)


@lru_cache(maxsize=65_536)
def legal_as_written(name: CompanyName) -> str:
    """The legal forms of a name as people wrote them: `GmbH & Co. KG`."""
    left = [word for word, read in _readings(name.text) if read.isdisjoint(name.tokens)]
    return " ".join(left).strip("& ") or " ".join(name.legal)


@lru_cache(maxsize=65_536)
def _readings(text: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """The words of a name as written, each with the tokens that it may be read as."""
    found = []
    for word in re.split(r"[\s,;()]+", text):
        parts = words_in(word)
        read = (*parts, "".join(parts))
        found.append((word, frozenset((*map(_vowels, read), *map(fold, read)))))
    return tuple(found)


def words_in(text: str) -> list[str]:
    """The plain words of any text, without punctuation."""
    return [word for word in _WORD.findall(plain(text)) if word[0].isalnum()]


def _segments(text: str) -> list[list[str]]:
    """The words between commas, semicolons and brackets; letters that stand alone in a row are one word.

    "D.S.M. N.V." is two words, since within each there is no space; so is "D S M N V", which ends in a form.
    """
    found: list[list[str]] = [[]]
    run_end, is_tight = -1, False
    text = _LONG_COUNTRY.sub(_short_country, _COMMA_IN_LETTERS.sub(".", plain(text))).replace("%", "percent")
    for match in _WORD.finditer(_SPACED_FORM.sub(",", text)):
        word = match.group()
        is_letter = len(word) == 1 and word.isalpha()
        has_space = run_end >= 0 and " " in match.string[run_end : match.start()]
        if word in ",;()[]":
            found.append([])
        elif is_letter and run_end >= 0 and not (has_space and (is_tight or _TIGHT.match(text, match.end()))):
            found[-1][-1] += word
        else:
            found[-1].append("and" if word in "&+" else word)
        is_tight = is_letter and run_end >= 0 and not has_space
        run_end = match.end() if is_letter else -1
    return [segment for segment in found if segment]


def _short_country(match: re.Match[str]) -> str:
    return "us" if match.group().startswith("united states") else "uk"


def _without_forms(words: list[str]) -> tuple[list[str], list[str], int]:
    """The words of a segment without its legal forms, these, and how many words stand before the first."""
    left = list(words)
    forms: list[str] = []
    while phrase := _form_at_end(left):
        forms.append(_legal_forms().get(phrase) or _misspelt_form(phrase))
        del left[-phrase.count(" ") - 1 :]
        while left and left[-1] == "and":
            left.pop()
    at, before = 0, len(left)
    while at < len(left):
        if phrase := _form_within(left, at):
            length = phrase.count(" ") + 1
            forms.append(_legal_forms()[phrase])
            del left[at : at + length]
            before = min(before - length, at) if at else before - length
        else:
            at += 1
    return left, forms, max(0, before)


def _form_at_end(words: list[str]) -> str:
    """The last words of a name that are a legal form; "" if they are none.

    Forms of many letters are known though misspelt, for nothing else is so like them.
    """
    known = _legal_forms()
    for n in range(min(_longest_form(), len(words)), 0, -1):
        phrase = " ".join(words[-n:])
        if phrase in known or (len(phrase) >= SURELY_A_FORM and _misspelt_form(phrase)):
            return phrase
    return ""


def _form_within(words: list[str], at: int) -> str:
    """The words from `at` on that are a legal form beyond doubt, with words left beside them."""
    known = _legal_forms()
    for n in range(min(_longest_form(), len(words) - at, len(words) - 1), 1, -1):
        phrase = " ".join(words[at : at + n])
        if phrase in known:
            return phrase
    return words[at] if len(words) > 1 and words[at] in (_WITHIN if at else _FIRST) else ""


def _person_words(text: str | None) -> list[str]:
    words = [
        _DIGRAPH.sub(r"\1", word) if len(word) > 3 else word for word in words_in((text or "")[:LONGEST_NAME])
    ]
    return [word for word in words if word not in _TITLES] or words


@lru_cache(maxsize=65_536)
def _misspelt_form(phrase: str) -> str:
    """The form that a phrase of many letters is but for a letter in eight; "" if it is none."""
    most = len(phrase) // 8
    found = process.extractOne(phrase, _long_forms(len(phrase)), scorer=OSA.distance, score_cutoff=most)
    return _legal_forms()[found[0]] if found else ""


@cache
def _long_forms(length: int) -> list[str]:
    """The forms of many letters that a phrase of this length may be but for a letter in eight."""
    most = length // 8
    return sorted(
        phrase
        for phrase in _legal_forms()
        if len(phrase) >= SURELY_A_FORM and abs(len(phrase) - length) <= most
    )


@cache
def _longest_form() -> int:
    return max(phrase.count(" ") for phrase in _legal_forms()) + 1


@cache
def _legal_forms() -> dict[str, str]:
    """Every writing of a legal form, as plain words between spaces, with the form's one name."""
    listed = (*termdata.terms_by_type.values(), *termdata.terms_by_country.values())
    forms = {
        phrase: phrase.replace(" ", "") for terms in listed for term in terms if (phrase := _phrase(term))
    }
    for line in _FORMS.strip().splitlines():
        writings = line.split("|")
        forms |= {_phrase(writing): writings[0].strip() for writing in writings}
    forms |= {name: name for name in _FIRST if name not in forms}
    return {phrase: name for phrase, name in forms.items() if len(phrase) > 1 and phrase not in _NO_FORMS}


def _phrase(text: str) -> str:
    return " ".join(word for segment in _segments(text) for word in segment)
