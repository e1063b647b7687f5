"""Which persona a person belongs to on a day: the first rule that holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from workbench.core.errors import ParamError
from workbench.core.params import Persona

__all__ = ["assign_personas", "check_rules"]


def assign_personas(
    con: duckdb.DuckDBPyConnection, personas: Sequence[Persona], *, path: Path
) -> None:
    """Build the table ``members`` from ``facts``: one row per person and day.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``facts``.
    personas : sequence of Persona
        In order of priority; each rule is SQL over the columns of ``facts``.
    path : Path
        The file the rules come from, for error messages.

    Raises
    ------
    ParamError
        If a rule is not valid SQL, names something else than a fact, or is not a
        condition.

    Notes
    -----
    ``persona`` is the first persona whose rule holds, missing where none does;
    ``matches`` counts all rules that hold, so that overlap can be reported.
    """
    check_rules(con, personas, path=path)
    cases = " ".join(f"when ({item.where}) then '{item.id}'" for item in personas)
    counts = " + ".join(
        f"cast(coalesce(({item.where}), false) as integer)" for item in personas
    )
    con.execute(
        "create or replace temp table members as select *, "
        f"cast(case {cases} end as varchar) as persona, {counts} as matches from facts"
    )


def check_rules(
    con: duckdb.DuckDBPyConnection, personas: Sequence[Persona], *, path: Path
) -> None:
    """Hold each rule against the columns of ``facts`` alone; see `assign_personas`.

    The rules are tried in a connection that holds nothing but an empty ``facts``, so
    that a rule which reaches for another table, and thus perhaps for the future, is
    refused rather than run.
    """
    columns = [row[0:2] for row in con.execute("describe facts").fetchall()]
    hidden = ("known_", "exit_", "landmark")
    visible = [(name, kind) for name, kind in columns if not name.startswith(hidden)]
    alone = duckdb.connect(":memory:", config={"enable_external_access": "false"})
    try:
        typed = ", ".join(f'"{name}" {kind}' for name, kind in visible)
        alone.execute(f"create table facts ({typed})")
        for persona in personas:
            _check_rule(alone, persona, [name for name, _ in visible], path)
    finally:
        alone.close()


def _check_rule(
    alone: duckdb.DuckDBPyConnection, persona: Persona, known: list[str], path: Path
) -> None:
    rule = f"an SQL condition over {', '.join(known)}"
    try:
        described = alone.execute(
            f"describe select ({persona.where}) as holds from facts"
        ).fetchall()
    except duckdb.Error as error:
        raise ParamError.build(
            f"The rule of persona {persona.id} cannot be read",
            where=str(path),
            rule=rule,
            got=f"{persona.where} -> {str(error).splitlines()[0]}",
        ) from error
    if described[0][1] != "BOOLEAN":
        raise ParamError.build(
            f"The rule of persona {persona.id} is not a condition",
            where=str(path),
            rule=rule,
            got=f"{persona.where} is {described[0][1]}",
        )
