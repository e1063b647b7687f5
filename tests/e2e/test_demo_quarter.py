"""The whole way on the demo organisation, held against the truth it was made with."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.e2e.project import copy_project, run_workbench
from workbench.core.store import hash_file, read_json

pytestmark = pytest.mark.e2e

QUARTER = "2026Q3"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MEASURED = (
    "performance_rating",
    "kpi_attainment",
    "retention_12m",
    "internal_mobility_12m",
    "skill_proficiency",
)
FARTHEST = 3.0
"""Standard errors that an estimate may lie from the truth."""

MOST_MISSES = 4
"""Of 25 intervals of 95 %; five or more would come about once in 150 draws."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_project(tmp_path_factory.mktemp("demo"))
    for arguments in (
        ("demo",),
        ("run", QUARTER, "--org", "demo"),
        ("brief", QUARTER, "--org", "demo", "--renderer", "builtin"),
    ):
        done = run_workbench(folder, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def results(project: Path) -> Path:
    return project / "outputs" / "demo" / QUARTER


@pytest.fixture(scope="module")
def estimates(results: Path) -> pd.DataFrame:
    paths = sorted(results.glob("*/psm/estimates.parquet"))
    assert len(paths) == 5
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)


@pytest.fixture(scope="module")
def compared(project: Path, estimates: pd.DataFrame) -> pd.DataFrame:
    truth = pd.read_parquet(project / "extracts/demo_truth/truth_effects.parquet")
    truth = truth[truth["exposure_quarter"] == "reported"]
    table = estimates.merge(
        truth[["persona", "program", "outcome", "att"]],
        on=["persona", "program", "outcome"],
        validate="m:1",
    )
    table = table[table["outcome"].isin(MEASURED)]
    return table.assign(z=(table["estimate"] - table["att"]) / table["std_error"])


def test_matched_intervals_cover_the_truth(compared: pd.DataFrame) -> None:
    headline = compared[compared["headline"]]
    assert len(headline) == 25
    covered = headline["att"].between(headline["ci_low"], headline["ci_high"])
    assert (~covered).sum() <= MOST_MISSES, headline.loc[~covered, ["persona", "z"]]
    assert headline["z"].abs().max() <= FARTHEST, headline[["persona", "outcome", "z"]]


def test_the_persona_without_effect_shows_none(compared: pd.DataFrame) -> None:
    idle = compared[compared["persona"] == "support_l1_experienced"]
    idle = idle[idle["headline"]]
    assert (idle["att"] == 0).all()
    assert (idle["p_adjusted"] > 0.05).all()
    assert not (idle["meets_threshold"] == "yes").any()


def test_the_naive_difference_is_wrong_beside_it(compared: pd.DataFrame) -> None:
    rating = compared[compared["outcome"] == "performance_rating"]
    naive = rating[rating["method"] == "naive"].set_index("persona")
    matched = rating[rating["headline"]].set_index("persona")
    far = (naive["z"].abs() > FARTHEST).sum()
    assert far >= 3
    bias = (naive["estimate"] - naive["att"]).abs()
    left = (matched["estimate"] - matched["att"]).abs()
    assert left.sum() <= 0.4 * bias.sum()
    idle = naive.loc["support_l1_experienced"]
    assert idle["ci_low"] > 0


@pytest.fixture(scope="module")
def over_time(project: Path, results: Path) -> pd.DataFrame:
    """Headlines of before and after, with the truth and the checks they failed."""
    truth = pd.read_parquet(project / "extracts/demo_truth/truth_effects.parquet")
    truth = truth[truth["exposure_quarter"] == "reported"]
    parts = []
    for folder in sorted(results.glob("*/did")):
        rows = pd.read_parquet(folder / "estimates.parquet")
        findings = pd.read_parquet(folder / "findings.parquet")
        rows = rows[rows["headline"]].merge(findings, on=["program", "outcome"])
        parts.append(rows)
    table = pd.concat(parts, ignore_index=True).merge(
        truth[["persona", "program", "outcome", "att"]],
        on=["persona", "program", "outcome"],
        validate="1:1",
    )
    return table.assign(z=(table["estimate"] - table["att"]) / table["std_error"])


