"""Cox regression and the test of proportional hazards against R and textbooks.

Sources, all printed by the R package survival (Efron's ties throughout):

* "Examples": stored output of the package's examples (R-devel 2023-01, survival 3.5).
* "doweight", "book6": stored outputs of the package's own tests (R-devel 2020-02,
  survival 3.1); the data and their formulas are those of the appendix of Therneau and
  Grambsch (2000), Modeling Survival Data.
* "zph": the same (R-devel 2020-03); "cancer", "ovarian", "doaml": R 2.11.1.
* Rossi: survival 3.5, coxph and cox.zph, run once, typed in here.

Tolerance: half a unit of the last place printed, since R prints rounded values. R's
errors by cluster lack the factor G/(G-1), which is taken out of ours before comparing.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from lifelines import CoxTimeVaryingFitter

from tests.reference.survival_data import code, half, marks, matrix, read, times
from workbench.impact.survival.cox import Cox, fit_cox
from workbench.impact.survival.cox_model import solve_cox
from workbench.impact.survival.efron import (
    build_event_steps,
    sum_moments,
    sum_residuals,
)
from workbench.impact.survival.proportional import (
    GLOBAL,
    check_proportional,
)
from workbench.impact.survival.proportional import (
    test_proportional as find_drift,
)

ITERATED = 1e-6
"""Both maximise by Newton's method; R stops at a relative change of 1e-9."""

ROSSI = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]


def _fit_rossi(clusters: dict[str, np.ndarray] | None = None) -> Cox:
    frame = read("rossi")
    return fit_cox(
        times(frame, "week"),
        marks(frame, "arrest"),
        matrix(frame, ROSSI),
        names=ROSSI,
        clusters=clusters,
    )


def _without_factor(found: Cox) -> np.ndarray:
    assert found.n_clusters is not None
    return found.robust_error * math.sqrt(1 - 1 / found.n_clusters)


def test_rossi_coefficients_and_errors() -> None:
    found = _fit_rossi()
    assert found.names == tuple(ROSSI)
    assert found.coef[0] == pytest.approx(-0.3794222, abs=half(7))
    assert found.std_error[0] == pytest.approx(0.1913795, abs=half(7))
    assert found.coef[1] == pytest.approx(-0.0574377, abs=half(7))
    assert found.coef[6] == pytest.approx(0.0914971, abs=half(7))
    assert found.robust_error[0] == pytest.approx(0.195542, abs=half(6))
    assert (found.n, found.n_events) == (432, 114)


