"""What the prescription stage leaves: tables, checks and sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.core.params import OrgParams
from workbench.core.path_params import PLACES
from workbench.core.results import Check, StageResult
from workbench.prescribe.actions.propose import Actions
from workbench.prescribe.equity.access import measure_access
from workbench.prescribe.equity.four_fifths import check_four_fifths
from workbench.prescribe.prescription.held_out import HeldOut, describe_held_out
from workbench.prescribe.prescription.seating import Seating
from workbench.prescribe.targeting.examine import Targeting

__all__ = ["STAGE", "Found", "list_checks", "list_facts", "list_tables", "stop_stage"]

STAGE = "prescription"

_TABLES: Mapping[str, tuple[str, ...]] = {
    "policies": ("policy", "value", "low", "high", "gain_low", "share", "unit"),
    "gains": ("policy", "against", "gain", "low", "high"),
    "gain_curve": ("curve", "share", "value", "low", "high"),
    "heterogeneity": ("test", "value", "std_error", "p_value", "passed", "text"),
    "words": ("text",),
    "frontier": ("attribute", "floor", "value", "price", "selection_ratio"),
    "seats": ("unit", "benefit"),
    "access": ("kind", "attribute", "group", "n", "rate", "ratio", "suppressed"),
    "actions": ("action_id", "unit", "team", "rule", "action", "status"),
    "rule_counts": ("rule", "label", "action", "people_proposed", "suppressed"),
}
_FRONTIER_KEYS = ("attribute", "floor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the parts of the stage found; None where a part had nothing to work on.

    ``taken_up`` holds everybody who could learn in the quarters that are read, with
    ``selected`` for those who did; ``refused`` says why the order could not be valued.
    """

    held: HeldOut | None
    targeting: Targeting | None
    seating: Seating | None
    actions: Actions | None
    taken_up: pd.DataFrame
    refused: str
    program: str


def stop_stage(reason: str) -> StageResult:
    """Return the stage without an answer, its tables empty."""
    return StageResult(
        stage=STAGE,
        status="not_applicable",
        reason=reason,
        tables={name: pd.DataFrame(columns=list(own)) for name, own in _TABLES.items()},
    )


def list_tables(found: Found, params: OrgParams) -> dict[str, pd.DataFrame]:
    """Write all tables of the stage, those without rows too."""
    tables: dict[str, pd.DataFrame] = {}
    if found.targeting is not None:
        tables |= {
            "policies": found.targeting.policies,
            "gains": found.targeting.gains,
            "gain_curve": found.targeting.gain_curve,
            "heterogeneity": found.targeting.heterogeneity,
        }
    tables["words"] = pd.DataFrame(
        {"text": _list_words(found, params.workbench.impact.alpha)}, dtype="str"
    )
    if found.seating is not None:
        tables["frontier"] = found.seating.frontier
        people = found.seating.people
        tables["seats"] = people.loc[people["selected"], ["unit", "benefit"]]
    tables["access"] = _measure_access(found, params)
    if found.actions is not None:
        tables["actions"] = found.actions.table
        tables["rule_counts"] = _blank_near(
            found.actions, found.seating, params.workbench.privacy.min_group
        )
    nothing = {
        name: pd.DataFrame(columns=list(own))
        for name, own in _TABLES.items()
        if tables.get(name) is None or tables[name].columns.empty
    }
    return tables | nothing


def list_checks(found: Found, params: OrgParams) -> tuple[Check, ...]:
    """List what limits the prescription."""
    alpha = params.workbench.impact.alpha
    checks = [*_check_value(found, alpha)]
    if found.targeting is not None:
        checks += found.targeting.checks
    if found.seating is not None:
        min_group = params.workbench.privacy.min_group
        checks += _check_seats(found.seating, found.program, min_group)
    checks += check_four_fifths(
        _measure_access(found, params), floor=params.paths.equity.floor
    )
    if found.actions is not None:
        checks += found.actions.checks
    else:
        checks.append(
            Check(
                check="rules_declared",
                passed=None,
                program=found.program,
                text="There is no rules.yml, so nothing is proposed to single people.",
            )
        )
    return tuple(checks)


