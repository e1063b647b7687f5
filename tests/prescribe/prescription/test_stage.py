"""The prescription stage, whole: seats, values, access, actions."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.prescribe.drawn_stage import draw_records, make_params, make_people
from workbench.core.results import StageResult
from workbench.prescribe.portfolio.stage import estimate_portfolio_stage
from workbench.prescribe.prescription.stage import estimate_prescription_stage
from workbench.prescribe.rules.read import read_rules
from workbench.prescribe.rules.vocabulary import Vocabulary

RULES = """\
rules:
  - id: begin
    label: The path has not begun
    when:
      all:
        - programme_learnt: false
        - has_seat: true
    then:
      action: path_module
      module: next_in_path
      expires_after_days: 60
      priority: 1
      reason_code: begin
      reason: "{module} comes first."
      expected: {from: path}
examples:
  - given: {programme_learnt: false}
    expect: [begin]
  - given: {programme_learnt: false, has_seat: false}
    expect: none
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "rules.yml").write_text(RULES, encoding="utf-8")
    records = draw_records()
    people, params = make_people(records), make_params(folder, records)
    known = Vocabulary(names={"persona": frozenset({records.persona})}, protected=())
    portfolio = estimate_portfolio_stage([records], people, params=params, seed=3)
    given = {
        "rules": read_rules(folder / "rules.yml", known),
        "consent": frozenset(people.frame["unit"]),
        "params": params,
        "persona": records.persona,
        "seed": 3,
    }
    result = estimate_prescription_stage([records], people, portfolio, **given)
    return {
        "records": records,
        "people": people,
        "portfolio": portfolio,
        "given": given,
        "result": result,
    }


def test_all_seats_are_given_to_people_who_have_yet_to_learn(made: dict) -> None:
    seats = made["result"].tables["seats"]
    frame = made["people"].frame.set_index("unit")
    assert len(seats) == 20
    assert not frame.loc[seats["unit"], "learnt"].any()


def test_the_largest_gaps_come_first_within_the_floor(made: dict) -> None:
    result = made["result"]
    assert result.facts["ranking"] in ("need", "predicted")
    rates = result.tables["access"]
    mine = rates[(rates["kind"] == "prescribed") & (rates["attribute"] == "shift")]
    assert mine["rate"].min() / mine["rate"].max() >= 0.8 - 1e-9
    if result.facts["ranking"] == "need":
        frame = made["people"].frame.set_index("unit")
        chosen = frame.loc[result.tables["seats"]["unit"], "skill_gap"]
        assert chosen.mean() > frame.loc[~frame["learnt"], "skill_gap"].mean() + 4


def test_only_people_with_a_seat_get_a_module_of_the_path(made: dict) -> None:
    actions = made["result"].tables["actions"]
    assert set(actions["unit"]) == set(made["result"].tables["seats"]["unit"])
    assert set(actions["course_id"]) == {"m-1"}
    assert set(actions["status"]) == {"proposed"}


def test_who_has_not_agreed_gets_no_action(made: dict) -> None:
    seated = sorted(made["result"].tables["seats"]["unit"])
    agreed = made["given"]["consent"] - {seated[0]}
    again = estimate_prescription_stage(
        [made["records"]],
        made["people"],
        made["portfolio"],
        **(made["given"] | {"consent": agreed}),
    )
    assert seated[0] not in set(again.tables["actions"]["unit"])
    assert seated[1] in set(again.tables["actions"]["unit"])


def test_a_rule_s_people_do_not_tell_the_few_seats_without_it(made: dict) -> None:
    (counts,) = made["result"].tables["rule_counts"].to_dict("records")
    assert not counts["suppressed"]
    assert counts["people_proposed"] == len(made["result"].tables["seats"]) == 20
    seated = sorted(made["result"].tables["seats"]["unit"])
    again = estimate_prescription_stage(
        [made["records"]],
        made["people"],
        made["portfolio"],
        **(made["given"] | {"consent": made["given"]["consent"] - {seated[0]}}),
    )
    assert len(again.tables["seats"]) == 20
    (few,) = again.tables["rule_counts"].to_dict("records")
    assert few["suppressed"]
    assert pd.isna(
        [few[f"people_{name}"] for name in ("met", "open", "proposed")]
    ).all()


@pytest.mark.parametrize(("unknown", "told"), [(3, "fewer than 10"), (12, "12")])
def test_how_many_have_no_known_need_is_not_told_of_a_few(
    made: dict, unknown: int, told: str
) -> None:
    frame = made["people"].frame.copy()
    free = frame.index[~frame["learnt"].astype(bool)][:unknown]
    frame.loc[free, "skill_gap"] = float("nan")
    result = estimate_prescription_stage(
        [made["records"]],
        replace(made["people"], frame=frame),
        made["portfolio"],
        **made["given"],
    )
    (check,) = [item for item in result.checks if item.check == "need_known"]
    assert check.text.startswith(f"Of {told} people the need is not known")
    assert math.isnan(check.value) == (unknown < 10)


def test_values_are_of_the_path_and_of_people_held_out(made: dict) -> None:
    policies = made["result"].tables["policies"].set_index("policy")
    assert set(policies.index) == {
        "chosen",
        "random",
        "everyone",
        "top_risk",
        "current",
    }
    # everybody on the path: (0.2 + 0.5 + 0.3) / 0.2, against the programme as taken
    low, high = policies.loc["everyone", ["low", "high"]]
    assert low < 5.0 < high
    assert policies.loc["everyone", "value"] > policies.loc["current", "value"]
    checks = {item.check: item for item in made["result"].checks}
    assert checks["path_valued_held_out"].passed


def test_the_same_seed_gives_the_same_tables(made: dict, tmp_path: Path) -> None:
    again = estimate_prescription_stage(
        [made["records"]], made["people"], made["portfolio"], **made["given"]
    )
    for name, table in made["result"].tables.items():
        assert table.equals(again.tables[name]), name
    again.save(tmp_path)
    assert StageResult.read(tmp_path).facts["seats"] == 20


def test_without_a_portfolio_nothing_is_prescribed(made: dict) -> None:
    nothing = StageResult(
        stage="portfolio", status="not_applicable", reason="nobody learnt"
    )
    found = estimate_prescription_stage(
        [made["records"]], made["people"], nothing, **made["given"]
    )
    assert found.status == "not_applicable"
    assert "nobody learnt" in found.reason
    assert found.tables["actions"].empty


def test_without_rules_seats_are_given_and_nothing_is_proposed(made: dict) -> None:
    found = estimate_prescription_stage(
        [made["records"]],
        made["people"],
        made["portfolio"],
        **(made["given"] | {"rules": None}),
    )
    assert len(found.tables["seats"]) == 20
    assert found.tables["actions"].empty
    checks = {item.check: item for item in found.checks}
    assert checks["rules_declared"].passed is None


def test_without_a_known_need_no_seat_is_given(made: dict) -> None:
    records = made["records"]
    blind = replace(
        records,
        cohorts=tuple(
            replace(
                item,
                frame=item.frame.drop(columns="skill_gap"),
                covariates=("x1", "x2"),
            )
            for item in records.cohorts
        ),
    )
    found = estimate_prescription_stage(
        [blind], made["people"], made["portfolio"], **made["given"]
    )
    assert found.status == "done"
    assert found.tables["seats"].empty
    assert "need" in found.facts["refused"]
    assert found.tables["actions"].empty