def test_rossi_error_by_cluster() -> None:
    """Clusters are eight rows that follow each other in the file."""
    found = _fit_rossi({"eight": np.arange(432) // 8})
    assert _without_factor(found)[0] == pytest.approx(0.220748, abs=half(6))
    assert (found.n_clusters, found.df) == (54, 53)


def test_rossi_proportional_hazards() -> None:
    frame = read("rossi")
    found = find_drift(
        times(frame, "week"),
        marks(frame, "arrest"),
        matrix(frame, ROSSI),
        names=ROSSI,
    )
    chi2 = found.table.set_index("term")["chi2"]
    p_value = found.table.set_index("term")["p_value"]
    assert chi2["age"] == pytest.approx(5.97398, abs=half(5))
    assert chi2["wexp"] == pytest.approx(4.2246, abs=half(4))
    assert chi2[GLOBAL] == pytest.approx(17.69442, abs=half(5))
    assert p_value["age"] == pytest.approx(0.0145, abs=half(4))
    assert p_value["wexp"] == pytest.approx(0.040, abs=half(3))
    check = check_proportional(found, term="fin")
    assert check.passed is False
    assert "age, wexp" in check.text


def test_ovarian_proportional_hazards() -> None:
    """Examples, "cox.zph"."""
    frame = read("ovarian")
    names = ["age", "ecog.ps"]
    found = find_drift(
        times(frame, "futime"),
        marks(frame, "fustat"),
        matrix(frame, names),
        names=names,
    )
    known = {"age": 0.698, "ecog.ps": 2.371, GLOBAL: 3.633}
    for term, value in known.items():
        row = found.table.set_index("term").loc[term]
        assert row["chi2"] == pytest.approx(value, abs=half(3))
    assert found.table["df"].tolist() == [1, 1, 2]


def test_proportional_hazards_worked_by_hand() -> None:
    """Zph: seven rows, two of them tied; coefficient and test are known as formulas."""
    days, event = np.array([9.0, 1, 1, 6, 6, 8]), np.array([1, 1, 0, 1, 1, 0]) == 1
    x = np.array([[0.0], [1], [1], [1], [0], [0]])
    phi = math.acos(45 / 23 * math.sqrt(3 / 23))
    r = 2 * math.sqrt(23 / 3) * math.cos(phi / 3)
    score = np.array([1 / (r + 1), 3 / (r + 3), -r / (r + 5), 0])
    spread = np.array([r / (r + 1) ** 2, 3 * r / (r + 3) ** 2, 5 * r / (r + 5) ** 2, 0])
    found = fit_cox(days, event, x, names=["x"])
    assert found.coef[0] == pytest.approx(math.log(r), abs=ITERATED)
    for transform, by in (("log", np.log([1, 6, 6, 9])), ("identity", [1, 6, 6, 9])):
        by = np.asarray(by)
        first = np.array([score.sum(), by @ score])
        second = np.array([[spread.sum(), by @ spread], [by @ spread, by**2 @ spread]])
        known = first @ np.linalg.solve(second, first)
        tested = find_drift(days, event, x, names=["x"], transform=transform)
        assert tested.table["chi2"][0] == pytest.approx(known, rel=ITERATED)


def test_simplest_stratified_model() -> None:
    """Examples, "coxph"."""
    found = fit_cox(
        np.array([4.0, 3, 1, 1, 2, 2, 3]),
        np.array([1, 1, 1, 0, 1, 1, 0]) == 1,
        np.array([[0.0], [2], [1], [1], [1], [0], [0]]),
        names=["x"],
        strata=np.array([0, 0, 0, 0, 1, 1, 1]),
    )
    assert found.coef[0] == pytest.approx(0.8023, abs=half(4))
    assert found.std_error[0] == pytest.approx(0.8224, abs=half(4))
    assert found.n_events == 5


def test_simplest_model_with_late_entry() -> None:
    """Examples, "coxph"."""
    found = fit_cox(
        np.array([2.0, 3, 6, 7, 8, 9, 9, 9, 14, 17]),
        np.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0]) == 1,
        np.array([[1.0], [0], [0], [1], [0], [1], [1], [1], [0], [0]]),
        names=["x"],
        entry=np.array([1.0, 2, 5, 2, 1, 7, 3, 4, 8, 8]),
    )
    assert found.coef[0] == pytest.approx(-0.02111, abs=half(5))
    assert found.std_error[0] == pytest.approx(0.79518, abs=half(5))


SCORES = np.array(
    [
        0.88116056,
        0.02477248,
        0.06057806,
        0.06057806,
        -0.59724033,
        -0.16737066,
        0.38040295,
        -0.13750290,
        0.66631324,
    ]
)


def test_weights_ties_and_score_residuals() -> None:
    """Doweight and book6: nine rows with weights and a triple tie."""
    weights = np.array([1.0, 2, 3, 4, 3, 2, 1, 2, 1])
    rows = {
        "duration": np.array([1.0, 1, 2, 2, 2, 2, 3, 4, 5]),
        "event": np.array([1, 0, 1, 1, 1, 0, 0, 1, 0]) == 1,
        "covariates": np.array([[2.0], [0], [1], [1], [0], [1], [0], [1], [0]]),
    }
    found = fit_cox(**rows, names=["x"], weights=weights)
    assert found.coef[0] == pytest.approx(0.8726, abs=half(4))
    assert found.std_error[0] == pytest.approx(0.7126, abs=half(4))
    model = solve_cox(**rows, names=["x"], weights=weights)
    residuals = sum_residuals(model.steps, model.scaled, model.moments) * model.scale
    assert residuals[:, 0] == pytest.approx(SCORES, abs=half(7))
    influence = weights * SCORES * found.std_error[0] ** 2
    assert found.influence[:, 0] == pytest.approx(influence, abs=1e-7)
    assert model.moments.log_likelihood == pytest.approx(
        _likelihood(found.coef[0]) - _likelihood(0.0) + _at_zero(rows, weights),
        abs=ITERATED,
    )


def _likelihood(coef: float) -> float:
    """Return the log likelihood as worked out in the appendix of the book."""
    r = math.exp(coef)
    a, b = 7 * r + 3, 4 * r + 2
    tied = math.log(a + b) + math.log(2 * a / 3 + b) + math.log(a / 3 + b)
    return 11 * coef - (
        math.log(r**2 + 11 * r + 7) + 10 / 3 * tied + 2 * math.log(2 * r + 1)
    )


