"""The forest plot: every design's estimate of every outcome, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workbench.plots.style import (
    ACCENT,
    BAD,
    GOOD,
    INK,
    MUTED,
    PAPER,
    SOFT,
    UNSURE,
    finish_axes,
    open_axes,
    set_title,
    use_style,
    write_label,
)

__all__ = [
    "METHOD_LABELS",
    "describe_forest",
    "describe_forest_alt",
    "forest_frame",
    "name_scale",
    "plot_forest",
]

METHOD_LABELS: Mapping[str, str] = {
    "psm_nn": "Matched colleagues",
    "psm_nn_unadjusted": "Matched, unadjusted",
    "aipw": "Doubly robust",
    "ols": "Regression",
    "ipw": "Weighted",
    "g_computation": "Standardised",
    "did_cs": "Before and after",
    "did_cs_earlier": "Earlier base quarter",
    "did_cs_never": "Never-learners only",
    "did_cs_unadjusted": "Without covariates",
    "did_matched": "Matched, then changes",
    "did_2x2": "Plain changes",
    "did_cs_simple": "Average, all cells",
    "did_cs_dynamic": "Average by time",
    "did_cs_group": "Average by cohort",
    "did_cs_calendar": "Average by quarter",
    "did_twfe": "Two-way regression",
    "did_sun_abraham": "Sun-Abraham",
    "ab_itt": "Experiment: as invited",
    "ab_cuped": "As invited, adjusted",
    "ab_iv": "Experiment: of learning",
    "ab_itt_average": "Mean over periods",
    "ab_itt_people": "Within people",
    "km": "Followed over time",
    "km_unadjusted": "Followed, unadjusted",
    "km_regretted": "No regretted exit",
    "km_delayed_entry": "Since start in the role",
    "naive": "Raw difference",
}
"""Method names for readers, in the order of rows."""

_HIDDEN = ("psm_nn_unadjusted",)
_VERDICTS = {
    "yes": ("reaches the threshold", GOOD),
    "no": ("falls short", BAD),
    "unclear": ("unclear", UNSURE),
}
_COLUMNS = (
    "outcome",
    "method",
    "headline",
    "value",
    "low",
    "high",
    "verdict",
    "limitation",
)


def forest_frame(
    estimates: pd.DataFrame, *, methods: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return what the forest plot draws.

    Parameters
    ----------
    estimates : DataFrame
        ``estimates`` of one persona and programme, from one stage or several.
    methods : sequence of str, optional
        Methods to show; default: all but the unadjusted matched difference.

    Returns
    -------
    DataFrame
        ``outcome``, ``method``, ``headline``, ``value``, ``low``, ``high`` (on the
        scale of `name_scale`), ``verdict``, ``limitation``; overall effects only,
        outcomes in the order of the table, methods in the order of `METHOD_LABELS`.
    """
    rows = estimates[estimates["subgroup"].isna() & estimates["period"].isna()]
    wanted = rows["method"].isin(methods) if methods else ~rows["method"].isin(_HIDDEN)
    rows = rows[wanted]
    columns, factor = _choose_scale(rows)
    order = {name: place for place, name in enumerate(METHOD_LABELS)}
    outcomes = {name: place for place, name in enumerate(rows["outcome"].unique())}
    frame = pd.DataFrame(
        {
            "outcome": rows["outcome"],
            "method": rows["method"],
            "headline": rows["headline"].astype(bool),
            "value": rows[columns[0]] * factor,
            "low": rows[columns[1]] * factor,
            "high": rows[columns[2]] * factor,
            "verdict": rows["meets_threshold"],
            "limitation": rows["limitation"],
            "_outcome": rows["outcome"].map(outcomes),
            "_method": rows["method"].map(order).fillna(len(order)),
        }
    )
    frame = frame.sort_values(["_outcome", "_method"], kind="stable")
    return frame[list(_COLUMNS)].reset_index(drop=True)