def list_facts(found: Found, params: OrgParams) -> dict[str, Any]:
    """Give the small values that the pages show."""
    alpha = params.workbench.impact.alpha
    facts: dict[str, Any] = {"program": found.program, "refused": found.refused}
    if found.targeting is not None:
        facts |= {
            "ranking": found.targeting.ranking,
            "ranking_text": found.targeting.ranking_text,
            "tree": list(found.targeting.words) if found.seating else [],
        }
    if found.held is not None:
        facts |= {
            "held_out": describe_held_out(found.held, alpha),
            "held_out_known": found.held.known,
        }
    if found.seating is not None:
        facts |= {
            "seats": int(found.seating.people["selected"].sum()),
            "floor_text": found.seating.allocation.text,
        }
    if found.actions is not None:
        facts |= dict(found.actions.facts)
    return facts


def _list_words(found: Found, alpha: float) -> list[str]:
    words = [found.refused] if found.refused else []
    if found.held is not None:
        words.append(describe_held_out(found.held, alpha))
    if found.targeting is not None and found.seating is not None:
        words += found.targeting.words
    if found.seating is not None:
        words.append(found.seating.allocation.text)
    return words


def _measure_access(found: Found, params: OrgParams) -> pd.DataFrame:
    """Compare groups in what was taken up and, where seats are given, prescribed."""
    wanted = dict.fromkeys(
        (
            *params.workbench.privacy.protected,
            *params.paths.equity.attributes,
            *(name for name in PLACES if name in ("shift", "region")),
        )
    )
    parts = [("taken_up", found.taken_up)]
    if found.seating is not None:
        parts.insert(0, ("prescribed", found.seating.people))
    tables = [
        measure_access(
            frame,
            kind=kind,  # type: ignore[arg-type]
            attributes=[name for name in wanted if name in frame.columns],
            min_group=params.workbench.privacy.min_group,
            floor=params.paths.equity.floor,
            alpha=params.workbench.impact.alpha,
        )
        for kind, frame in parts
        if len(frame)
    ]
    tables = [table for table in tables if len(table)]
    if not tables:
        return pd.DataFrame(columns=list(_TABLES["access"]))
    return pd.concat(tables, ignore_index=True)


def _blank_near(
    actions: Actions, seating: Seating | None, min_group: int
) -> pd.DataFrame:
    """Blank rules that hold for all but a few of a group whose size is published.

    Those few could be counted: people with a seat whose path goes no further, say.
    """
    counts = actions.counts
    steps = [name for name in counts if name.startswith("people_")]
    proposed = actions.table.groupby("rule")["unit"].agg(set).to_dict()
    near = pd.Series(
        [
            any(
                0 < abs(int(people) - total) < min_group
                for total in _list_totals(
                    proposed.get(row["rule"], set()), actions, seating
                )
                for people in (row[name] for name in steps)
                if not pd.isna(people)
            )
            for row in counts.to_dict("records")
        ],
        index=counts.index,
        dtype="bool",
    )
    blanked = counts.assign(suppressed=counts["suppressed"] | near)
    for name in steps:
        blanked[name] = counts[name].mask(near)
    return blanked


def _list_totals(
    units: set[str], actions: Actions, seating: Seating | None
) -> Iterable[int]:
    """List the sizes of published groups that hold all of these people."""
    if "people" in actions.facts:
        yield int(actions.facts["people"])
    if seating is not None:
        free = seating.people
        for group in (free, free[free["selected"]]):
            if units <= set(group["unit"]):
                yield len(group)


def _check_value(found: Found, alpha: float) -> Iterable[Check]:
    yield Check(
        check="order_valued",
        passed=found.targeting is not None,
        program=found.program,
        text=found.refused or "The order of seats was valued on people held out.",
        advice="read more exposure quarters, or collect the outcome that is missing",
    )
    if found.held is not None:
        yield Check(
            check="path_valued_held_out",
            passed=found.held.known,
            value=found.held.shift.value,
            program=found.program,
            text=describe_held_out(found.held, alpha),
        )


def _check_seats(seating: Seating, program: str, min_group: int) -> Iterable[Check]:
    yield Check(
        check="equity_floor",
        passed=seating.allocation.feasible,
        program=program,
        text=seating.allocation.text,
        advice="lower the floor, or raise the seats, in paths.yml",
    )
    if seating.unknown:
        few = seating.unknown < min_group
        whom = f"fewer than {min_group}" if few else f"{seating.unknown}"
        yield Check(
            check="need_known",
            passed=False,
            value=math.nan if few else float(seating.unknown),
            limit=0.0,
            program=program,
            text=f"Of {whom} people the need is not known; they come last.",
            advice="assess their skills before seats are given",
        )