def _at_zero(rows: dict[str, np.ndarray], weights: np.ndarray) -> float:
    """Return our log likelihood at 0, so that only its constant is taken from us."""
    steps = build_event_steps(rows["duration"], rows["event"], weights=weights)
    return sum_moments(steps, rows["covariates"], np.zeros(1)).log_likelihood


def test_rows_of_a_person_that_follow_each_other() -> None:
    """Doweight: the same nine people, some cut into several rows."""
    person = np.array([1, 1, 2, 3, 3, 3, 4, 5, 5, 6, 7, 8, 8, 9]) - 1
    weights = np.array([1.0, 1, 2, 3, 3, 3, 4, 3, 3, 2, 1, 2, 2, 1])
    found = fit_cox(
        np.array([5.0, 10, 10, 10, 15, 20, 20, 14, 20, 20, 30, 23, 40, 50]),
        np.array([0, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 0]) == 1,
        np.array(
            [[2.0], [2], [0], [1], [1], [1], [1], [0], [0], [1], [0], [1], [1], [0]]
        ),
        names=["x"],
        entry=np.array([0.0, 5, 0, 0, 10, 15, 0, 0, 14, 0, 0, 0, 23, 0]),
        weights=weights,
        clusters={"person": person},
    )
    assert found.coef[0] == pytest.approx(0.8726, abs=half(4))
    by_person = np.bincount(person, found.influence[:, 0])
    first = np.searchsorted(person, np.arange(9))
    known = weights[first] * SCORES * found.std_error[0] ** 2
    assert by_person == pytest.approx(known, abs=1e-7)
    assert _without_factor(found)[0] == pytest.approx(math.sqrt((known**2).sum()))


BLADDER = {
    "rx": (-0.52598, 0.31583, 0.31524),
    "size": (0.06961, 0.10156, 0.08863),
    "number": (0.23818, 0.07588, 0.07459),
    "rx2": (-0.10633, 0.50424, 0.33396),
    "rx3": (-0.17251, 0.55780, 0.39868),
    "rx4": (-0.10945, 0.65730, 0.50636),
    "size2": (-0.14737, 0.16803, 0.11409),
    "size3": (-0.28345, 0.20894, 0.15220),
    "size4": (-0.27607, 0.25222, 0.18904),
    "number2": (-0.10125, 0.11904, 0.11759),
    "number3": (-0.06467, 0.12925, 0.12035),
    "number4": (0.09429, 0.14594, 0.11973),
}


def test_bladder_tumours_with_strata_and_clusters() -> None:
    """Examples, "coxph": the marginal model of Wei, Lin and Weissfeld (1989)."""
    frame = read("bladder")
    for name in ("rx", "size", "number"):
        for turn in (2, 3, 4):
            frame[f"{name}{turn}"] = frame[name] * (frame["enum"] == turn)
    found = fit_cox(
        times(frame, "stop"),
        marks(frame, "event"),
        matrix(frame, list(BLADDER)),
        names=list(BLADDER),
        strata=code(frame, "enum"),
        clusters={"person": code(frame, "id")},
    )
    coef, error, robust = np.array(list(BLADDER.values())).T
    assert found.coef == pytest.approx(coef, abs=half(5))
    assert found.std_error == pytest.approx(error, abs=half(5))
    assert _without_factor(found) == pytest.approx(robust, abs=half(5))
    assert (found.n, found.n_events, found.n_clusters) == (340, 112, 85)


def test_retinopathy_with_two_eyes_per_person() -> None:
    """Examples, "diabetic"."""
    frame = read("diabetic")
    frame["juvenile"] = (frame["age"] < 20).astype(int)
    found = fit_cox(
        times(frame, "time"),
        marks(frame, "status"),
        matrix(frame, ["trt", "juvenile"]),
        names=["trt", "juvenile"],
        clusters={"person": code(frame, "id")},
    )
    assert found.coef == pytest.approx([-0.77893, -0.05388], abs=half(5))
    assert found.std_error == pytest.approx([0.16893, 0.16211], abs=half(5))
    assert _without_factor(found) == pytest.approx([0.14851, 0.17864], abs=half(5))


LUNG = {
    "ph.ecog": (0.7299987, 0.2689397),
    "ph.karno": (0.0130512, 0.0137362),
    "pat.karno": (-0.0140955, 0.0093680),
    "wt.loss": (-0.0148821, 0.0084811),
    "sex": (-0.6612534, 0.2339979),
    "age": (0.0050920, 0.0137288),
    "meal.cal": (-0.0002398, 0.0003019),
}


