"""Rule files that tests are made with."""

from __future__ import annotations

from pathlib import Path

from workbench.prescribe.rules.language import RuleBook
from workbench.prescribe.rules.read import read_rules
from workbench.prescribe.rules.vocabulary import Vocabulary

ROOT = Path(__file__).resolve().parents[3]
KNOWN = Vocabulary(
    names={
        "persona": frozenset({"leads", "others"}),
        "skill": frozenset({"coaching", "feedback"}),
        "course": frozenset({"m-1", "m-2"}),
        "behaviour": frozenset({"one_to_one", "coaching"}),
    },
    protected=("gender",),
)
EXAMPLES = "examples:\n  - {given: {}, expect: none}\n"

GOOD = """\
limits:
  actions_per_person: 2
  only_one_of: [[gap, stale]]
rules:
  - id: gap
    label: A gap persists
    for_each: skill
    when:
      all:
        - gap: {at_least: 5 points}
        - gap_quarters: {at_least: 2 quarters}
    then:
      action: micro_module
      module: best_for_skill
      expires_after_days: 30
      priority: 1
      reason_code: gap
      reason: The gap in {skill} is {gap}; {module} helps.
      expected: {from: module}
  - id: stale
    label: Stale
    for_each: skill
    when: {days_since_assessment: {above: 26 weeks}}
    then:
      action: assessment
      effort_hours: 0.5
      expires_after_days: 30
      priority: 2
      reason_code: stale
      reason: Assessed {days_since_assessment} days ago.
examples:
  - given: {skills: {coaching: {gap: 6 points, gap_quarters: 2 quarters}}}
    expect: [gap]
"""

THEN = """\
    then:
      action: {action}
      {more}
      effort_hours: 1
      expires_after_days: 30
      priority: {priority}
      reason_code: why
      reason: Because.
"""


def read(tmp_path: Path, text: str = GOOD, known: Vocabulary = KNOWN) -> RuleBook:
    path = tmp_path / "rules.yml"
    path.write_text(text)
    return read_rules(path, known)


def make_rule(
    name: str,
    when: str,
    *,
    action: str = "practice",
    more: str = "title: Do it",
    priority: int = 1,
    each: bool = False,
) -> str:
    """One rule as text; `when` is a flow mapping."""
    skill = "    for_each: skill\n" if each else ""
    head = f"  - id: {name}\n    label: {name}\n{skill}    when: {when}\n"
    return head + THEN.format(action=action, more=more, priority=priority)


def make_book(*rules: str, limits: str = "") -> str:
    head = f"limits: {limits}\n" if limits else ""
    return f"{head}rules:\n{''.join(rules)}{EXAMPLES}"
