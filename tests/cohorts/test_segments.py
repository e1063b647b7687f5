from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.cohorts.segments import suggest_segments


def people(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    needy = pd.DataFrame(
        {
            "role": "planner",
            "tenure_days": rng.normal(100, 10, 60),
            "skill_gap": rng.normal(40, 2, 60),
        }
    )
    settled = pd.DataFrame(
        {
            "role": "clerk",
            "tenure_days": rng.normal(2000, 50, 80),
            "skill_gap": rng.normal(2, 1, 80),
        }
    )
    table = pd.concat([needy, settled], ignore_index=True)
    return table.assign(prior_rating=np.nan, prior_courses=1.0)


def test_the_needy_segment_comes_first() -> None:
    found = suggest_segments(people(), min_people=30, seed=3)
    assert found["role"].tolist() == ["planner", "clerk"]
    assert found["people"].tolist() == [60, 80]
    assert 35 < found["mean_skill_gap"].iloc[0] < 45


def test_the_same_seed_gives_the_same_segments() -> None:
    first = suggest_segments(people(), min_people=30, seed=3)
    pd.testing.assert_frame_equal(
        first, suggest_segments(people(), min_people=30, seed=3)
    )


def test_too_few_people_give_no_suggestion() -> None:
    assert suggest_segments(people().head(50), min_people=30, seed=3).empty
