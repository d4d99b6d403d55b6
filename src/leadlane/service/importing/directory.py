"""Which person of the roster is meant? By e-mail address, full name or id, as a CRM names its users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadlane.i18n import _
from leadlane.intake.problems import BadValueError, did_you_mean, shorten
from leadlane.service.importing.cells import long_id

# Where a person's id in the CRM is kept if it is not the one by which the roster names them.
CRM_ID = "crm_id"


class Directory:
    """The people of a roster, by everything that names them."""

    def __init__(self, people: Mapping[str, Mapping[str, Any]]) -> None:
        self._by_id: dict[str, str] = {}
        self._by_email: dict[str, str] = {}
        self._by_name: dict[str, list[str]] = {}
        self._said: list[str] = []
        for id_, entry in people.items():
            self.add(id_, entry)

    def add(self, id_: str, entry: Mapping[str, Any]) -> None:
        """One more person; an id goes before the id that somebody has in the CRM."""
        self._by_id[long_id(id_)] = id_
        if crm_id := entry.get(CRM_ID):
            self._by_id.setdefault(long_id(str(crm_id)), id_)
        if email := entry.get("email"):
            self._by_email.setdefault(_key(email), id_)
            self._said.append(str(email))
        name = str(entry.get("name") or id_)
        self._said.append(name)
        named = self._by_name.setdefault(_key(name), [])
        if id_ not in named:
            named.append(id_)

    def by_id(self, text: str) -> str | None:
        """The person of this id, their own or the CRM's."""
        return self._by_id.get(long_id(text))

    def by_email(self, text: str) -> str | None:
        """The person of this address."""
        return self._by_email.get(_key(text))

    def find(self, text: str) -> str:
        """The id of the person that `text` names: by e-mail address, else exact name, else id.

        BadValueError, with the nearest name, if nobody or more than one is meant.
        """
        if found := self.by_email(text):
            return found
        named = self._by_name.get(_key(text), [])
        if len(named) > 1:
            raise BadValueError(
                _("{count} people of the roster have this name: {people}").format(
                    count=len(named), people=", ".join(sorted(named))
                ),
                _("write the e-mail address or the id"),
            )
        if found := next(iter(named), None) or self.by_id(text):
            return found
        near = did_you_mean(shorten(text), self._said, cutoff=80)
        raise BadValueError(
            _("nobody in the roster has this e-mail address, name or id"),
            near or _("import the people first: leadlane import people FILE"),
        )


def _key(text: object) -> str:
    return " ".join(str(text).casefold().split())