def test_before_and_after_finds_the_truth_or_warns(over_time: pd.DataFrame) -> None:
    assert len(over_time) == 15
    shown = over_time[["persona", "outcome", "z", "failed_checks"]]
    passed = over_time["failed_checks"] == ""
    assert passed.sum() >= 8, shown
    assert over_time.loc[passed, "z"].abs().max() <= FARTHEST + 0.5, shown
    covered = over_time["att"].between(over_time["ci_low"], over_time["ci_high"])
    assert (~covered[passed]).sum() <= 2, shown
    far = over_time["z"].abs() > FARTHEST + 0.5
    assert not (far & passed).any(), shown


def test_a_quarter_before_that_was_unusual_is_named(over_time: pd.DataFrame) -> None:
    rating = over_time[over_time["outcome"] == "performance_rating"]
    failed = rating["failed_checks"].str.contains("last_quarter_before")
    assert failed.sum() >= 3
    assert (rating.loc[failed, "z"] < 0).all()


def test_two_designs_stand_side_by_side(results: Path) -> None:
    paths = sorted(results.glob("*/did/triangulation.parquet"))
    both = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    assert len(both) == 30
    compared = both[both["agree"] != "not compared"]
    assert len(compared) == 15
    assert {"yes", "no"} <= set(compared["agree"])
    apart = compared[compared["agree"] == "no"]
    assert (apart["explanation"] != "").all()
    assert both["grade"].between(0, 3).all()


@pytest.fixture(scope="module")
def followed(project: Path, results: Path) -> pd.DataFrame:
    """Headlines of outcomes that take time, with the truth.

    Over 12 months it is that against people who may learn later; days have one only.
    """
    truth = pd.read_parquet(project / "extracts/demo_truth/truth_effects.parquet")
    truth = truth[truth["exposure_quarter"] == "reported"]
    paths = sorted(results.glob("*/survival/estimates.parquet"))
    assert len(paths) == 5
    table = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    table = table[table["headline"]].merge(
        truth[["persona", "program", "outcome", "att_diluted"]],
        on=["persona", "program", "outcome"],
        how="left",
        validate="1:1",
    )
    return table.assign(
        z=(table["estimate"] - table["att_diluted"]) / table["std_error"]
    )


def test_people_followed_over_time_find_the_truth(followed: pd.DataFrame) -> None:
    answered = followed[followed["estimate"].notna()]
    yearly = answered[answered["outcome"] != "ramp_days"]
    assert len(yearly) == 10
    assert answered["z"].abs().max() <= FARTHEST, answered[["persona", "outcome", "z"]]
    covered = answered["att_diluted"].between(answered["ci_low"], answered["ci_high"])
    assert (~covered).sum() <= 2
    refused = followed[followed["estimate"].isna()]
    assert (refused["limitation"].str.startswith("Not answerable")).all()


def test_the_first_year_is_shown_to_get_there_sooner(followed: pd.DataFrame) -> None:
    ramp = followed[followed["outcome"] == "ramp_days"].set_index("persona")
    new = ramp.loc["support_l1_new"]
    assert new["unit"] == "days"
    assert new["ci_high"] < 0
    assert abs(new["z"]) <= FARTHEST


def test_recent_learners_are_predicted_and_never_observed(results: Path) -> None:
    for folder in sorted(results.glob("*/survival")):
        expected = pd.read_parquet(folder / "extrapolated.parquet")
        shown = expected[expected["predicted"].notna()]
        assert not shown.empty
        assert (shown["observed_days"] < 365).all()
        assert (shown["low"] < shown["predicted"]).all()
        assert (shown["predicted"] < shown["high"]).all()


