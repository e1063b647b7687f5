"""The love plot: how alike learners and others are, before and after matching."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workbench.plots.style import (
    ACCENT,
    BAND,
    INK,
    LINE,
    MUTED,
    PAPER,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
    write_label,
)

__all__ = ["describe_love", "describe_love_alt", "love_frame", "plot_love"]

_GOOD = 0.05
_FAIR = 0.25
_MAX_ROWS = 20
_COLUMNS = ("term", "before", "after")


def love_frame(balance: pd.DataFrame, *, site: str = "_all") -> pd.DataFrame:
    """Return what the love plot draws.

    Parameters
    ----------
    balance : DataFrame
        ``balance`` table of one programme and outcome: ``term``, ``site``, ``stage``,
        ``smd``.
    site : str
        ``_all`` for everybody.

    Returns
    -------
    DataFrame
        ``term``, ``before``, ``after`` (standardised mean differences), the largest
        difference before matching first.
    """
    rows = balance[balance["site"] == site]
    wide = rows.pivot_table(index="term", columns="stage", values="smd", sort=False)
    wide = wide.reindex(columns=["before", "after"])
    order = wide["before"].abs().sort_values(ascending=False, kind="stable").index
    return wide.loc[order].reset_index()[list(_COLUMNS)]


def describe_love(balance: pd.DataFrame, *, site: str = "_all") -> str:
    """Say in one sentence what matching did; the title of the figure."""
    frame = love_frame(balance, site=site)
    if frame.empty:
        return "No covariate was compared"
    before, after = frame["before"].abs().max(), frame["after"].abs().max()
    change = f"largest difference {after:.2f} SD, {before:.2f} before"
    if after <= _GOOD:
        return f"Matched learners and others are alike: {change}"
    if after <= _FAIR:
        return f"Matching leaves small differences, which regression adjusts: {change}"
    worst = write_label(str(frame.loc[frame["after"].abs().idxmax(), "term"]))
    return f"Matching leaves learners and others unlike in {worst}: {change}"


def describe_love_alt(balance: pd.DataFrame, *, site: str = "_all") -> str:
    """Describe the figure for readers who cannot see it."""
    frame = love_frame(balance, site=site)
    if frame.empty:
        return "No covariate was compared."
    large = int((frame["before"].abs() > _FAIR).sum())
    left = int((frame["after"].abs() > _FAIR).sum())
    good = int((frame["after"].abs() <= _GOOD).sum())
    return (
        f"Dot plot of {len(frame)} covariate terms. Before matching {large} differ by "
        f"more than {_FAIR} standard deviations between learners and others, after "
        f"matching {left}; {good} are within {_GOOD}."
    )


def plot_love(
    balance: pd.DataFrame,
    *,
    site: str = "_all",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the standardised mean difference of every term before and after matching.

    Parameters
    ----------
    balance : DataFrame
        See `love_frame`.
    site : str
        ``_all`` for everybody.
    title : str, optional
        Default: `describe_love`.
    ax : Axes, optional
        Axes to draw on; default: a new figure.

    Returns
    -------
    Axes
        Up to 20 terms, those that differed most before matching; a line below says how
        many more there are.
    """
    frame = love_frame(balance, site=site)
    shown = frame.head(_MAX_ROWS)
    with use_style():
        ax = open_axes(ax, height=1.9 + 0.29 * max(len(shown), 3), left=0.25)
        ax.axvspan(-_FAIR, _FAIR, color=BAND, alpha=0.6, linewidth=0)
        ax.axvspan(-_GOOD, _GOOD, color=BAND, linewidth=0)
        ax.axvline(0, color=SOFT, linewidth=1)
        places = list(range(len(shown)))
        ax.hlines(places, shown["before"], shown["after"], color=LINE, linewidth=2)
        ax.plot(
            shown["before"], places, "o", ms=7, mfc=PAPER, mec=MUTED, mew=1.6, ls=""
        )
        ax.plot(shown["after"], places, "o", ms=7, color=ACCENT, ls="")
        ax.set_yticks(places, [write_label(term) for term in shown["term"]])
        ax.set_ylim(max(len(shown), 1) - 0.4, -1.2)
        sizes = np.abs(shown[["before", "after"]].to_numpy(dtype="float64"))
        reach = 1.12 * max([0.35, *sizes[np.isfinite(sizes)].tolist()])
        ax.set_xlim(-reach, reach)
        _label_first(ax, shown)
        finish_axes(
            ax,
            x_label=_name_axis(
                len(frame) - len(shown), frame["after"].tail(-_MAX_ROWS)
            ),
        )
        set_title(ax, describe_love(balance, site=site) if title is None else title)
    return ax


def _label_first(ax: Axes, shown: pd.DataFrame) -> None:
    """Name the two kinds of dot at the first row instead of a legend."""
    if shown.empty:
        return
    first = shown.iloc[0]
    right = first["before"] > first["after"]
    for text, colour, side in (
        ("before", SOFT, "left" if right else "right"),
        ("after matching", ACCENT, "right" if right else "left"),
    ):
        value = first["before"] if text == "before" else first["after"]
        ax.annotate(
            text,
            (value, 0),
            xytext=(-4 if side == "right" else 4, 9),
            textcoords="offset points",
            ha=side,
            color=colour,
            fontsize=10,
        )
    ax.annotate(
        f"±{_FAIR}",
        (_FAIR, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -3),
        textcoords="offset points",
        va="top",
        color=INK,
        fontsize=8.5,
        alpha=0.7,
    )


def _name_axis(more: int, rest: pd.Series) -> str:
    text = "standardised mean difference, learners less others (SD of learners)"
    if more <= 0:
        return text
    return f"{text}\n{more} more terms, at most {rest.abs().max():.2f} after matching"
