"""What the predictions can and cannot do, in words; never a person's prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.brief.components import (
    Block,
    Html,
    build_note,
    draw_list,
    escape_html,
    escape_markdown,
    join_blocks,
    write_paragraph,
    write_section,
)
from workbench.brief.formatting import (
    MISSING,
    format_count,
    format_interval,
    format_level,
    format_percent,
    format_value,
    is_missing,
    pluralise,
)
from workbench.brief.labels import label_outcome
from workbench.brief.narrative import join_words
from workbench.brief.prescribing.prescribed import explain_missing, read_prediction
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, tabulate_frame, words
from workbench.brief.withheld import PREDICTION

__all__ = ["describe_calibration", "describe_sorting", "show_cards", "show_predictions"]

_USE = (
    "Predictions say where planning should look: how many will need time, seats or "
    "talks. They are not causes, and they are never used to rank, judge, pay, promote "
    "or dismiss anybody."
)
_MODELS = {"simple": "the simple model", "boosting": "gradient boosting"}
_RANKS = ("auc", "c_index")
_MISSES = ("r2", "mae")
_MOVED = "moved"
_CHANCE = 0.5
_MOST_FEATURES = 3


def show_predictions(data: BriefData) -> Block:
    """Show per target how well it is foretold, as support for planning only."""
    scores = read_prediction(data, "scores")
    stopped = explain_missing(data, PREDICTION)
    items = (
        [
            _describe_target(data, str(target), rows)
            for target, rows in scores.groupby("target", sort=False)
        ]
        if len(scores)
        else []
    )
    return join_blocks(
        write_section("What is foretold, for planning", "predictions"),
        build_note("For planning only.", _USE, warn=True),
        draw_list(items)
        if items
        else write_paragraph(escape_markdown(stopped or "Nothing was foretold.")),
        _tabulate_outlook(data),
        write_paragraph(
            "How each model was made and tested stands [on the methods page]"
            "(methods.ipynb#model-cards).",
            kind="sub",
        )
        if items
        else None,
    )


def show_cards(data: BriefData) -> Block:
    """Show the model card of each prediction."""
    cards = read_prediction(data, "cards")
    section = write_section("Model cards of the predictions", "model-cards")
    if cards.empty:
        why = explain_missing(data, PREDICTION) or "No model was made."
        return join_blocks(section, write_paragraph(escape_markdown(why)))
    shown = [
        join_blocks(
            write_section(
                escape_markdown(_label_target(data, str(target))),
                f"card-{place + 1}",
                level=3,
            ),
            draw_list([_write_section(row) for row in rows.to_dict("records")]),
        )
        for place, (target, rows) in enumerate(cards.groupby("target", sort=False))
    ]
    return join_blocks(section, build_note("For planning only.", _USE), *shown)


def describe_sorting(rows: pd.DataFrame) -> str:
    """Say how well a model sorts people or how far it is off, with intervals.

    Parameters
    ----------
    rows : DataFrame
        ``metric``, ``value``, ``low``, ``high`` of one target's chosen model.
    """
    ranks = rows[rows["metric"].isin(_RANKS) & rows["value"].notna()]
    if ranks.empty:
        shown = rows[rows["metric"].isin(_MISSES) & rows["value"].notna()]
        parts = [
            f"{_name_metric(str(row['metric']))} {_with_interval(row)}"
            for row in shown.to_dict("records")
        ]
        return f"{join_words(parts)}" if parts else "its quality is not known"
    row = ranks.to_dict("records")[0]
    share = format_percent(row["value"], digits=0)
    times = (
        f"of two people the right one is named in {share} of cases "
        f"({_range_percent(row)}; chance is 50 %)"
    )
    if not is_missing(row["low"]) and row["low"] <= _CHANCE:
        return f"{times}, which is no better than chance: do not plan by it"
    return times


def describe_calibration(rows: pd.DataFrame) -> str:
    """Say whether what was foretold came about as often, bin by bin.

    Parameters
    ----------
    rows : DataFrame
        ``predicted``, ``observed``, ``low``, ``high`` of one target's chosen model.
    """
    known = rows.dropna(subset=["predicted", "observed", "low", "high"])
    if known.empty:
        return "whether it foretells too much or too little could not be tested"
    high = known["predicted"] > known["high"]
    low = known["predicted"] < known["low"]
    if not (high | low).any():
        return (
            f"what is foretold agrees with what came in all "
            f"{format_count(len(known))} groups of predictions, within the error"
        )
    parts = [
        f"too {word} in {format_count(chosen.sum())}"
        for word, chosen in (("high", high), ("low", low))
        if chosen.any()
    ]
    return f"it foretells {join_words(parts)} of {format_count(len(known))} groups"


def _describe_target(data: BriefData, target: str, scores: pd.DataFrame) -> Html:
    chosen = scores[scores["chosen"]]
    rows = chosen if len(chosen) else scores
    model = str(rows["model"].iloc[0])
    rows = rows[rows["model"] == model]
    calibration = read_prediction(data, "calibration")
    own = (
        calibration[(calibration["target"] == target) & (calibration["model"] == model)]
        if len(calibration)
        else pd.DataFrame(columns=["predicted", "observed", "low", "high"])
    )
    parts = (
        f"By {_MODELS.get(model, model)}: {describe_sorting(rows)}; "
        f"{describe_calibration(own)}.",
        _name_features(data, target),
        _name_drift(data, target),
    )
    label = escape_html(_label_target(data, target))
    return Html(f"<b>{label}.</b> {escape_html(' '.join(filter(None, parts)))}")


def _label_target(data: BriefData, target: str) -> str:
    """Return the name of what is foretold, as the stage or the outcomes have it."""
    listed = data.stage(PREDICTION).facts.get("targets")
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, Mapping) and item.get("target") == target:
            return str(item.get("label") or label_outcome(data, target))
    return label_outcome(data, target)


def _tabulate_outlook(data: BriefData) -> Block | None:
    """Show what is expected of each persona as a whole, which is what may be shown."""
    table = read_prediction(data, "outlook")
    known = table[table["expected"].notna()] if len(table) else table
    if known.empty:
        return None
    cells: dict[str, dict[str, Any]] = {}
    for row in known.to_dict("records"):
        persona = str(row["persona"])
        named = data.label_of(persona)
        filled = cells.setdefault(persona, {"persona": named})
        filled[str(row["target"])] = _write_expected(data, row)
    targets = dict.fromkeys(map(str, known["target"]))
    return tabulate_frame(
        list(cells.values()),
        (
            words("persona", "Persona"),
            *(
                Field(item, _label_target(data, item), _keep, numeric=True)
                for item in targets
            ),
        ),
        caption="Expected of a persona as a whole: share or mean with 95 % interval, "
        "or median days. Predicted, not observed",
        empty="",
        anchor="tbl-outlook",
    )


def _write_expected(data: BriefData, row: Mapping[Any, Any]) -> Html:
    kinds = {item.id: item.kind for item in data.params.outcomes}
    counted = kinds.get(str(row["target"])) == "binary"
    unit = "probability" if counted else str(row["unit"] or "")
    shown = escape_html(format_level(row["expected"], unit))
    if is_missing(row["low"]) or is_missing(row["high"]):
        return Html(shown)
    interval = escape_html(format_interval(row["low"], row["high"], unit))
    interval = Html(interval.replace("+", ""))
    return Html(f'{shown}<br><span class="kpi-ci">{interval}</span>')


def _keep(value: Any) -> Any:
    return MISSING if value is None else value


def _name_features(data: BriefData, target: str) -> str:
    """Name what the predictions go by."""
    table = read_prediction(data, "importance")
    if table.empty:
        return ""
    own = table[(table["target"] == target) & table["mean_abs_shap"].notna()]
    top = own.sort_values("mean_abs_shap", ascending=False, kind="stable")
    told = [_name_feature(row) for row in top.head(_MOST_FEATURES).to_dict("records")]
    if not told:
        return ""
    return f"What it goes by most, which need not be a cause: {'; '.join(told)}."


def _name_feature(row: Mapping[Any, Any]) -> str:
    said = row["effect_words"]
    if isinstance(said, str) and said.strip():
        return said.strip().rstrip(".")
    return str(row["feature"]).replace("_", " ")


def _name_drift(data: BriefData, target: str) -> str:
    table = read_prediction(data, "drift")
    if table.empty:
        return ""
    moved = table[(table["target"] == target) & (table["status"] == _MOVED)]
    if moved.empty:
        return ""
    names = join_words(str(name).replace("_", " ") for name in moved["feature"])
    facts = pluralise(len(moved), "fact")
    return f"People now differ from those it learnt from in {facts}: {names}."


def _write_section(row: Mapping[Any, Any]) -> Html:
    section = str(row["section"]).replace("_", " ")
    lead = escape_html(section[:1].upper() + section[1:])
    return Html(f"<b>{lead}.</b> {escape_html(row['text'])}")


def _name_metric(metric: str) -> str:
    return {"r2": "share of the spread foretold", "mae": "mean error"}[metric]


def _with_interval(row: Mapping[Any, Any]) -> str:
    value = format_value(row["value"], 2)
    if is_missing(row["low"]) or is_missing(row["high"]):
        return value
    low, high = (format_value(row[name], 2) for name in ("low", "high"))
    return f"{value} ({low} to {high})"


def _range_percent(row: Mapping[Any, Any]) -> str:
    low = format_value(100 * row["low"], 0)
    return f"{low} to {format_percent(row['high'], digits=0)}"