@pytest.fixture(scope="module")
def tested(project: Path, results: Path) -> pd.DataFrame:
    """Estimates of the experiments, with the truth about those who learnt."""
    truth = pd.read_parquet(project / "extracts/demo_truth/truth_effects.parquet")
    truth = truth[truth["exposure_quarter"] == "reported"]
    paths = sorted(results.glob("*/ab/estimates.parquet"))
    table = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    return table.merge(
        truth[["persona", "program", "outcome", "att"]],
        on=["persona", "program", "outcome"],
        how="left",
        validate="m:1",
    )


def test_experiments_find_the_effect_of_learning(tested: pd.DataFrame) -> None:
    learnt = tested[(tested["method"] == "ab_iv") & tested["estimate"].notna()]
    learnt = learnt[learnt["subgroup_by"].isna()]
    assert {"kpi_attainment", "skill_proficiency"} <= set(learnt["outcome"])
    z = (learnt["estimate"] - learnt["att"]) / learnt["std_error"]
    assert z.abs().max() <= FARTHEST, learnt[["persona", "outcome"]].assign(z=z)
    assert learnt["evidence"].between(2, 5).all()


def test_offers_change_less_than_learning(tested: pd.DataFrame) -> None:
    overall = tested[tested["subgroup_by"].isna()].set_index(["persona", "outcome"])
    offered = overall[overall["method"] == "ab_itt"]["estimate"]
    learnt = overall[overall["method"] == "ab_iv"]["estimate"].dropna()
    share = offered.loc[learnt.index] / learnt
    assert share.between(0.3, 0.9).all(), share


def test_personas_without_experiment_say_so(results: Path) -> None:
    for persona in ("engineers", "account_managers", "support_l1_experienced"):
        status = read_json(results / persona / "ab" / "status.json")
        assert status["status"] == "not_applicable"
        assert status["reason"]


def test_every_matched_estimate_is_examined(results: Path) -> None:
    for folder in sorted(results.glob("*/psm")):
        variants = pd.read_parquet(folder / "specification.parquet")
        counts = variants.groupby(["program", "outcome"]).size()
        assert set(counts.index.get_level_values("outcome")) == set(MEASURED)
        assert (counts >= 48).all()
        refuted = pd.read_parquet(folder / "refutation.parquet")
        assert refuted.groupby(["program", "outcome"])["refuter"].nunique().eq(4).all()
        answers = pd.read_parquet(folder / "answers.parquet")
        answers = answers[answers["outcome"].isin(MEASURED)]
        assert (answers["overturn"] != "").all()


@pytest.fixture(scope="module")
def portfolio(results: Path) -> Path:
    return results / "_all" / "portfolio"


def test_the_harmful_module_is_retired_and_the_empty_one_not_boosted(
    portfolio: Path,
) -> None:
    modules = pd.read_parquet(portfolio / "modules.parquet").set_index("module")
    assert modules.loc["acct-3", "decision"] == "retire"
    assert modules.loc["l1-4", "decision"] != "boost"
    assert (modules["reason"].str.len() > 20).all()
    paths = pd.read_parquet(portfolio / "paths.parquet")
    assert not paths["module"].isin(["acct-3"]).any()
    assert (paths["practice"].str.len() > 20).all()
    assert (paths["coaching_prompt"].str.len() > 20).all()


def test_effects_of_modules_find_the_truth(project: Path, portfolio: Path) -> None:
    truth = pd.read_parquet(project / "extracts/demo_truth/truth_modules.parquet")
    kinds = {"performance_rating": "rating", "kpi_attainment": "kpi"}
    kinds["skill_proficiency"] = "skill"
    table = pd.read_parquet(portfolio / "module_effects.parquet")
    table = table[(table["method"] == "aipw") & table["outcome"].isin(list(kinds))]
    table = table.assign(effect=table["outcome"].map(kinds)).merge(
        truth[["course_id", "effect", "att"]],
        left_on=["module", "effect"],
        right_on=["course_id", "effect"],
        validate="1:1",
    )
    told = table[table["estimate"].notna()]
    assert len(told) == 48
    z = (told["estimate"] - told["att"]) / told["std_error"]
    assert z.abs().max() <= FARTHEST + 0.5
    covered = told["att"].between(told["ci_low"], told["ci_high"])
    assert (~covered).sum() <= 6