def name_scale(estimates: pd.DataFrame) -> str:
    """Return the unit of the axis: the outcome's own, or percent of the baseline."""
    units = estimates["unit"].unique()
    if len(units) != 1:
        return "% of what learners would have had without learning"
    return "percentage points" if units[0] == "probability" else str(units[0])


def describe_forest(
    estimates: pd.DataFrame, *, labels: Mapping[str, str] | None = None
) -> str:
    """Say in one sentence which outcomes learning changed; the title of the figure."""
    frame = forest_frame(estimates)
    main = frame[frame["headline"] & frame["value"].notna()]
    if main.empty:
        return "No comparison could be made"
    up = main[main["low"] > 0]["outcome"].tolist()
    down = main[main["high"] < 0]["outcome"].tolist()
    unclear = len(main) - len(up) - len(down)
    parts = []
    for names, verb in ((up, "Higher"), (down, "Lower")):
        if names:
            named = [_soften(_name(name, labels)) for name in names]
            parts.append(f"{verb} {_join(named)} among learners")
    if not parts:
        many = (
            "any outcome" if len(main) > 1 else _name(main["outcome"].iloc[0], labels)
        )
        return f"No measurable change in {_soften(many)}"
    text = "; ".join([parts[0], *(part[0].lower() + part[1:] for part in parts[1:])])
    if unclear:
        text += f"; no measurable change in {unclear} other outcome"
        text += "s" if unclear > 1 else ""
    return text


def describe_forest_alt(
    estimates: pd.DataFrame, *, labels: Mapping[str, str] | None = None
) -> str:
    """Describe the figure for readers who cannot see it."""
    frame = forest_frame(estimates)
    unit = name_scale(estimates)
    parts = []
    for found in frame[frame["headline"]].to_dict("records"):
        row = {str(key): value for key, value in found.items()}
        name = _name(str(row["outcome"]), labels)
        parts.append(
            f"{name} not answerable"
            if np.isnan(row["value"])
            else f"{name} {_write_interval(row)}"
        )
    level = _find_level(estimates)
    return (
        f"Forest plot in {unit}, {level} intervals, up to {frame['method'].nunique()} "
        f"methods per outcome. Headline estimates: {'; '.join(parts) or 'none'}."
    )


