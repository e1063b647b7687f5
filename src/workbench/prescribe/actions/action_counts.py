"""How many people each rule reaches, without letting a small group be worked out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.prescribe.actions.rows import Chosen
from workbench.prescribe.rules.evaluate import hold
from workbench.prescribe.rules.language import Rule, RuleBook
from workbench.prescribe.rules.situation import Situation

__all__ = ["count_rules"]

_STEPS = ["people_met", "people_open", "people_proposed"]


def count_rules(
    rules: RuleBook,
    situation: Situation,
    chosen: Chosen,
    kept: npt.NDArray[np.intp],
    *,
    min_group: int,
) -> pd.DataFrame:
    """Count people for whom each rule holds, has a target, and is proposed.

    Parameters
    ----------
    rules : RuleBook
        The rules.
    situation : Situation
        The people.
    chosen : Chosen
        All candidates, numbered by ``rules.order``.
    kept : ndarray of int
        Which candidates are proposed.
    min_group : int
        Fewest people of a number that is shown; 0 is shown.

    Returns
    -------
    DataFrame
        ``rule``, ``label``, ``action``, ``people_met``, ``people_open``,
        ``people_proposed`` (missing where suppressed) and ``suppressed``, in the order
        of priority. A row is blanked as a whole: from two of its numbers a small
        difference could be told.
    """
    rows = []
    for number, rule in enumerate(rules.order):
        of_rule = chosen.rule == number
        counts = [
            _count_met(rule, situation),
            len(np.unique(chosen.person[of_rule])),
            len(np.unique(chosen.person[kept][chosen.rule[kept] == number])),
        ]
        steps = [*counts, counts[0] - counts[1], counts[1] - counts[2]]
        small = any(0 < step < min_group for step in steps)
        rows.append(
            {"rule": rule.id, "label": rule.label, "action": rule.then.action}
            | dict(zip(_STEPS, [pd.NA] * 3 if small else counts, strict=True))
            | {"suppressed": small}
        )
    columns = ["rule", "label", "action", *_STEPS, "suppressed"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype(dict.fromkeys(_STEPS, "Int64") | {"suppressed": "bool"})


def _count_met(rule: Rule, situation: Situation) -> int:
    mask = hold(rule.when, situation, by_row=rule.for_each_skill)
    if rule.for_each_skill:
        return len(np.unique(situation.row_person[mask]))
    return int(mask.sum())
