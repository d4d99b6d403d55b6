"""Is this the password, and is it one that nobody guesses? Argon2 hashes, and a judge of guessability."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from leadlane.i18n import _

if TYPE_CHECKING:
    from pwdlib import PasswordHash

SHORTEST, LONGEST = 12, 200
# zxcvbn: 3 is "safely unguessable", more than 10^8 guesses, also for whoever has stolen the hashes.
_STRONG_ENOUGH = 3
# What zxcvbn looks at; longer ones are judged by their beginning.
_JUDGED = 72
# A hash takes 64 MB while it is made. Many at once shall wait for each other, not fill the memory.
_HASHING = threading.BoundedSemaphore(2)


def hashed(password: str) -> str:
    """The hash to be stored of a password."""
    with _HASHING:
        return _hasher().hash(password)


def check(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether a password is that of a stored hash, and a newer hash to be stored where that one is outdated.

    Without a stored hash the answer is no, after as long as it takes to look.
    """
    with _HASHING:
        is_right, newer = _hasher().verify_and_update(password[:LONGEST], stored or _nobodys())
    return is_right and stored is not None, newer


def problem(password: str, known: Iterable[str] = ()) -> str | None:
    """What is wrong with a password for somebody of whom these words are known; None if nothing is."""
    if len(password) < SHORTEST:
        return _("A password has at least {n} characters.").format(n=SHORTEST)
    if len(password) > LONGEST:
        return _("A password has at most {n} characters.").format(n=LONGEST)
    # Imported here because its dictionaries take a moment to load, and few requests set a password.
    from zxcvbn import zxcvbn

    words = [part for one in known for part in (one, *one.replace("@", " ").replace(".", " ").split())]
    if zxcvbn(password[:_JUDGED], user_inputs=["leadlane", *words])["score"] < _STRONG_ENOUGH:
        return _("This one is too easy to guess. Three or four words that do not belong together are good.")
    return None


@cache
def _hasher() -> PasswordHash:
    # Imported here because most commands and requests need none of it.
    from pwdlib import PasswordHash

    return PasswordHash.recommended()


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")
