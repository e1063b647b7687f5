"""The specification curve: every variant's estimate above, its choices below."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from workbench.plots.style import (
    ACCENT,
    INK,
    LINE,
    MUTED,
    PAPER,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
)

__all__ = [
    "CHOICE_LABELS",
    "describe_specification",
    "describe_specification_alt",
    "measure_height",
    "plot_specification",
    "specification_frame",
]

CHOICE_LABELS: Mapping[str, str] = {
    "covariates": "covariates",
    "method": "method",
    "model": "score by",
    "caliper": "caliper",
    "ratio": "others each",
    "replacement": "replaced",
    "exact": "exact on",
    "adjusted": "regression",
}
"""Names of the choices for readers, in the order of rows."""

_READINGS = {
    "higher": "A gain",
    "lower": "A loss",
    "no clear change": "No clear change",
}
_NUMBERS = ("estimate", "ci_low", "ci_high")
_TOP = 0.38
_GAP = 0.02
_ROW = 0.15
_SHARE = 0.77
_TEXT = 8.8
_LARGE = 100


def specification_frame(table: pd.DataFrame) -> pd.DataFrame:
    """Return what the figure draws.

    Parameters
    ----------
    table : DataFrame
        ``table`` of a specification curve of one programme and outcome: ``headline``,
        ``sound``, ``reading``, ``estimate``, ``ci_low``, ``ci_high``, ``unit``,
        ``level`` and the choices of `CHOICE_LABELS` as text.

    Returns
    -------
    DataFrame
        The variants that have an estimate, from the smallest to the largest, with
        ``place`` from 0; probabilities in percentage points.
    """
    made = table[table["estimate"].notna()].copy()
    factor = 100.0 if (made["unit"] == "probability").any() else 1.0
    made[list(_NUMBERS)] = made[list(_NUMBERS)] * factor
    made = made.sort_values(["estimate", "variant"], ignore_index=True)
    return made.assign(place=range(len(made)))


def measure_height(table: pd.DataFrame) -> float:
    """Return the inches a figure of its own needs, so that no two labels touch."""
    rows = _list_rows(specification_frame(table))
    height = _ROW / (1 - _TOP) * (rows[-1][2] + 1.4 if rows else 0.0)
    return max(5.0, height / _SHARE)


def describe_specification(table: pd.DataFrame) -> str:
    """Say whether the conclusion survives; the title of the figure."""
    frame = specification_frame(table)
    own = frame[frame["headline"]]
    if own.empty:
        return "The comparison could not be made"
    reading = str(own["reading"].iloc[0])
    sound = frame[frame["sound"]]
    named = _READINGS[reading]
    if sound.empty:
        return f"{named} in the headline, and no sound variant to test it by"
    same = int((sound["reading"] == reading).sum())
    low, high = (_write(sound["estimate"].agg(end)) for end in ("min", "max"))
    many = f"all {len(sound)}" if same == len(sound) else f"{same} of {len(sound)}"
    return f"{named} in {many} sound variants: {low} to {high}"


def describe_specification_alt(table: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    frame = specification_frame(table)
    own = frame[frame["headline"]]
    if own.empty:
        return f"{describe_specification(table)}."
    short = frame[~frame["sound"]]
    rest = (
        f" The other {len(short)} leave declared covariates out or unbalanced and run "
        f"from {_write(short['estimate'].min())} to "
        f"{_write(short['estimate'].max())}."
        if len(short)
        else ""
    )
    return (
        f"Curve of {len(frame)} variants in {_name_unit(frame)}, ordered by estimate, "
        f"with intervals; below, the choices of each. {describe_specification(table)}; "
        f"the headline is {_write(own['estimate'].iloc[0])}.{rest}"
    )


def plot_specification(
    table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw all variants of a comparison, ordered by estimate, and their choices.

    Parameters
    ----------
    table : DataFrame
        See `specification_frame`.
    title : str, optional
        Default: `describe_specification`.
    ax : Axes, optional
        Axes to draw on, of a figure as high as `measure_height`; default: a new one.

    Returns
    -------
    Axes
        Without marks of its own; its two inner axes hold the curve and the choices.
        The headline is marked through both; variants that leave declared covariates
        out or unbalanced are pale.
    """
    frame = specification_frame(table)
    rows = _list_rows(frame)
    with use_style():
        ax = open_axes(ax, height=measure_height(table), left=0.25, right=0.86)
        ax.set_axis_off()
        curve = ax.inset_axes((0.0, 1 - _TOP, 1.0, _TOP))
        choices = ax.inset_axes((0.0, 0.0, 1.0, 1 - _TOP - _GAP))
        _draw_curve(curve, frame)
        _draw_choices(choices, frame, rows)
        missing = len(table) - len(frame)
        more = f"; {missing} could not be estimated" if missing else ""
        choices.set_xlabel(
            f"{len(frame)} variants, ordered by estimate{more}", labelpad=6
        )
        set_title(ax, describe_specification(table) if title is None else title)
    return ax


