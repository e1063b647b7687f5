"""What the stages that prescribe left, gathered over personas in their order."""

from __future__ import annotations

import pandas as pd

from workbench.brief.formatting import is_missing
from workbench.brief.results import BriefData
from workbench.brief.withheld import PORTFOLIO, PREDICTION, PRESCRIPTION

__all__ = [
    "explain_missing",
    "find_seat_unit",
    "gather_prescription",
    "list_path",
    "list_targeting",
    "read_fact",
    "read_modules",
    "read_paths",
    "read_prediction",
    "read_summaries",
]

_DECISIONS = ("retire", "boost", "keep", "watch")


def read_modules(data: BriefData, persona: str | None = None) -> pd.DataFrame:
    """Read what is known of each module, persona by persona.

    Returns
    -------
    DataFrame
        Columns of the table ``modules`` and ``label``, the persona's name. Modules to
        retire come first, then those to boost, to keep and to watch; within these the
        larger impact per hour. Empty where the portfolio left none.
    """
    table = _read_portfolio(data, "modules", persona)
    if table.empty:
        return table
    order = {name: place for place, name in enumerate(_DECISIONS)}
    table = table.assign(
        _persona=_rank(data, table),
        _decision=table["decision"].map(order).fillna(len(order)),
    )
    return table.sort_values(
        ["_persona", "_decision", "ratio"], ascending=[True, True, False], kind="stable"
    ).drop(columns=["_persona", "_decision"])


def read_summaries(data: BriefData, persona: str | None = None) -> pd.DataFrame:
    """Read one row per path: hours, cost, impact, seats, and what limits it.

    Returns
    -------
    DataFrame
        Columns of the table ``path_summary`` and ``label``, personas in file order.
    """
    table = _read_portfolio(data, "path_summary", persona)
    if table.empty:
        return table
    ranked = table.assign(_persona=_rank(data, table))
    return ranked.sort_values("_persona", kind="stable").drop(columns="_persona")


def read_paths(data: BriefData, persona: str | None = None) -> pd.DataFrame:
    """Read the modules of the paths, in the order they are learnt.

    Returns
    -------
    DataFrame
        Columns of the table ``paths`` and ``label``.
    """
    table = _read_portfolio(data, "paths", persona)
    return table.sort_values("position", kind="stable") if len(table) else table


def list_path(paths: pd.DataFrame, persona: str, program: str) -> pd.DataFrame:
    """Take one path out of the rows of `read_paths`, in its order."""
    if paths.empty:
        return paths
    return paths[(paths["persona"] == persona) & (paths["program"] == program)]


def read_prediction(data: BriefData, table: str) -> pd.DataFrame:
    """Read a table of the predictions; empty where it is absent."""
    return _read(data, PREDICTION, table)


def gather_prescription(data: BriefData, table: str) -> pd.DataFrame:
    """Gather a table of the prescriptions of all personas.

    Returns
    -------
    DataFrame
        The table's columns with ``persona`` and ``who``, its name, before them; empty
        where no persona has one.
    """
    found = []
    for persona in data.params.personas:
        own = _read(data, PRESCRIPTION, table, persona.id)
        if len(own):
            own.insert(0, "persona", persona.id)
            own.insert(1, "who", persona.label)
            found.append(own)
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def read_fact(data: BriefData, persona: str, name: str) -> str:
    """Return a sentence that the prescription of a persona left among its facts."""
    read = data.stage(PRESCRIPTION, persona)
    value = read.facts.get(name) if read.status == "done" else None
    return value.strip() if isinstance(value, str) else ""


def list_targeting(data: BriefData, persona: str) -> list[str]:
    """List sentences on who comes first: order, values, a rule of two questions."""
    read = data.stage(PRESCRIPTION, persona)
    told = read.facts.get("tree") if read.status == "done" else None
    if not isinstance(told, list):
        return []
    return [item for item in told if isinstance(item, str) and item.strip()]


def find_seat_unit(data: BriefData, persona: str) -> str:
    """Return the unit of what a seat is worth: benefit, or need where that ranks."""
    ranking = read_fact(data, persona, "ranking")
    return "points of skill gap" if ranking == "need" else "thresholds"


def explain_missing(data: BriefData, stage: str) -> str:
    """Say why a stage that prescribes shows nothing, as a sentence.

    Parameters
    ----------
    data : BriefData
        The quarter's results.
    stage : str
        The stage. Where it is one persona's, the first reason is given; if modules
        could not be valued at all, that is.
    """
    before = data.stage(PORTFOLIO)
    if stage != PRESCRIPTION:
        return data.stage(stage).explain()
    if before.status not in ("done", "missing"):
        return before.explain()
    reasons = (
        data.stage(stage, item.id).explain(item.label) for item in data.params.personas
    )
    return next(filter(None, reasons), "")


def _read_portfolio(data: BriefData, table: str, persona: str | None) -> pd.DataFrame:
    """Read a table of the portfolio, with the persona's name beside its id."""
    found = _read(data, PORTFOLIO, table)
    if found.empty:
        return found
    own = found if persona is None else found[found["persona"] == persona]
    labels = [data.label_of(str(item)) for item in own["persona"]]
    return own.assign(label=labels).reset_index(drop=True)


def _read(
    data: BriefData, stage: str, table: str, persona: str | None = None
) -> pd.DataFrame:
    read = data.stage(stage, persona) if persona else data.stage(stage)
    return read.table(table) if read.status == "done" else pd.DataFrame()


def _rank(data: BriefData, table: pd.DataFrame) -> list[int]:
    places = {item.id: place for place, item in enumerate(data.params.personas)}
    return [
        len(places) if is_missing(place) else int(place)
        for place in table["persona"].map(places)
    ]
