"""Leaving out people early never changes who is in a persona."""

from __future__ import annotations

from itertools import product

import duckdb
import pytest

from workbench.cohorts.candidates import write_candidates
from workbench.core.params import Persona

COLUMNS = ("role", "tenure_days", "skill_gap", "prior_rating")
KNOWN = tuple(product(("agent", "clerk", None), (100, 400, None)))
LATER = tuple(product((0.0, 20.0, None), (1.0, 4.0, None)))


def make(*rules: str) -> list[Persona]:
    return [
        Persona(id=f"p{place}", label="P", where=rule, priority=place)
        for place, rule in enumerate(rules, start=1)
    ]


def decide(condition: str, row: tuple[object, ...]) -> bool:
    con = duckdb.connect()
    con.execute(
        "create table f (role varchar, tenure_days int, skill_gap double,"
        " prior_rating double)"
    )
    con.execute("insert into f values (?, ?, ?, ?)", list(row))
    return bool(con.execute(f"select {condition} from f").fetchall()[0][0])


@pytest.mark.parametrize(
    "rules",
    [
        ("role = 'agent' and skill_gap > 10",),
        ("role = 'agent' and tenure_days < 365 and skill_gap > 10", "role = 'agent'"),
        ("skill_gap > 10 or prior_rating < 2", "not (role = 'clerk')"),
        ("role in ('agent', 'boss') and not skill_gap between 5 and 30",),
    ],
)
def test_nobody_of_the_persona_is_left_out(rules: tuple[str, ...]) -> None:
    personas = make(*rules)
    last = personas[-1].id
    condition = write_candidates(personas, last, columns=COLUMNS)
    assert condition
    earlier = " or ".join(f"coalesce(({rule}), false)" for rule in rules[:-1])
    member = f"coalesce(({rules[-1]}), false) and not ({earlier or 'false'})"
    left_out = 0
    for known in KNOWN:
        if decide(condition, (*known, None, None)):
            continue
        left_out += 1
        assert not any(decide(member, (*known, *later)) for later in LATER)
    assert left_out > 0


@pytest.mark.parametrize(
    "rule",
    [
        "skill_gap is null",
        "coalesce(skill_gap, 99) > 10",
        "case when skill_gap > 3 then true else false end",
        "role = 'agent' and \"skill_gap\" > 1",
        "exit_date > '2026-01-01'",
    ],
)
def test_other_rules_are_not_taken(rule: str) -> None:
    assert write_candidates(make(rule), "p1", columns=COLUMNS) == ""
    assert write_candidates(make(rule, "true"), "p2", columns=COLUMNS) == ""
    assert write_candidates(make("true", rule), "p1", columns=COLUMNS) != ""