def test_paths_keep_to_their_limits(project: Path, portfolio: Path) -> None:
    summary = pd.read_parquet(portfolio / "path_summary.parquet").set_index("persona")
    assert summary.loc["support_l1_new", "hours"] <= 24
    assert summary.loc["support_l1_new", "seats"] == 60
    assert (summary["hours"] * summary["seats"]).sum() <= 3400
    paths = pd.read_parquet(portfolio / "paths.parquet")
    assert paths.groupby("persona").size().between(3, 5).all()
    checks = pd.read_parquet(portfolio / "diagnostics.parquet").set_index("check")
    assert checks.loc["paths_optimal", "status"] == "pass"


def test_actions_wait_for_a_signature_and_for_seats(results: Path) -> None:
    for folder in sorted(results.glob("*/prescription")):
        actions = pd.read_parquet(folder / "actions.parquet")
        seats = pd.read_parquet(folder / "seats.parquet")
        assert set(actions["status"]) <= {"proposed"}
        assert actions["signed_by"].isna().all()
        assert (actions["expires_on"] > actions["effective_on"]).all()
        path = actions[actions["action"] == "path_module"]
        assert set(path["unit"]) <= set(seats["unit"])
        assert actions["action_id"].is_unique


def test_predictions_are_tested_on_later_quarters(results: Path) -> None:
    folder = results / "_all" / "prediction"
    scores = pd.read_parquet(folder / "scores.parquet")
    assert set(scores["target"]) >= {"performance_rating", "retention_12m"}
    chosen = scores[scores["chosen"]].set_index(["target", "metric"])
    assert chosen.loc[("retention_12m", "auc"), "low"] > 0.5
    cards = pd.read_parquet(folder / "cards.parquet")
    assert cards["text"].str.contains("not be used", case=False).any()


def test_what_is_approved_is_exported_and_nothing_else(project: Path) -> None:
    run_workbench(
        project, "actions", "approve", "--org", "demo", "--persona", "team_leads",
        "--rule", "path_begin", "--by", "desk",
    )  # fmt: skip
    done = run_workbench(project, "export", QUARTER, "--org", "demo", "--only", "lms")
    assert done.returncode == 0, done.stdout + done.stderr
    files = sorted((project / "outputs/demo/exports" / QUARTER).rglob("*.csv"))
    rows = [len(path.read_text("utf-8").splitlines()) - 1 for path in files]
    seats = project / "outputs/demo" / QUARTER / "team_leads/prescription/seats.parquet"
    # one file for each learning platform, each with all that was approved
    assert len(rows) == 3
    assert 0 < min(rows) == max(rows) <= len(pd.read_parquet(seats))


def test_every_bad_row_is_set_apart_with_its_reason(project: Path) -> None:
    truth = read_json(project / "extracts/demo_truth/truth.json")
    expected: dict[tuple[str, str], int] = {}
    for wart in truth["warts"]:
        if wart["reason"]:
            key = (wart["table"], wart["reason"])
            expected[key] = expected.get(key, 0) + wart["rows"]
    path = project / "outputs/demo/store/_quarantine.parquet"
    found = duckdb.sql(
        f"select \"table\", reason, count(*) from '{path}' group by all"
    ).fetchall()
    assert {(table, reason): rows for table, reason, rows in found} == expected


def test_no_raw_id_name_or_address_is_in_the_store(project: Path) -> None:
    people = (project / "extracts/demo/hris/personnel_master.csv").read_text("latin-1")
    addresses = set(re.findall(r"[\w.\-]+@[\w.\-]+", people))
    assert addresses
    store = project / "outputs/demo/store"
    for path in sorted(store.glob("*.parquet")):
        columns = duckdb.sql(f"describe select * from '{path}'").fetchall()
        texts = [name for name, kind, *_ in columns if kind == "VARCHAR"]
        for name in texts:
            rows = duckdb.sql(
                f"select count(*) from '{path}' where \"{name}\" like '%@%'"
            ).fetchall()
            assert rows == [(0,)], (path.name, name)
    ids = duckdb.sql(f"select employee_id from '{store / 'employees.parquet'}'")
    assert all(re.fullmatch(r"[0-9a-f]{32}", row[0]) for row in ids.fetchall())


