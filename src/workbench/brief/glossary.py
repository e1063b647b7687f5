"""The fixed texts of the brief: grades, assumptions, conventions, words."""

from __future__ import annotations

from workbench.brief.components import Block, escape_html, wrap_html

__all__ = [
    "ASSUMPTIONS",
    "CONVENTIONS",
    "EXPERIMENTS",
    "GRADES",
    "OVER_TIME",
    "TERMS",
    "show_terms",
]

GRADES: tuple[tuple[int, str, str], ...] = (
    (
        5,
        "Randomised, and nothing wrong with it",
        "Chance decided who learnt; the groups have the sizes they should have, fewer "
        "than one in ten dropped out, and the test was large enough.",
    ),
    (
        4,
        "Randomised, with one weakness",
        "Chance decided who learnt, or when; one of the conditions above does not "
        "hold.",
    ),
    (
        3,
        "Two designs agree",
        "Matched colleagues and change over time say the same; the groups are alike in "
        "everything recorded, and a hidden cause as strong as the strongest recorded "
        "one would not overturn it.",
    ),
    (
        2,
        "One design, adjusted",
        "One comparison with like colleagues passes its checks; what is left of the "
        "recorded differences is adjusted for.",
    ),
    (
        1,
        "A hint only",
        "There is a number, but a check of the comparison fails, or people are too few "
        "or were lost: read it as a hint.",
    ),
    (
        0,
        "No comparison to rely on",
        "Nobody to compare learners with, or a comparison that fails a check and is "
        "threatened in other ways too.",
    ),
)
"""Evidence grades from best to worst: grade, name, meaning."""

