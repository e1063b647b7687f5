"""All actions of a quarter, and choosing among them what is to be signed off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd

from workbench.core.errors import ParamError, SourceError
from workbench.core.quarters import Quarter
from workbench.core.store import Workspace, read_parquet
from workbench.prescribe.actions.rows import PROPOSED
from workbench.prescribe.actions.signoffs import (
    apply_signoffs,
    find_ledger,
    list_changed,
    read_signoffs,
)

__all__ = ["STAGE", "choose_actions", "expand_ids", "find_changed", "read_actions"]

STAGE = "prescription"
"""Stage that leaves the table ``actions``."""

_SHORTEST = 6


def read_actions(
    workspace: Workspace, org: str, quarter: Quarter, personas: Sequence[str]
) -> pd.DataFrame:
    """Read the actions of a quarter, with what was decided on each so far.

    Parameters
    ----------
    workspace : Workspace
        The project.
    org : str
        The organisation.
    quarter : Quarter
        Whose actions.
    personas : sequence of str
        Personas; one without actions is left out.

    Returns
    -------
    DataFrame
        Columns `ACTION_COLUMNS`, persona by persona.

    Raises
    ------
    SourceError
        If no persona has actions yet, or a file cannot be read.
    """
    tables = []
    for persona in personas:
        path = workspace.stage(org, quarter, persona, STAGE) / "actions.parquet"
        if path.exists():
            tables.append(read_parquet(path))
    if not tables:
        raise SourceError.build(
            f"There are no actions of {quarter} yet",
            where=str(workspace.quarter(org, quarter)),
            hint=f"workbench run {quarter} --org {org} --stage {STAGE}",
        )
    signed = read_signoffs(find_ledger(workspace, org, quarter))
    return apply_signoffs(pd.concat(tables, ignore_index=True), signed)


def find_changed(
    workspace: Workspace, org: str, quarter: Quarter, actions: pd.DataFrame
) -> frozenset[str]:
    """Find actions that were approved and have changed since, and so are open again.

    Parameters
    ----------
    workspace, org, quarter
        As `read_actions` takes them.
    actions : DataFrame
        Of `read_actions`, or some of its rows.

    Returns
    -------
    frozenset of str
        Ids of such actions.
    """
    signed = read_signoffs(find_ledger(workspace, org, quarter))
    return frozenset(list_changed(actions, signed))


def choose_actions(
    actions: pd.DataFrame,
    *,
    on: date,
    persona: str | None = None,
    rule: str | None = None,
    open_only: bool = True,
) -> tuple[list[str], int]:
    """Choose actions that nobody has decided on.

    Parameters
    ----------
    actions : DataFrame
        Of `read_actions`.
    on : date
        Today.
    persona, rule : str, optional
        Only those of a persona, or of a rule.
    open_only : bool
        Whether to leave out what has expired.

    Returns
    -------
    ids : list of str
        Ids of the actions chosen.
    expired : int
        How many were left out as expired.

    Raises
    ------
    ParamError
        If no action has this rule.
    """
    chosen = actions[actions["status"] == PROPOSED]
    if persona is not None:
        chosen = chosen[chosen["persona"] == persona]
    if rule is not None:
        _check_rule(actions, rule)
        chosen = chosen[chosen["rule"] == rule]
    gone = pd.to_datetime(chosen["expires_on"]) < pd.Timestamp(on)
    if open_only:
        return chosen.loc[~gone, "action_id"].tolist(), int(gone.sum())
    return chosen["action_id"].tolist(), 0


def expand_ids(actions: pd.DataFrame, given: Sequence[str]) -> list[str]:
    """Return whole ids for ids that may be cut short.

    Raises
    ------
    ParamError
        If a beginning fits no action or several, or is shorter than six characters.
    """
    known = actions["action_id"].tolist()
    found = []
    for text in given:
        fitting = [item for item in known if item.startswith(text)]
        if len(text) < _SHORTEST or len(fitting) > 1:
            raise ParamError.build(
                "The beginning of an id does not tell which action is meant",
                rule=f"at least {_SHORTEST} characters that begin one id",
                got=text,
            )
        found.append(fitting[0] if fitting else text)
    return found


def _check_rule(actions: pd.DataFrame, rule: str) -> None:
    known = sorted(set(actions["rule"]))
    if rule not in known:
        raise ParamError.build(
            f"No action of the quarter comes from a rule {rule!r}",
            rule="one of " + ", ".join(known),
            hint="workbench actions list shows them",
        )