def _draw_curve(ax: Axes, frame: pd.DataFrame) -> None:
    ax.axhline(0, color=SOFT, linewidth=1)
    for sound, colour, width in ((False, LINE, 1.6), (True, MUTED, 1.6)):
        part = frame[frame["sound"] == sound]
        ax.vlines(
            part["place"], part["ci_low"], part["ci_high"], color=colour, lw=width
        )
        ink = INK if sound else MUTED
        ax.plot(part["place"], part["estimate"], ".", ms=4.5, color=ink, ls="")
    _draw_headline(ax, frame)
    finish_axes(ax, x_label="", y_label=f"effect ({_name_unit(frame)})")
    ax.grid(axis="x", visible=False)
    ax.grid(axis="y", color=LINE, linewidth=0.7)
    ax.spines["bottom"].set_visible(False)
    ax.set_xlim(-1, max(len(frame), 1))
    ax.set_xticks([])
    ax.tick_params(axis="y", labelcolor=SOFT, labelsize=9.5)
    low, high = min([0.0, *frame["ci_low"]]), max([0.0, *frame["ci_high"]])
    span = (high - low) or 1.0
    ax.set_ylim(low - 0.2 * span, high + 0.05 * span)
    for text, colour, weight, place in (
        ("headline", ACCENT, "bold", 0.01),
        ("sound", INK, "normal", 0.17),
        ("pale: covariates left out or unbalanced", SOFT, "normal", 0.275),
    ):
        ax.text(
            place,
            0.02,
            text,
            transform=ax.transAxes,
            color=colour,
            fontweight=weight,
            fontsize=9.5,
            va="bottom",
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5},
        )


def _draw_headline(ax: Axes, frame: pd.DataFrame) -> None:
    own = frame[frame["headline"]]
    ax.vlines(own["place"], own["ci_low"], own["ci_high"], color=ACCENT, lw=2.8)
    ax.plot(own["place"], own["estimate"], "o", ms=7, color=ACCENT, ls="")


def _draw_choices(
    ax: Axes, frame: pd.DataFrame, rows: list[tuple[str, str, float]]
) -> None:
    """Mark the levels each variant chose, one row per level."""
    for place in frame.loc[frame["headline"], "place"]:
        ax.axvline(place, color=ACCENT, lw=1, alpha=0.5)
    for choice, level, height in rows:
        chosen = frame[frame[choice] == level]
        for sound, colour in ((False, MUTED), (True, INK)):
            part = chosen.loc[chosen["sound"] == sound, "place"]
            ax.plot(part, [height] * len(part), "|", ms=5.5, mew=1.3, color=colour)
        own = chosen.loc[chosen["headline"], "place"]
        ax.plot(own, [height] * len(own), "s", ms=5.5, color=ACCENT, ls="")
    bottom = rows[-1][2] + 0.7 if rows else 1.0
    ax.set_ylim(bottom, -0.7)
    ax.set_xlim(-1, max(len(frame), 1))
    ax.set_yticks([height for *_, height in rows], [level for _, level, _ in rows])
    ax.tick_params(axis="both", length=0)
    ax.tick_params(axis="y", labelsize=_TEXT, labelcolor=INK)
    ax.set_xticks([])
    ax.xaxis.label.set_color(SOFT)
    for spine in ax.spines.values():
        spine.set_visible(False)
    for choice, label in CHOICE_LABELS.items():
        heights = [height for name, _, height in rows if name == choice]
        if not heights:
            continue
        if heights[0] > 0:
            ax.axhline(heights[0] - 0.72, color=LINE, lw=0.8)
        ax.text(
            1.01,
            sum(heights) / len(heights),
            label,
            transform=ax.get_yaxis_transform(),
            va="center",
            color=SOFT,
            fontsize=_TEXT,
        )


def _list_rows(frame: pd.DataFrame) -> list[tuple[str, str, float]]:
    """List choice, level and height of every row; choices made one way have none."""
    rows: list[tuple[str, str, float]] = []
    height = 0.0
    ordered = frame.sort_values("variant")
    for choice in CHOICE_LABELS:
        levels = [level for level in ordered[choice].unique() if level]
        if len(levels) < 2:
            continue
        if choice in ("caliper", "ratio"):
            levels = sorted(levels)
        for level in levels:
            rows.append((choice, level, height))
            height += 1.0
        height += 0.45
    return rows


def _name_unit(frame: pd.DataFrame) -> str:
    units = frame["unit"].unique()
    if len(units) == 0:
        return ""
    return "percentage points" if units[0] == "probability" else str(units[0])


def _write(value: float) -> str:
    text = f"{value:+,.0f}" if abs(value) >= _LARGE else f"{value:+.2g}"
    return text.replace("-", "−")
