"""Names and addresses of people: direct identifiers, as only the exports hold them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from workbench.data.demo.arrays import Array, Draws
from workbench.data.demo.files import label
from workbench.data.demo.ids import number_people
from workbench.data.demo.phrases import FAMILY_NAMES, GIVEN_NAMES

__all__ = ["MAIL_SQL", "Identity", "draw_identity"]

MAIL_SQL = "printf('%s.%s.%d@aldergrove.example', given_plain, family_plain, number)"
"""Address of a person, from the columns that `Identity.mail_columns` gives."""

_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Positions of everybody's given and family name in the lists."""

    given: Array
    family: Array

    def mail_columns(self, person: Array) -> dict[str, object]:
        """Give what `MAIL_SQL` needs for people by position."""
        return {
            "number": number_people(person),
            "given_plain": label(self.given[person], _plain(GIVEN_NAMES)),
            "family_plain": label(self.family[person], _plain(FAMILY_NAMES)),
        }

    def name_columns(self, person: Array) -> dict[str, object]:
        """Give the names of people as they are written."""
        return {
            "given": label(self.given[person], GIVEN_NAMES),
            "family": label(self.family[person], FAMILY_NAMES),
        }


def draw_identity(size: int, draws: Draws) -> Identity:
    """Draw a name for everybody."""
    rng = draws.stream("names")
    return Identity(
        given=rng.integers(0, len(GIVEN_NAMES), size),
        family=rng.integers(0, len(FAMILY_NAMES), size),
    )


def _plain(names: tuple[str, ...]) -> list[str]:
    """Write names with the letters of an e-mail address."""
    lower = [name.lower().translate(_PLAIN) for name in names]
    return [
        unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        for name in lower
    ]