TERMS: tuple[tuple[str, str], ...] = (
    (
        "95 % interval",
        "The range that the data leave open. A method that is used again and again "
        "gives ranges that hold the true effect 95 times in 100.",
    ),
    (
        "Adjusted p",
        "How surprising a difference would be without any effect, made stricter for "
        "the number of comparisons, so that at most one in twenty announced effects is "
        "expected to be chance (Benjamini and Hochberg).",
    ),
    (
        "Always-valid interval",
        "An interval that holds at every look at a running experiment, however often "
        "one looks. It is wider than one for a single look at the end.",
    ),
    (
        "Baseline",
        "What learners would have reached without learning, as their matched "
        "colleagues show it.",
    ),
    (
        "Before and after",
        "How much learners changed, less how much people who had not learnt yet "
        "changed over the same quarters (difference in differences).",
    ),
    (
        "Censoring",
        "That somebody was followed up to a day only, as the data end there. What is "
        "known until then still counts.",
    ),
    (
        "Competing risk",
        "Something that ends the waiting in another way: whoever is dismissed can no "
        "longer resign. It is counted as what it is.",
    ),
    (
        "Compliance",
        "How many of those invited come, and of those not invited learn anyway. The "
        "effect of learning is that on people whom the invitation moved.",
    ),
    (
        "Control outcome",
        "Something learning cannot change. If learners differ in it, the comparison "
        "misses a cause.",
    ),
    (
        "CUPED",
        "Taking out of an experiment's outcome what its earlier value foretells. The "
        "effect stays the same, its interval gets shorter.",
    ),
    ("Data cut", "The last day from which anything was read."),
    (
        "Doubly robust (AIPW)",
        "A second way to the same effect: it weights people by their chance to learn "
        "and adjusts their outcomes, and is right if either of the two is right.",
    ),
    (
        "E-value",
        "How strongly an unrecorded cause would have to go with both learning and the "
        "outcome, as a ratio of chances, to explain the effect away.",
    ),
    (
        "Effect on learners",
        "The mean difference learning made to the people who learnt (ATT); it need not "
        "hold for people who did not.",
    ),
    (
        "Explore",
        "A module whose gain is not clear yet stands in a path: to learn, and to find "
        "out.",
    ),
    (
        "Guardrail",
        "An outcome that an experiment must not make worse by more than a margin that "
        "was written down before.",
    ),
    (
        "Hazard ratio",
        "How often something happens among learners in a short time, against others "
        "who are still there. Below 1 it happens less often; it is no difference in "
        "shares.",
    ),
    (
        "Hidden bias (gamma)",
        "How many times likelier one of two like colleagues could have been to learn, "
        "for reasons nobody recorded, before the effect could be chance (Rosenbaum).",
    ),
    (
        "Impact in thresholds",
        "What a module or path changes, each outcome divided by the smallest change "
        "worth having and added up. 1 is one such change.",
    ),
    (
        "Intention to treat",
        "People are compared by what chance decided, whether or not they came. That is "
        "the effect of being invited.",
    ),
    (
        "Landmark",
        "The day from which both groups are followed: the end of the quarter of "
        "learning.",
    ),
    (
        "Like colleagues",
        "People who could have learnt in the same quarter and did not, with about the "
        "same chance to learn given all that was recorded before.",
    ),
    (
        "Naive difference",
        "Learners against everybody else, with nothing adjusted. It mixes what "
        "learning did with who learns.",
    ),
    (
        "Of 100 people",
        "A difference in how many of 100 people stay, or move, or pass.",
    ),
    ("Persona", "A group of people with one learning need, by a rule fixed before."),
    (
        "Policy value",
        "What a rule for giving out seats is worth per person, measured on people who "
        "had no part in making the rule.",
    ),
    (
        "Pre-trend",
        "Whether learners and others moved apart before anybody learnt. A test that "
        "finds nothing helps only if it could have found something that matters.",
    ),
    (
        "Pseudonym",
        "A code in place of a person's id; only the holder of the key can go back.",
    ),
    (
        "Refutation",
        "Changing the data so that the answer is known, such as dealing out learning "
        "by lot, and looking whether the method still finds an effect.",
    ),
    (
        "Registration",
        "A file written before an experiment begins: who, what, how long, how it is "
        "read.",
    ),
    (
        "Restricted mean",
        "The mean number of days until something happens, up to a horizon.",
    ),
    (
        "Sample ratio",
        "How the people found divide over the arms. If that is not what chance gives, "
        "somebody is missing and the arms may differ.",
    ),
    (
        "Selection",
        "Learners differ from others before they learn; part of any plain difference "
        "is this, not learning.",
    ),
    (
        "Shrinkage",
        "Drawing many estimates towards their common mean, the more the less is known "
        "of each, as the largest of many are large by luck too.",
    ),
    (
        "Specification curve",
        "The same comparison made in many defensible ways, to see whether the answer "
        "hangs on one choice.",
    ),
    (
        "Standardised difference",
        "A difference between groups in units of the spread among learners; up to 0.05 "
        "is negligible, up to 0.25 can be adjusted for.",
    ),
    (
        "Suppressed",
        "Not shown, as too few people stand behind the number.",
    ),
    (
        "Threshold",
        "The smallest effect worth having, written down before the quarter is "
        "analysed.",
    ),
    (
        "TOC and AUTOC",
        "How much more those gain whom a predicted benefit names first, for every "
        "share of people, and the area under that curve. At 0 it does not sort people.",
    ),
)
"""Terms and their meanings, in the order of the alphabet."""


ASSUMPTIONS: tuple[tuple[str, str], ...] = (
    (
        "No unrecorded cause.",
        "Nothing that was not recorded drives both who learns and how they do. This "
        "cannot be proven; control outcomes and a second design put it to the test.",
    ),
    (
        "Somebody to compare with.",
        "Every learner had a colleague with about the same chance to learn. The pages "
        "of the personas show where this holds.",
    ),
    (
        "The same course without learning.",
        "The comparison of before and after takes it that learners would have changed "
        "as others did. Quarters before learning are looked at, and the last of them "
        "by itself, since people often learn after an unusual one.",
    ),
    (
        "No spill-over.",
        "What one person learns does not change how a colleague does. Where teams "
        "learn together this is doubtful, and the effect is then too small.",
    ),
    (
        "Outcomes missing by chance.",
        "People whose outcome is not known would have done like others with the same "
        "past. Who left before the outcome is counted.",
    ),
)

