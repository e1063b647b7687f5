"""Two designs, one question: do they agree, and what follows for the evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from workbench.core.results import Estimate
from workbench.impact.evidence import Findings, Grade, grade_evidence

__all__ = [
    "Answer",
    "Triangulation",
    "compare_designs",
    "tabulate_triangulations",
]

_LEVEL = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one design says about a programme and outcome.

    Attributes
    ----------
    estimate : Estimate
        Its headline.
    findings : Findings
        What its evidence is graded by.
    overturn : str
        What would overturn it, in a sentence.
    reasons : tuple of str
        Sentences on failed checks that can move the estimate.
    last_move : float
        Change of learners less others just before learning, where it was unusual.
    """

    estimate: Estimate
    findings: Findings
    overturn: str = ""
    reasons: tuple[str, ...] = ()
    last_move: float = math.nan

    @property
    def answered(self) -> bool:
        """Tell whether there is a number."""
        return math.isfinite(self.estimate.estimate)

    @property
    def passed(self) -> bool:
        """Tell whether there is a number and no check of the design failed."""
        grade = grade_evidence(replace(self.findings, threats=()))
        return self.answered and grade.value > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Triangulation:
    """Matching and before-and-after side by side.

    Attributes
    ----------
    matched, did : Answer or None
        The designs; None where one was not made.
    difference, ci_low, ci_high, p_value : float
        Matching less DiD; NaN unless both have a number.
    agree : bool or None
        False if the interval leaves out 0; None where the data could not tell a
        difference as large as the effect, or one design is missing.
    stands : str
        ``matched``, ``did`` or ``none``: the design whose number stands.
    grade : Grade
        From both designs together.
    verdict, choice, explanation, bracket, overturn : str
        Sentences; empty where there is nothing to say.
    """

    program: str
    outcome: str
    matched: Answer | None
    did: Answer | None
    difference: float
    ci_low: float
    ci_high: float
    p_value: float
    agree: bool | None
    stands: str
    grade: Grade
    verdict: str
    choice: str
    explanation: str
    bracket: str
    overturn: str


def compare_designs(
    matched: Answer | None,
    did: Answer | None,
    *,
    program: str,
    outcome: str,
    worth: float = math.nan,
    prior_gap: float = math.nan,
) -> Triangulation:
    r"""Hold the matched estimate against the one from before and after.

    Parameters
    ----------
    matched, did : Answer or None
        What each design says about the same outcome of the same programme.
    program, outcome : str
        What is compared.
    worth : float
        Smallest effect worth having, on the outcome's scale; NaN if none is declared.
    prior_gap : float
        Outcome of learners less that of others in the quarter before learning.

    Returns
    -------
    Triangulation
        The two numbers are never averaged. Matching stands unless it fails its checks
        and DiD passes its own.

    Notes
    -----
    The error of the difference is :math:`\sqrt{s_1^2 + s_2^2}`. Both designs use the
    same people, so that their errors are positively correlated and this is on the wide
    side. Agreement therefore needs more: each interval holds the other estimate, and a
    difference as large as the effect (or the smallest effect worth having) could have
    been seen.

    The bracket follows Ding and Li [1]_: if past outcomes drive who learns, DiD errs
    away from the learners' head start, and if stable differences do, matching on past
    outcomes errs towards it; the effect then lies between the two. It is given only
    where the order of the estimates is the one that this implies.

    References
    ----------
    .. [1] Ding, P. and Li, F. (2019). A bracketing relationship between
       difference-in-differences and lagged-dependent-variable adjustment. Political
       Analysis 27, 605-615. doi:10.1017/pan.2019.25
    """
    both = matched is not None and did is not None and matched.answered and did.answered
    difference = error = math.nan
    if both and matched is not None and did is not None:
        difference = matched.estimate.estimate - did.estimate.estimate
        error = math.hypot(matched.estimate.std_error, did.estimate.std_error)
    half = _LEVEL * error
    agree = _judge(matched, did, difference, half, worth) if both else None
    stands = _choose(matched, did)
    grade = _grade(matched, did, agree, stands)
    return Triangulation(
        program=program,
        outcome=outcome,
        matched=matched,
        did=did,
        difference=difference,
        ci_low=difference - half,
        ci_high=difference + half,
        p_value=math.erfc(abs(difference) / error / math.sqrt(2))
        if both and error > 0
        else math.nan,
        agree=agree,
        stands=stands,
        grade=grade,
        verdict=_say_verdict(matched, did, difference, half, agree),
        choice=_say_choice(matched, did, stands),
        explanation=_explain(matched, did, agree) if both else "",
        bracket=_bracket(matched, did, prior_gap) if both else "",
        overturn=_say_overturn(matched, did, stands),
    )