def plot_forest(
    estimates: pd.DataFrame,
    *,
    methods: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw estimates and intervals by outcome and method, the headline filled.

    Parameters
    ----------
    estimates, methods
        See `forest_frame`.
    labels : mapping, optional
        Outcome id to label; an empty label leaves out the line with the name and the
        verdict, for a panel whose title names the outcome.
    title : str, optional
        Default: `describe_forest`.
    ax : Axes, optional
        Axes to draw on; default: a new figure.

    Returns
    -------
    Axes
        One row per estimate under its outcome's name; zero line; numbers at the right.
    """
    frame = forest_frame(estimates, methods=methods)
    places, heads = _place_rows(frame, labels)
    bottom = (places[-1] if places else 0) + 0.8
    with use_style():
        ax = open_axes(ax, height=1.7 + 0.27 * bottom, left=0.25, right=0.71)
        ax.axvline(0, color=SOFT, linewidth=1)
        for place, row in zip(places, frame.to_dict("records"), strict=True):
            _draw_row(ax, place, row)
            if row["headline"] and str(row["outcome"]) in heads:
                _draw_verdict(ax, heads[str(row["outcome"])], row["verdict"])
        for name, place in heads.items():
            _draw_head(ax, place, _name(name, labels))
        ax.set_yticks(
            places,
            [METHOD_LABELS.get(name, write_label(name)) for name in frame["method"]],
        )
        for tick, headline in zip(ax.get_yticklabels(), frame["headline"], strict=True):
            tick.set_color(INK if headline else SOFT)
        ax.set_ylim(bottom, -0.7)
        reach = frame[["low", "high", "value"]].to_numpy(dtype="float64")
        ends = [0.0, *reach[np.isfinite(reach)].tolist()]
        pad = 0.06 * (max(ends) - min(ends) or 1.0)
        ax.set_xlim(min(ends) - pad, max(ends) + pad)
        finish_axes(
            ax, x_label=f"{name_scale(estimates)}, {_find_level(estimates)} intervals"
        )
        set_title(
            ax, describe_forest(estimates, labels=labels) if title is None else title
        )
    return ax


def _choose_scale(rows: pd.DataFrame) -> tuple[tuple[str, str, str], float]:
    if len(rows["unit"].unique()) == 1:
        factor = 100.0 if rows["unit"].iloc[0] == "probability" else 1.0
        return ("estimate", "ci_low", "ci_high"), factor
    return ("relative_effect", "relative_ci_low", "relative_ci_high"), 100.0


def _place_rows(
    frame: pd.DataFrame, labels: Mapping[str, str] | None
) -> tuple[list[float], dict[str, float]]:
    """Return the height of each row, and of each outcome's name above its rows."""
    places: list[float] = []
    heads: dict[str, float] = {}
    at, before = 0.0, ""
    for name in frame["outcome"].astype("str"):
        if name != before:
            at += 0.5 if before else 0.0
            before = name
            if _name(name, labels):
                heads[name] = at
                at += 1.0
        places.append(at)
        at += 1.0
    return places, heads


def _draw_row(ax: Axes, place: float, row: Mapping[str, object]) -> None:
    value, low, high = (float(str(row[key])) for key in ("value", "low", "high"))
    headline = bool(row["headline"])
    colour = ACCENT if headline else MUTED
    if np.isnan(value):
        _note(ax, place, "not answerable" if headline else "no share of baseline", SOFT)
        return
    ax.plot([low, high], [place, place], color=colour, lw=2.6 if headline else 1.6)
    ax.plot(
        [value],
        [place],
        "o",
        ms=7.5 if headline else 6,
        mfc=ACCENT if headline else PAPER,
        mec=colour,
        mew=1.6,
    )
    _note(ax, place, _write_interval(row), INK if headline else SOFT)


def _draw_verdict(ax: Axes, place: float, verdict: object) -> None:
    known = _VERDICTS.get(str(verdict))
    if known:
        _note(ax, place, known[0], known[1])


def _draw_head(ax: Axes, place: float, text: str) -> None:
    ax.text(
        -0.02,
        place,
        text,
        transform=ax.get_yaxis_transform(),
        ha="right",
        va="center",
        fontweight="bold",
        color=INK,
    )


def _note(ax: Axes, place: float, text: str, colour: str) -> None:
    ax.text(
        1.02,
        place,
        text,
        transform=ax.get_yaxis_transform(),
        va="center",
        color=colour,
        fontsize=9.5,
    )


def _find_level(estimates: pd.DataFrame) -> str:
    levels = sorted({round(100 * level, 1) for level in estimates["ci_level"]})
    return " and ".join(f"{level:g} %" for level in levels)


def _name(outcome: str, labels: Mapping[str, str] | None) -> str:
    plain = write_label(outcome)
    return (labels or {}).get(outcome, plain[:1].upper() + plain[1:])


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _write(value: object, digits: int) -> str:
    """Write a signed number with a true minus."""
    rounded = round(float(str(value)), digits)
    if rounded == 0:
        return f"{0:.{digits}f}"
    return f"{rounded:+.{digits}f}".replace("-", "−")


def _write_interval(row: Mapping[str, object]) -> str:
    """Write estimate and interval, as exact as the interval is narrow."""
    value, low, high = (row[key] for key in ("value", "low", "high"))
    width = float(str(high)) - float(str(low))
    digits = 1 if width >= 2 else 2 if width >= 0.1 else 3
    texts = [_write(item, digits) for item in (value, low, high)]
    return f"{texts[0]}  ({texts[1]} to {texts[2]})"


def _soften(name: str) -> str:
    """Start a name with a small letter, unless it starts with an abbreviation."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]
