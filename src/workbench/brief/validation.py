"""What the estimators said where the truth is known: tables and sentences."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

import pandas as pd

from workbench.brief.components import (
    Block,
    draw_list,
    join_blocks,
    write_paragraph,
)
from workbench.brief.formatting import (
    format_count,
    format_percent,
    format_value,
    pluralise,
)
from workbench.brief.tables import decimal, percent, tabulate_frame, words

__all__ = [
    "BAND",
    "HIGHEST_SIZE",
    "LOWEST_REMOVED",
    "LOWEST_WARNED",
    "describe_calibration",
    "describe_nonexperimental",
    "judge_cells",
    "read_calibration",
    "read_nonexperimental",
    "read_path_draws",
    "show_calibration",
    "show_nonexperimental",
    "tabulate_nonexperimental",
]

BAND = (0.93, 0.97)
"""Shares of runs in which a 95 % interval may hold the truth."""

HIGHEST_SIZE = 0.06
"""Largest share of false positives, where a design states no limit of its own."""

LOWEST_REMOVED = 0.9
"""Smallest share of the raw difference's bias that must go."""

LOWEST_WARNED = 0.8
"""Smallest share of draws in which a broken assumption must be warned of."""

_QUANTILE = 1.96
_HOLDS = "holds"
_AS_IT_MUST = "lost, as it must be"
_FAMILIES = {
    "psm": ("Matching", "tbl-calibration"),
    "did": ("Before and after", "tbl-calibration-did"),
    "ab": ("Experiments", "tbl-calibration-experiments"),
    "looks": ("Experiments watched while they run", "tbl-calibration-looks"),
    "survival": ("People followed over time", "tbl-calibration-survival"),
    "modules": ("What modules are worth", "tbl-calibration-modules"),
    "policy": ("Who goes first", "tbl-calibration-policy"),
}
_GROUPS = {
    "NSW": "the experiment's own",
    "CPS-1": "population survey (CPS)",
    "PSID-1": "panel survey (PSID)",
}
_METHODS = {
    "naive": "raw difference",
    "psm_nn": "matching, the headline",
    "aipw": "doubly robust",
}
_CHECKS = {
    "aipw_agrees": "matching and doubly robust differ",
    "balance": "unbalanced",
    "balance_good": "small imbalance left",
    "effective_sample_size": "few effective others",
    "matched_share": "under half matched",
    "positivity": "some all but certain to learn",
    "regression_terms": "too few rows for all covariates",
    "thin_support": "few others alike",
}


@cache
def read_calibration() -> pd.DataFrame:
    """Read the published calibration: one row per cell.

    Returns
    -------
    DataFrame
        ``cell``, ``family``, ``design``, ``estimand``, ``expect`` (covers, at_least or
        fails), ``must_warn``, ``runs``, ``failed`` (refused), ``reason``, ``coverage``
        and its Monte-Carlo ``coverage_error``, ``false_positives``, ``size_limit``,
        ``usual`` (another way, in words), ``usual_coverage``,
        ``usual_false_positives``, ``truth``, ``bias``, ``sd``, ``std_error`` (mean),
        ``se_ratio``, ``naive_bias``, ``removed``, ``warned``, ``date``, ``machine``,
        ``code``.
    """
    found = pd.read_parquet(BytesIO(_read("calibration.parquet")))
    return found.fillna({"size_limit": HIGHEST_SIZE, "usual": ""})