def tabulate_triangulations(found: Iterable[Triangulation]) -> pd.DataFrame:
    """Return one row per programme and outcome.

    Returns
    -------
    DataFrame
        ``program``, ``outcome``, ``unit``, ``matched``, ``matched_low``,
        ``matched_high``, ``did``, ``did_low``, ``did_high``, ``difference``,
        ``ci_low``, ``ci_high``, ``p_value``, ``agree`` (``yes``, ``no``, ``unclear``,
        ``not compared``), ``stands``, ``grade``, ``grade_text``, ``verdict``,
        ``choice``, ``explanation``, ``bracket``, ``overturn``.
    """
    return pd.DataFrame([_make_row(item) for item in found], columns=_COLUMNS)


_COLUMNS = [
    "program",
    "outcome",
    "unit",
    "matched",
    "matched_low",
    "matched_high",
    "did",
    "did_low",
    "did_high",
    "difference",
    "ci_low",
    "ci_high",
    "p_value",
    "agree",
    "stands",
    "grade",
    "grade_text",
    "verdict",
    "choice",
    "explanation",
    "bracket",
    "overturn",
]
_AGREE = {True: "yes", False: "no", None: "unclear"}


def _make_row(item: Triangulation) -> dict[str, Any]:
    compared = math.isfinite(item.difference)
    known = item.matched or item.did
    return {
        "program": item.program,
        "outcome": item.outcome,
        "unit": known.estimate.unit if known else "",
        **_spread("matched", item.matched),
        **_spread("did", item.did),
        "difference": item.difference,
        "ci_low": item.ci_low,
        "ci_high": item.ci_high,
        "p_value": item.p_value,
        "agree": _AGREE[item.agree] if compared else "not compared",
        "stands": item.stands,
        "grade": item.grade.value,
        "grade_text": item.grade.text,
        "verdict": item.verdict,
        "choice": item.choice,
        "explanation": item.explanation,
        "bracket": item.bracket,
        "overturn": item.overturn,
    }


def _spread(name: str, answer: Answer | None) -> dict[str, float]:
    if answer is None:
        return {name: math.nan, f"{name}_low": math.nan, f"{name}_high": math.nan}
    item = answer.estimate
    return {
        name: item.estimate,
        f"{name}_low": item.ci_low,
        f"{name}_high": item.ci_high,
    }


def _judge(
    matched: Answer | None,
    did: Answer | None,
    difference: float,
    half: float,
    worth: float,
) -> bool | None:
    """Say whether the designs agree, or that the data cannot tell."""
    if matched is None or did is None:
        return None
    if abs(difference) > half:
        return False
    if not (_holds(matched, did) and _holds(did, matched)):
        return None
    sizes = [abs(matched.estimate.estimate), abs(did.estimate.estimate)]
    if math.isfinite(worth):
        sizes.append(worth)
    return True if half <= max(sizes) else None


def _holds(answer: Answer, other: Answer) -> bool:
    """Tell whether the interval of one design holds the estimate of the other."""
    item = answer.estimate
    return item.ci_low <= other.estimate.estimate <= item.ci_high


def _choose(matched: Answer | None, did: Answer | None) -> str:
    """Name the design whose number stands."""
    if matched is not None and matched.answered:
        weaker = not matched.passed and did is not None and did.passed
        return "did" if weaker else "matched"
    return "did" if did is not None and did.answered else "none"


