"""What ways to give out seats are worth, on people who had no part in choosing them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from workbench.plots.persona_rows import (
    draw_heads,
    find_height,
    list_places,
    name_rows,
)
from workbench.plots.style import (
    ACCENT,
    MUTED,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
    write_label,
)

__all__ = [
    "POLICY_LABELS",
    "describe_policies",
    "describe_policies_alt",
    "plot_policies",
    "policy_frame",
]

POLICY_LABELS: Mapping[str, str] = {
    "chosen": "As chosen",
    "current": "As at present",
    "random": "By lot",
    "top_risk": "Highest risk first",
    "everyone": "Everyone",
}
"""Names of policies for readers, in the order of rows."""

_ROW = 0.3
_CHOSEN = "chosen"
_COLUMNS = ["persona", "policy", "label", "value", "low", "high", "gain_low", "unit"]


def policy_frame(policies: pd.DataFrame) -> pd.DataFrame:
    """Return what the figure of policy values draws.

    Parameters
    ----------
    policies : DataFrame
        ``policy``, ``share`` (of people given a seat, 0 to 1), ``value``, ``low``,
        ``high``, ``gain_low`` (lower end of the gain over current practice), ``unit``;
        ``persona`` where there are several.

    Returns
    -------
    DataFrame
        ``persona``, ``policy``, ``label`` (with the share), ``value``, ``low``,
        ``high``, ``gain_low``, ``unit``; rows without a number left out, policies in
        the order of `POLICY_LABELS`.
    """
    named = "persona" in policies.columns
    rows = policies if named else policies.assign(persona="")
    rows = rows[rows["value"].notna()]
    personas = {name: number for number, name in enumerate(rows["persona"].unique())}
    order = {name: number for number, name in enumerate(POLICY_LABELS)}
    rows = rows.assign(
        label=[_name(row) for row in rows.to_dict("records")],
        _persona=rows["persona"].map(personas),
        _policy=rows["policy"].map(order).fillna(len(order)),
    ).sort_values(["_persona", "_policy"], kind="stable")
    return rows.reindex(columns=_COLUMNS).reset_index(drop=True)


def describe_policies(policies: pd.DataFrame) -> str:
    """Say where the chosen policy beats current practice; the figure's title."""
    frame = policy_frame(policies)
    chosen = frame[frame["policy"] == _CHOSEN]
    if chosen.empty:
        return "No way to give out seats could be valued"
    better = int((chosen["gain_low"] > 0).sum())
    if len(chosen) == 1:
        more = "are worth more than" if better else "are not clearly worth more than"
        return f"Seats as chosen {more} what was done"
    return (
        f"Seats as chosen are worth more than what was done in {better or 'none'} of "
        f"{len(chosen)} personas"
    )


def describe_policies_alt(
    policies: pd.DataFrame, *, labels: Mapping[str, str] | None = None
) -> str:
    """Describe the figure for readers who cannot see it."""
    frame = policy_frame(policies)
    parts = []
    for row in frame.itertuples():
        persona = str(row.persona)
        name = (labels or {}).get(persona, write_label(persona))
        start = f"{name}, {row.label}" if name else str(row.label)
        parts.append(f"{start}: {row.value:.2f} ({row.low:.2f} to {row.high:.2f})")
    return (
        f"{describe_policies(policies)}. {_name_unit(frame)} with 95 % intervals: "
        f"{'; '.join(parts) or 'none'}."
    )


def plot_policies(
    policies: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the value of each policy with its interval, grouped by persona.

    Parameters
    ----------
    policies : DataFrame
        See `policy_frame`.
    labels : mapping of str to str, optional
        Names of the personas for readers.
    title : str, optional
        The finding; by default that of `describe_policies`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One row per policy, the chosen one filled.
    """
    frame = policy_frame(policies)
    with use_style():
        places = list_places(frame)
        axes = open_axes(ax, height=find_height(frame, _ROW))
        axes.axvline(0, color=SOFT, linewidth=1)
        colours = [ACCENT if name == _CHOSEN else MUTED for name in frame["policy"]]
        faces = [ACCENT if name == _CHOSEN else "white" for name in frame["policy"]]
        axes.hlines(places, frame["low"], frame["high"], color=colours, linewidth=2)
        axes.scatter(
            frame["value"], places, c=faces, edgecolors=colours, s=40, zorder=3
        )
        draw_heads(axes, frame, places, labels)
        name_rows(axes, places, frame["label"])
        finish_axes(axes, x_label=f"{_name_unit(frame)} (95 % interval)")
        set_title(axes, title or describe_policies(policies))
    return axes


def _name(row: Mapping[object, object]) -> str:
    policy = str(row["policy"])
    name = POLICY_LABELS.get(policy) or write_label(policy).capitalize()
    share = row.get("share")
    if not isinstance(share, float) or pd.isna(share):
        return name
    return f"{name} ({100 * share:.0f} %)"


def _name_unit(frame: pd.DataFrame) -> str:
    units = frame["unit"].dropna().unique()
    return f"Value in {units[0]}" if len(units) == 1 else "Value"