def judge_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Judge every cell of a calibration.

    Parameters
    ----------
    table : DataFrame
        From `read_calibration`.

    Returns
    -------
    DataFrame
        With ``verdict`` (a few words) and ``fine`` (bool). A cell holds if coverage
        lies between 93 and 97 % within its Monte-Carlo error (without upper limit
        where an interval holds many statements at once), false positives are not above
        their limit beyond their error, and at least 90 % of the raw difference's bias
        is gone.
        A cell whose assumption is broken on purpose must lose coverage, and warn where
        the data can show it.
    """
    judged = [_judge(row) for row in table.to_dict("records")]
    return table.assign(
        verdict=[verdict for verdict, _ in judged],
        fine=[fine for _, fine in judged],
    )


def describe_calibration(table: pd.DataFrame) -> list[str]:
    """Say in sentences what a calibration found, bad cells first.

    Parameters
    ----------
    table : DataFrame
        From `read_calibration`.
    """
    cells = judge_cells(table)
    sound = cells[cells["expect"] != "fails"]
    held = int(sound["fine"].sum())
    least, most = int(cells["runs"].min()), int(cells["runs"].max())
    runs = format_count(least) if least == most else f"{least} to {most}"
    many = (sound["expect"] == "at_least").any()
    sentences = [
        f"On {pluralise(len(sound), 'design')} of known truth, drawn {runs} times each,"
        f" {held} {'holds' if held == 1 else 'hold'}: the 95 % interval contains the "
        "truth in 93 to 97 % of the draws, allowing for the number of draws"
        + (", and in more where it speaks for many looks or bounds." if many else ".")
    ]
    sentences += [
        f"It does not hold for {row['design']}: {row['verdict']}"
        f" (coverage {format_percent(row['coverage'])})."
        for row in cells[~cells["fine"]].to_dict("records")
    ]
    broken = cells[(cells["expect"] == "fails") & cells["fine"]]
    sentences += [
        f"{_capitalise(row['design'])}. The interval held the truth in "
        f"{format_percent(row['coverage'])} of the draws; a warning was given in "
        f"{format_percent(row['warned'])}."
        for row in broken.to_dict("records")
    ]
    return [*sentences, *_describe_usual(cells)]


def _describe_usual(cells: pd.DataFrame) -> list[str]:
    """Say where the usual way finds effects that are not there."""
    if "usual_false_positives" not in cells.columns:
        return []
    fooled = cells[cells["usual_false_positives"] > HIGHEST_SIZE]
    return [
        f"{_capitalise(row['design'])}: {row['usual']} finds an effect in "
        f"{format_percent(row['usual_false_positives'])} of the draws, the workbench "
        f"in {format_percent(row['false_positives'])}."
        for row in fooled.to_dict("records")
    ]


def show_calibration() -> Block:
    """Show the calibration as sentences and one table per method, bad cells visible."""
    table = read_calibration()
    cells = judge_cells(table)
    slack = _QUANTILE * float(table["coverage_error"].median())
    newest = cells.sort_values("date").iloc[-1]
    first, *others = describe_calibration(table)
    return join_blocks(
        write_paragraph(first),
        draw_list(others),
        write_paragraph(
            f"In the tables, shares are good to about {format_percent(slack)} either "
            "way. Coverage: how often the 95 % interval holds the truth. False "
            "positives where there is no effect; beside them those of the usual way. "
            "Error ratio: stated to seen, 1 is right. Bias removed: against the raw "
            "difference. Warned: draws in which a check spoke up."
        ),
        *(
            _tabulate_family(cells[cells["family"] == family], title, anchor)
            for family, (title, anchor) in _FAMILIES.items()
            if (cells["family"] == family).any()
        ),
        write_paragraph(f"{newest['date']}, {newest['machine']}.", kind="sub"),
    )


def _tabulate_family(cells: pd.DataFrame, title: str, anchor: str) -> Block:
    """Build the table of one method; columns without any number are left out."""
    fields = [
        words("design", "Design"),
        words("verdict", "Verdict"),
        percent("coverage", "Coverage"),
        percent("false_positives", "False positives"),
        percent("usual_false_positives", "In the usual way"),
        decimal("se_ratio", "Error ratio"),
        percent("removed", "Bias removed", digits=0),
        percent("warned", "Warned", digits=0),
    ]
    return tabulate_frame(
        cells.dropna(axis="columns", how="all"),
        fields,
        caption=f"{title} where the truth is known",
        empty="No calibration has been published.",
        anchor=anchor,
    )


@cache
def read_path_draws() -> dict[str, Any]:
    """Read what chosen paths were worth, by the truth, on draws of the demo.

    Returns
    -------
    dict
        ``date``, ``machine``, ``employees`` and ``summary``: ``seeds``,
        ``share_of_best`` (one per draw), ``beats_random``, ``beats_top_risk``,
        ``beats_current``, ``harmful_in_path``, ``harmful_retired``, ``empty_boosted``
        (counts of draws).
    """
    found: dict[str, Any] = json.loads(_read("paths.json").decode("utf-8"))
    return found


def read_nonexperimental() -> dict[str, pd.DataFrame]:
    """Read what matching says where an experiment says what is right.

    Returns
    -------
    dict
        ``estimates``: ``group`` (NSW, CPS-1, PSID-1), ``outcome`` (re78; re75 is a
        placebo), ``method``, ``estimate``, ``std_error``, ``ci_low``, ``ci_high``
        (dollars), ``evidence``, ``n_treated``, ``n_control``. ``failed_checks``:
        ``group``, ``outcome``, ``check``, ``value``, ``limit``, ``text``.
    """
    found = json.loads(_read("nonexperimental.json").decode("utf-8"))
    return {name: pd.DataFrame(rows) for name, rows in found.items()}


def tabulate_nonexperimental() -> pd.DataFrame:
    """Put matched estimates beside the experiment's, with their warnings.

    Returns
    -------
    DataFrame
        One row per comparison group and method: ``comparison``, ``method``,
        ``estimate``, ``ci_low``, ``ci_high`` (dollars of 1978), ``interval``,
        ``truth`` (the experiment's difference), ``holds`` (whether the interval holds
        it), ``placebo`` and ``placebo_interval`` (the same for 1975, where nothing can
        have changed), ``warnings`` (empty for the raw difference).
    """
    found = read_nonexperimental()
    estimates = found["estimates"].set_index(["group", "outcome", "method"])
    truth = float(estimates.loc[("NSW", "re78", "naive"), "estimate"])
    failed = found["failed_checks"].query("outcome == 're78'").groupby("group")["check"]
    named = {
        group: ", ".join(_CHECKS.get(name, name) for name in sorted(names))
        for group, names in failed
    }
    rows = []
    for group, label in _GROUPS.items():
        for method, name in _METHODS.items():
            now = estimates.loc[(group, "re78", method)]
            before = estimates.loc[(group, "re75", method)]
            rows.append(
                {
                    "comparison": label,
                    "method": name,
                    "estimate": now["estimate"],
                    "ci_low": now["ci_low"],
                    "ci_high": now["ci_high"],
                    "interval": _write_interval(now),
                    "truth": truth,
                    "holds": bool(now["ci_low"] <= truth <= now["ci_high"]),
                    "placebo": before["estimate"],
                    "placebo_interval": _write_interval(before),
                    "warnings": "" if method == "naive" else named.get(group, ""),
                }
            )
    return pd.DataFrame(rows)


def describe_nonexperimental() -> list[str]:
    """Say what the comparison with the experiment teaches."""
    table = tabulate_nonexperimental().set_index(["comparison", "method"])
    truth = float(table["truth"].iloc[0])
    matched, raw = _METHODS["psm_nn"], _METHODS["naive"]
    sentences = [
        "A training programme of the 1970s drew its learners by lot, so that its effect"
        f" is known: {_dollars(truth)} in 1978. Put beside people of two surveys "
        "instead, its learners test what matching can do."
    ]
    for group in ("CPS-1", "PSID-1"):
        row = table.loc[(_GROUPS[group], matched)]
        naive = table.loc[(_GROUPS[group], raw)]
        verb = "holds" if row["holds"] else "misses"
        sentences.append(
            f"{_capitalise(_GROUPS[group])}: the raw difference is "
            f"{_dollars(naive['estimate'])}, matching says {_dollars(row['estimate'])} "
            f"(interval {row['interval']}), which {verb} the experiment's value; "
            f"it warns: {row['warnings']}. For 1975, before anybody learnt, it says "
            f"{_dollars(row['placebo'])} where 0 is right."
        )
    sentences.append(
        "An interval that holds the truth is therefore not enough: the placebo shows "
        "that people of the surveys differ in ways that nobody measured."
    )
    return sentences


def show_nonexperimental() -> Block:
    """Show matching on survey groups beside the experiment."""
    table = tabulate_nonexperimental()
    whole = {
        name: table[name].map(lambda value: _dollars(float(value)))
        for name in ("estimate", "placebo")
    }
    truth = _dollars(float(table["truth"].iloc[0]))
    return join_blocks(
        write_paragraph(*describe_nonexperimental()),
        tabulate_frame(
            table.assign(**whole, held=table["holds"].map({True: "yes", False: "no"})),
            [
                words("comparison", "Compared with people of"),
                words("method", "Method"),
                words("estimate", "Effect 1978"),
                words("interval", "95 % interval"),
                words("held", f"Holds {truth}"),
                words("placebo", "Placebo 1975"),
                words("placebo_interval", "95 % interval of it"),
                words("warnings", "Warnings"),
            ],
            caption="The same learners beside three comparison groups, dollars",
            empty="Nothing has been published.",
            anchor="tbl-nonexperimental",
        ),
    )


def _read(name: str) -> bytes:
    return (files("workbench.brief") / "proofs" / name).read_bytes()


def _judge(row: dict[Any, Any]) -> tuple[str, bool]:
    """Return the verdict on a cell, and whether all is as it should be."""
    coverage, slack = float(row["coverage"]), _QUANTILE * float(row["coverage_error"])
    if row["expect"] == "fails":
        if coverage + slack >= BAND[0]:
            return "should have lost the truth, and did not", False
        if row["must_warn"] and row["warned"] < LOWEST_WARNED:
            return "lost, and too seldom warned of", False
        return _AS_IT_MUST, True
    faults = []
    if coverage + slack < BAND[0]:
        faults.append("intervals too narrow")
    if row["expect"] != "at_least" and coverage - slack > BAND[1]:
        faults.append("intervals wider than needed")
    size = float(row["false_positives"])
    if not math.isnan(size) and size - slack > row.get("size_limit", HIGHEST_SIZE):
        faults.append("too many false positives")
    if row["removed"] < LOWEST_REMOVED:
        faults.append("bias left")
    return (" and ".join(faults), False) if faults else (_HOLDS, True)


def _dollars(value: float) -> str:
    return format_value(value, 0)


def _write_interval(row: pd.Series) -> str:
    return f"{_dollars(float(row['ci_low']))} to {_dollars(float(row['ci_high']))}"


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]