"""What must be true for a difference to be an effect: lead and text."""

EXPERIMENTS: tuple[tuple[str, str], ...] = (
    (
        "Sizes first.",
        "The arms must have the sizes that chance gives. Below p = 0.001 nothing of "
        "the experiment is read or shown; the brief says where people are missing.",
    ),
    (
        "As invited.",
        "Everybody is compared in the arm that chance gave them, whether or not they "
        "came; errors follow what was drawn, people or teams. Where teams begin one "
        "after another, those who wait in the same quarter are the comparison.",
    ),
    (
        "Of learning.",
        "Where it is known who completed, the effect on those who came because they "
        "were invited is shown too. It takes it that the invitation works through "
        "learning only.",
    ),
    (
        "People who are lost.",
        "If outcomes are missing more often in one arm, bounds show what that could "
        "change.",
    ),
    (
        "Many looks.",
        "An experiment that is watched while it runs is read by an interval that holds "
        "at every look.",
    ),
    (
        "As registered.",
        "Outcome, window and size are written down before. What differs is said before "
        "any number.",
    ),
)
"""How experiments are read: lead and text."""

OVER_TIME: tuple[tuple[str, str], ...] = (
    (
        "From when.",
        "Learners and matched others are followed from the end of the quarter of "
        "learning. The day of a course is never the start: who completed it had to be "
        "there until then, so earlier days would count for learning without being its "
        "effect.",
    ),
    (
        "For how long.",
        "To the horizon, or as far as the data go. Whoever joined late is followed for "
        "less time, and is taken to go on as those before.",
    ),
    (
        "Other ways out.",
        "Leaving for another reason is counted as what it is, and not as the end of "
        "watching.",
    ),
    (
        "What is reported.",
        "The difference in shares at the horizon, or of mean days; the hazard ratio "
        "stands beside it, with a test whether it stays the same over time.",
    ),
    (
        "Not observed yet.",
        "What is expected of recent learners is a prediction from earlier ones. It is "
        "marked, and is part of no other number.",
    ),
    (
        "What it cannot say.",
        "Matching is as good as what was recorded: a plan to leave that nobody wrote "
        "down is not in it.",
    ),
)
"""How people are followed over time: lead and text."""

CONVENTIONS: tuple[str, ...] = (
    "Intervals are at 95 %. Each states what the data leave open, not where single "
    "people lie.",
    "Errors follow the design: for matching without replacement they allow for pairs "
    "and for people who appear in several quarters, and for teams where teams learn "
    "together. With fewer than 40 groups a small-sample correction is used.",
    "Matching and the comparison of before and after are never averaged. They agree if "
    "their difference lies within its error, and that error is small enough to have "
    "seen a difference as large as the effect. Of the two matching stands, unless it "
    "fails a check and the other does not.",
    "Of several designs one number stands per persona and outcome: that of the highest "
    "grade, which comes from checks and never from the effect. Between equal grades an "
    "experiment's effect of learning comes first. People followed over time stand "
    "before matching, unless only they fail a check. Where designs differ by more than "
    "their errors, the brief says so.",
    "p-values are adjusted (Benjamini and Hochberg) over all personas and outcomes of "
    "the quarter. A gain or a loss is called one only if its adjusted p is at most "
    "0.05.",
    "Met: the whole interval reaches the threshold. Not met: none of it does. Unclear: "
    "the interval spans the threshold.",
    "No change that matters: the whole interval lies within the threshold either way.",
    "The number for the organisation is a mean over personas, weighted by learners; "
    "its error takes the personas as independent, and somebody who learnt two "
    "programmes counts in each.",
    "The relative effect is the effect over the baseline; its interval carries the "
    "error of both (delta method).",
)
"""How errors, intervals and verdicts are made."""


def show_terms() -> Block:
    """Show the glossary as a list of terms."""
    rows = "\n".join(
        f"<dt>{escape_html(term)}</dt><dd>{escape_html(text)}</dd>"
        for term, text in TERMS
    )
    return wrap_html(f'<dl class="terms">\n{rows}\n</dl>')
