"""What is predicted of people, from what was known of them on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd

from workbench.cohorts.facts import FACT_COLUMNS, Day
from workbench.cohorts.members import build_members, name_today
from workbench.cohorts.outcomes import find_missing_tables
from workbench.cohorts.prediction_values import Kind, find_kind, read_values
from workbench.cohorts.target_trial import find_first_quarter
from workbench.core.errors import ContractError, MissingColumnError
from workbench.core.params import OrgParams, Outcome
from workbench.core.quarters import Quarter, list_quarters
from workbench.core.run_params import RunParams
from workbench.core.store import read_json
from workbench.data.cut import open_cut
from workbench.data.sql import quote_name

__all__ = [
    "FEATURES",
    "MOST_ROWS",
    "QUARTERS_READ",
    "PredictionFrame",
    "build_prediction_frames",
    "load_prediction_frames",
]

FEATURES: tuple[str, ...] = tuple(
    name for name in FACT_COLUMNS if name not in ("manager_id", "age")
)
"""Facts that predictions are made from: neither who leads somebody, nor their age."""

QUARTERS_READ = 8
"""Most quarters whose first days are looked at for one outcome."""

MOST_ROWS = 400_000
"""Rows from which on only some of the people are learnt from."""

_CATEGORIES = ("role", "level", "job_family", "location", "region", "shift")
_KEY = ("unit", "trial", "period", "persona", "team")


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionFrame:
    """One outcome to be predicted, of people on the first days of quarters.

    Attributes
    ----------
    target : str
        Id of the outcome.
    label, unit, direction
        As ``outcomes.yml`` has them.
    kind : {"continuous", "binary", "time"}
        A rating, a share, or days until something happens.
    horizon_days : int or None
        Days over which it is predicted; None: the value of the quarter that begins.
    features : tuple of str
        Columns known before the day; numbers, missing values among them, or
        ``category``. No protected attribute is one.
    protected : tuple of str
        Protected attributes, to compare errors by.
    frame : DataFrame
        One row per person and day, ordered by ``trial`` and ``unit``: ``unit``,
        ``trial`` (the quarter that begins), ``time_zero`` (its first day), ``period``
        (int, in quarters since the first with data), ``persona`` (may be missing),
        ``team``, `features`, `protected`, ``outcome`` (missing where it was not
        observed) and ``known_on`` (last day on which it could still change; of a time
        the cut). Of a time also ``time`` (float days from the day on, above 0) and
        ``event`` (bool), for people on the way; ``outcome`` is then missing where the
        event was not seen.
    current : DataFrame
        The same without outcomes, of the day after the cut; its ``trial`` is the
        quarter that begins there.
    share : float
        Share of people whose days are in `frame`: 1, or less where all together would
        have more than `MOST_ROWS`. They are drawn by their pseudonyms, each with all
        of their days. `current` always holds everybody.

    Notes
    -----
    An outcome is told from its day on, so that those of one quarter and the next
    overlap in time where the horizon is longer than a quarter.

    Raises
    ------
    MissingColumnError
        If a column is missing.
    ContractError
        If a person stands twice on a day, a time is not above 0, or a protected
        attribute is a feature.
    """

    target: str
    label: str
    kind: Kind
    unit: str
    direction: str
    horizon_days: int | None
    features: tuple[str, ...]
    protected: tuple[str, ...]
    frame: pd.DataFrame
    current: pd.DataFrame
    share: float = 1.0

    def __post_init__(self) -> None:
        both = (*_KEY, *self.features, *self.protected)
        own = ("time", "event") if self.kind == "time" else ()
        for name, frame, wanted in (
            ("frame", self.frame, (*both, "outcome", *own)),
            ("current", self.current, both),
        ):
            missing = sorted({*wanted} - {*frame.columns})
            if missing:
                raise MissingColumnError.build(
                    "People to predict for lack columns",
                    where=f"{self.target}, {name}",
                    got=missing,
                )
        faults = []
        if self.frame.duplicated(["unit", "trial"]).any():
            faults.append("a person stands twice on one day")
        if own and not (self.frame["time"] > 0).all():
            faults.append("a time is not above 0")
        if {*self.features} & {*self.protected}:
            faults.append("a protected attribute is a feature")
        if faults:
            raise ContractError.build(
                "An outcome cannot be predicted", where=self.target, got=faults
            )


def load_prediction_frames(run: RunParams) -> tuple[PredictionFrame, ...]:
    """Read everything that is predicted of everybody.

    Parameters
    ----------
    run : RunParams
        The run.

    Returns
    -------
    tuple of PredictionFrame
        In the order of ``outcomes.yml``: ratings, exits, moves and days to
        proficiency, where they are declared, recorded, and seen after one day at
        least. Empty where there are none.

    Raises
    ------
    ParamError
        If a parameter file names what the data do not have.
    DesignError
        If a fact is dated after the day of a prediction.
    """
    store = run.workspace.store(run.params.org)
    con = open_cut(store, run.quarter.last_day, run.params.workbench.privacy)
    try:
        tables = list(read_json(store / "_load.json")["tables"])
        return build_prediction_frames(con, run.params, run.quarter, tables=tables)
    finally:
        con.close()


def build_prediction_frames(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    tables: Sequence[str],
) -> tuple[PredictionFrame, ...]:
    """Read what is predicted; see `load_prediction_frames`.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`.
    params : OrgParams
        The organisation's parameters.
    quarter : Quarter
        The reported quarter.
    tables : sequence of str
        Canonical tables that were loaded.
    """
    first = find_first_quarter(params)
    kinds = {
        item.id: kind
        for item in params.outcomes
        if (kind := find_kind(item)) and not find_missing_tables(item, tables)
    }
    chosen = [item for item in params.outcomes if item.id in kinds]
    spans = {item.id: _list_days(item, quarter, first=first) for item in chosen}
    quarters = sorted({item for span in spans.values() for item in span})
    days = [
        Day(trial=str(item), first_day=item.first_day, landmark=item.last_day)
        for item in quarters
    ]
    today = name_today(quarter)
    build_members(con, params, [*days, today])
    share = _choose_people(con, today.trial)
    people = _read_people(con, params, [*quarters, quarter.shift(1)], quarter)
    frames = []
    for outcome in chosen:
        values = read_values(con, outcome).set_index("row")
        joined = people.join(values, how="inner")
        known = joined["trial"].isin([str(item) for item in spans[outcome.id]])
        frames.append(
            _make_frame(
                params,
                outcome,
                kinds[outcome.id],
                frame=joined[known],
                current=joined.loc[joined["trial"] == today.trial, people.columns],
                share=share,
                quarter=quarter,
            )
        )
    return tuple(item for item in frames if item.frame["outcome"].notna().any())


def _list_days(outcome: Outcome, quarter: Quarter, *, first: Quarter) -> list[Quarter]:
    """List the quarters on whose first day an outcome could have been predicted."""
    quarters = list_quarters(first, quarter) if first <= quarter else []
    if find_kind(outcome) == "binary":
        later = int(outcome.horizon_days or 0) - 1
        cut = quarter.last_day
        quarters = [item for item in quarters if (cut - item.first_day).days >= later]
    return quarters[-QUARTERS_READ:]


def _choose_people(con: duckdb.DuckDBPyConnection, today: str) -> float:
    """Build ``learnt_from``: people of earlier days. Returns their share of all."""
    counted = con.execute(
        "select count(*), count(distinct unit) from members where trial <> ?", [today]
    ).fetchall()[0]
    rows, people = (int(value) for value in counted)
    wanted = people if rows <= MOST_ROWS else max(1, people * MOST_ROWS // rows)
    con.execute(_LEARNT_FROM, {"today": today, "wanted": wanted})
    return wanted / people if people else 1.0


def _read_people(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarters: Sequence[Quarter],
    quarter: Quarter,
) -> pd.DataFrame:
    """Build ``people``, and return it with a row number as index."""
    first = find_first_quarter(params)
    con.execute("create or replace temp table periods_read (trial varchar, period int)")
    rows = [(str(item), len(list_quarters(first, item)) - 1) for item in quarters]
    con.executemany("insert into periods_read values (?, ?)", rows)
    con.execute(_PEOPLE, {"cut": quarter.last_day, "today": str(quarter.shift(1))})
    protected = [*params.workbench.privacy.protected]
    listed = "".join(f", {quote_name(name)}" for name in (*FEATURES, *protected))
    frame = con.execute(_READ.format(listed=listed)).df().set_index("row")
    numbers = frame.select_dtypes("number").columns.drop("period")
    kinds = dict.fromkeys(numbers, "float64") | dict.fromkeys(_CATEGORIES, "category")
    return frame.astype(kinds | {"period": "int64"})


def _make_frame(
    params: OrgParams,
    outcome: Outcome,
    kind: Kind,
    *,
    frame: pd.DataFrame,
    current: pd.DataFrame,
    share: float,
    quarter: Quarter,
) -> PredictionFrame:
    return PredictionFrame(
        target=outcome.id,
        label=outcome.label or outcome.id,
        kind=kind,
        unit=outcome.unit,
        direction=outcome.direction,
        horizon_days=None if kind == "continuous" else outcome.horizon_days,
        features=FEATURES,
        protected=tuple(params.workbench.privacy.protected),
        frame=_date(frame, kind, outcome, quarter).reset_index(drop=True),
        current=current.reset_index(drop=True),
        share=share,
    )


def _date(
    frame: pd.DataFrame, kind: Kind, outcome: Outcome, quarter: Quarter
) -> pd.DataFrame:
    """Add the last day on which each outcome could still change."""
    if kind == "time":
        return frame.assign(known_on=pd.Timestamp(quarter.last_day))
    begins = pd.to_datetime(frame["time_zero"])
    if kind == "binary":
        days = int(outcome.horizon_days or 0) - 1
        return frame.assign(known_on=begins + pd.Timedelta(days=days))
    # the rating of the quarter that begins is known on that quarter's last day
    ends = (begins + pd.offsets.MonthBegin(3)) - pd.Timedelta(days=1)
    return frame.assign(known_on=ends)


_PEOPLE = """
create or replace temp table people as
select row_number() over (order by m.trial, m.unit) as row, m.*, p.period,
    coalesce(m.manager_id, m.unit) as team, cast($cut as date) as cut
from members m join periods_read p using (trial)
where m.trial = $today or m.unit in (select unit from learnt_from)
"""

_LEARNT_FROM = """
create or replace temp table learnt_from as
select unit from (select distinct unit from members where trial <> $today)
order by sha256(unit), unit limit $wanted
"""

_READ = (
    "select row, unit, trial, time_zero, period, persona, team{listed}"
    " from people order by row"
)