def test_lung_cancer() -> None:
    """Examples, "summary.coxph", and cancer: 18 institutions as strata."""
    frame = read("lung")
    names = ["age", "sex"]
    found = fit_cox(
        times(frame, "time"),
        frame["event"].to_numpy(),
        matrix(frame, names),
        names=names,
    )
    assert found.coef == pytest.approx([0.017045, -0.513219], abs=half(6))
    assert found.std_error == pytest.approx([0.009223, 0.167458], abs=half(6))
    frame = frame.dropna()
    found = fit_cox(
        times(frame, "time"),
        frame["event"].to_numpy(),
        matrix(frame, list(LUNG)),
        names=list(LUNG),
        strata=code(frame, "inst"),
    )
    coef, error = np.array(list(LUNG.values())).T
    assert found.coef == pytest.approx(coef, abs=half(7))
    assert found.std_error == pytest.approx(error, abs=half(7))
    assert (found.n, found.n_events) == (167, 120)


def test_ovarian_cancer() -> None:
    """Examples, "strata", and ovarian: no ties, so that these hold for any method."""
    frame = read("ovarian")
    cases = {
        ("resid.ds", "rx", "ecog.ps"): (
            (1.347, 0.680),
            (-0.749, 0.595),
            (0.453, 0.590),
        ),
        ("age", "rx", "ecog.ps"): ((0.147, 0.0463), (-0.815, 0.6342), (0.103, 0.6064)),
    }
    for names, known in cases.items():
        found = fit_cox(
            times(frame, "futime"),
            marks(frame, "fustat"),
            matrix(frame, list(names)),
            names=names,
        )
        assert found.coef == pytest.approx([coef for coef, _ in known], abs=half(3))
        assert found.std_error == pytest.approx([err for _, err in known], abs=half(3))
    found = fit_cox(
        times(frame, "futime"),
        marks(frame, "fustat"),
        matrix(frame, ["age"]),
        names=["age"],
        strata=code(frame, "rx"),
    )
    assert found.coef[0] == pytest.approx(0.13735, abs=half(5))
    assert found.std_error[0] == pytest.approx(0.04741, abs=half(5))


VETERAN = {0: -0.049176157, 1: -0.011031558, 2: -0.007629841}


def test_veterans_with_an_effect_that_fades() -> None:
    """Examples, "survSplit": one effect per stretch of time, cut at 60 and 120 days."""
    frame = read("veteran")
    names = ["karno", "age", "trt"]
    whole = fit_cox(
        times(frame, "time"), marks(frame, "status"), matrix(frame, names), names=names
    )
    assert whole.coef[0] == pytest.approx(-0.034443897, abs=half(9))
    parts = []
    for stretch, (start, end) in enumerate([(0, 60), (60, 120), (120, math.inf)]):
        part = frame[frame["time"] > start].copy()
        part["event"] = (part["status"] == 1) & (part["time"] <= end)
        part["stop"] = np.minimum(part["time"], end)
        part["start"], part["stretch"] = start, stretch
        parts.append(part)
    rows = {
        key: np.concatenate([part[key].to_numpy() for part in parts])
        for key in ("start", "stop", "event", "stretch", "karno", "age", "trt")
    }
    columns = [rows["karno"] * (rows["stretch"] == stretch) for stretch in VETERAN]
    found = fit_cox(
        rows["stop"].astype(float),
        rows["event"].astype(bool),
        np.column_stack([*columns, rows["age"], rows["trt"]]).astype(float),
        names=["first", "second", "third", "age", "trt"],
        entry=rows["start"].astype(float),
        strata=rows["stretch"].astype("int64"),
    )
    assert found.coef[:3] == pytest.approx(list(VETERAN.values()), abs=half(9))


def test_heart_transplants_as_time_varying() -> None:
    """A second computation: CoxTimeVaryingFitter of lifelines 0.30 (Efron's ties)."""
    frame = read("heart")
    names = ["age", "year", "surgery", "transplant"]
    frame["transplant"] = frame["transplant"].astype(int)
    fitter = CoxTimeVaryingFitter().fit(
        frame[["id", "start", "stop", "event", *names]],
        id_col="id",
        event_col="event",
        start_col="start",
        stop_col="stop",
    )
    found = fit_cox(
        times(frame, "stop"),
        marks(frame, "event"),
        matrix(frame, names),
        names=names,
        entry=times(frame, "start"),
    )
    assert found.coef == pytest.approx(fitter.params_[names], abs=ITERATED)
    errors = fitter.standard_errors_[names]
    assert found.std_error == pytest.approx(errors, abs=ITERATED)
