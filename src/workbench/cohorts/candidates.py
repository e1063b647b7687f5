"""Who may be in a persona, told before everything about them is known."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from workbench.core.params import Persona

__all__ = ["write_candidates"]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*')
        | (?P<number>\d+(?:\.\d+)?)
        | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
        | (?P<sign><=|>=|<>|!=|==|[-+*/<>=(),])
    )""",
    re.VERBOSE,
)
_WORDS = ("and", "or", "not", "in", "between", "like", "true", "false")


def write_candidates(
    personas: Sequence[Persona], persona: str, *, columns: Collection[str]
) -> str:
    """Write the SQL that leaves out people who cannot be in a persona.

    Parameters
    ----------
    personas : sequence of Persona
        In order of priority.
    persona : str
        Id of the persona wanted.
    columns : collection of str
        Facts that a rule may name.

    Returns
    -------
    str
        A condition for a table with all of `columns`, missing where they are not known
        yet: false where no value of the missing ones could make the person one of the
        persona. Empty where that cannot be told.

    Notes
    -----
    Comparison, arithmetic, ``and``, ``or`` and ``not`` of SQL are monotone in what is
    not known (Kleene's logic): what they call true or false stays so when a missing
    value is filled in. Rules of anything else, such as ``is null`` or a function, are
    not taken, and the condition is then empty.

    References
    ----------
    .. [1] Kleene, S. C. (1952). Introduction to Metamathematics. North-Holland, §64.
    """
    place = [item.id for item in personas].index(persona)
    concerned = personas[: place + 1]
    if not all(_is_monotone(item.where, columns) for item in concerned):
        return ""
    parts = [f"not coalesce(({item.where}), false)" for item in concerned[:-1]]
    return " and ".join([*parts, f"coalesce(({concerned[-1].where}), true)"])


def _is_monotone(rule: str, columns: Collection[str]) -> bool:
    """Tell whether a rule is made of facts, literals and monotone operators alone."""
    at = 0
    text = rule.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return False
        word = found["word"]
        if word and word not in columns and word.lower() not in _WORDS:
            return False
        at = found.end()
    return True