def _grade(
    matched: Answer | None, did: Answer | None, agree: bool | None, stands: str
) -> Grade:
    """Grade both designs together; see `compare_designs`."""
    if stands == "none":
        return grade_evidence(Findings(design="none"))
    first, second = (matched, did) if stands == "matched" else (did, matched)
    if first is None or second is None or not (first.passed and second.passed):
        findings = first.findings if first else Findings(design="none")
        return grade_evidence(findings)
    if agree is not True:
        threats = first.findings.threats
        if agree is False:
            threats = (*threats, "designs that disagree")
        return grade_evidence(replace(first.findings, threats=threats))
    alone = grade_evidence(first.findings)
    together = grade_evidence(_join(first.findings, second.findings))
    return together if together.value > alone.value else alone


def _join(matched: Findings, did: Findings) -> Findings:
    """Join the findings of two designs that pass their checks and agree."""
    return Findings(
        design="matched_and_did",
        largest_smd=matched.largest_smd,
        designs_agree=True,
        pretrend_powered=did.pretrend_powered,
        robust=matched.robust,
        threats=tuple(dict.fromkeys((*matched.threats, *did.threats))),
    )


def _say_verdict(
    matched: Answer | None,
    did: Answer | None,
    difference: float,
    half: float,
    agree: bool | None,
) -> str:
    """Say in one sentence how the designs compare."""
    if matched is None or not matched.answered:
        if did is None or not did.answered:
            return "Neither design can answer this."
        return "Only the comparison of before and after gives a number."
    if did is None or not did.answered:
        return "Only matching gives a number."
    span = f"{difference:.3g} ({difference - half:.3g} to {difference + half:.3g})"
    if agree is False:
        return f"The two designs disagree beyond their errors: they differ by {span}."
    if agree is None:
        return f"The data cannot tell whether they agree: the designs differ by {span}."
    return f"The two designs agree within their errors: they differ by {span}."


def _explain(matched: Answer | None, did: Answer | None, agree: bool | None) -> str:
    """Say what failed checks do to a design, and what may lie behind a disagreement."""
    if matched is None or did is None:
        return ""
    reasons = [*did.reasons, *matched.reasons]
    if agree is False and math.isfinite(did.last_move):
        reasons.append(_read_last_move(matched, did))
    if reasons or agree is not False:
        return " ".join(reasons)
    return (
        "Every check of both designs passes, so one of their assumptions fails where no"
        " check can see it: an unmeasured cause (matching), or another course of things"
        " without learning (before and after)."
    )


def _read_last_move(matched: Answer, did: Answer) -> str:
    """Say which reading of an odd last quarter fits the order of the designs."""
    gap = did.estimate.estimate - matched.estimate.estimate
    if gap * did.last_move < 0:
        return "That before-and-after lies on that side fits a fall back to normal."
    return (
        "Before-and-after lies on the other side, which fits a move that went on:"
        " learners and others were drifting apart."
    )


def _bracket(matched: Answer | None, did: Answer | None, prior_gap: float) -> str:
    """Give the range between the designs where their order allows it."""
    if matched is None or did is None or not math.isfinite(prior_gap):
        return ""
    gap = did.estimate.estimate - matched.estimate.estimate
    ahead = "ahead of" if prior_gap > 0 else "behind"
    if gap * prior_gap >= 0:
        return ""
    low, high = sorted([did.estimate.estimate, matched.estimate.estimate])
    return (
        f"Learners were {ahead} others by {abs(prior_gap):.3g} before they learnt. If"
        " either past outcomes or stable differences between people decide who learns,"
        f" the effect lies between {low:.3g} and {high:.3g}."
    )


def _say_choice(matched: Answer | None, did: Answer | None, stands: str) -> str:
    """Say which design is reported where both have a number, and why."""
    if matched is None or did is None or not (matched.answered and did.answered):
        return ""
    if stands == "did":
        failed = ", ".join(matched.findings.failed_checks) or "its checks"
        return f"Of the two, before-and-after stands, since matching fails {failed}."
    return "Of the two, matching stands."


def _say_overturn(matched: Answer | None, did: Answer | None, stands: str) -> str:
    """Repeat what would overturn the number that stands."""
    answer = matched if stands == "matched" else did if stands == "did" else None
    return answer.overturn if answer else ""