def test_a_second_run_starts_no_notebook(project: Path, results: Path) -> None:
    before = {path: hash_file(path) for path in results.rglob("*.parquet")}
    done = run_workbench(project, "run", QUARTER, "--org", "demo")
    assert done.returncode == 0, done.stderr
    assert "29 unchanged" in done.stdout + done.stderr
    assert {path: hash_file(path) for path in results.rglob("*.parquet")} == before


@pytest.mark.parametrize("stage", ["psm", "did", "ab", "survival"])
def test_forced_results_are_byte_identical(
    project: Path, results: Path, stage: str
) -> None:
    folder = results / "team_leads" / stage
    before = {path.name: hash_file(path) for path in folder.glob("*.parquet")}
    assert "estimates.parquet" in before
    done = run_workbench(
        project, "run", QUARTER, "--org", "demo",
        "--persona", "team_leads", "--stage", stage, "--force",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    after = {path.name: hash_file(path) for path in folder.glob("*.parquet")}
    assert after == before


def test_the_manifest_names_everything_that_went_in(results: Path) -> None:
    manifest = read_json(results / "team_leads" / "psm" / "manifest.json")
    text = json.dumps(manifest)
    for word in ("parameters", "seed", "data_cut", "notebook", "package", "outputs"):
        assert word in manifest, word
    assert manifest["status"] == "done"
    assert "estimates.parquet" in text


def test_the_brief_has_its_pages_and_its_numbers(
    project: Path, compared: pd.DataFrame
) -> None:
    version = project / "outputs" / "demo" / "briefs" / QUARTER / "v1"
    pages = {str(path.relative_to(version)) for path in version.rglob("*.html")}
    personas = sorted(compared["persona"].unique())
    assert {"index.html", "data_quality.html", "methods.html"} <= pages
    assert {"actions.html", "appendix/all/portfolio.html"} <= pages
    assert {f"personas/{name}.html" for name in personas} <= pages
    assert {f"appendix/{name}/psm.html" for name in personas} <= pages
    for stage in ("did", "ab", "survival"):
        assert {f"appendix/{name}/{stage}.html" for name in personas} <= pages
    published = read_json(version / "brief.json")
    numbers = json.dumps(published)
    lead = compared[(compared["persona"] == "team_leads") & compared["headline"]]
    for value in lead["estimate"]:
        assert np.format_float_positional(value, precision=6)[:6] in numbers


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH")
def test_every_page_opens_without_complaint_or_outside_request(project: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    version = project / "outputs" / "demo" / "briefs" / QUARTER / "v1"
    complaints: list[str] = []
    outside: list[str] = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM,
            args=["--headless", "--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: outside.append(request.url))
        for path in sorted(version.rglob("*.html")):
            page.goto(path.as_uri())
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390, path.name
        browser.close()
    assert not complaints
    assert [url for url in outside if not url.startswith(version.as_uri())] == []


def test_no_pseudonym_is_published(project: Path) -> None:
    store = project / "outputs/demo/store/employees.parquet"
    ids = duckdb.sql(f"select employee_id from '{store}'").fetchall()
    version = project / "outputs" / "demo" / "briefs" / QUARTER / "v1"
    wanted = {row[0] for row in ids}
    for path in sorted(version.rglob("*")):
        if path.is_file():
            found = set(re.findall(rb"[0-9a-f]{32}", path.read_bytes()))
            assert not wanted & {item.decode() for item in found}, path


def test_an_unknown_persona_is_refused_before_anything_starts(project: Path) -> None:
    done = run_workbench(project, "run", QUARTER, "--org", "demo", "--persona", "all")
    assert done.returncode != 0
    assert "no persona 'all'" in done.stderr
    assert "Traceback" not in done.stderr
