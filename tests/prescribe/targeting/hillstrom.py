"""An e-mail experiment of three arms, drawn like the one Hillstrom published in 2008.

Arms of a third each; a visit within two weeks is more likely after either e-mail, more
so for the men's than for the women's, and for some people less likely.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

NO_MAIL, MENS, WOMENS = "No E-Mail", "Mens E-Mail", "Womens E-Mail"


def draw_hillstrom(seed: int, people: int = 6000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm = rng.choice([NO_MAIL, MENS, WOMENS], size=people)
    recency = rng.integers(1, 13, people)
    history = rng.gamma(1.2, 200, people)
    mens = rng.random(people) < 0.55
    womens = rng.random(people) < 0.55
    newbie = rng.random(people) < 0.5
    moved = np.where(arm == MENS, 0.09 - 0.06 * newbie, 0.0)
    moved += np.where(arm == WOMENS, 0.10 * womens - 0.04 * mens, 0.0)
    chance = 0.14 - 0.006 * recency + 0.00005 * history + moved
    visit = rng.random(people) < np.clip(chance, 0.01, 0.9)
    smooth = 0.09 - 0.06 * newbie + rng.normal(size=people) * 0.03
    return pd.DataFrame(
        {
            "segment": arm,
            "recency": recency,
            "history": history,
            "visit": visit.astype("int64"),
            "smooth": smooth,
            "coarse": np.round(0.10 * womens - 0.04 * mens - 0.01 * recency, 2),
            "wrong_way": -smooth,
        }
    )
