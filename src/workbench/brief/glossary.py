"""The fixed texts of the brief: grades, assumptions, conventions, words."""

from __future__ import annotations

from workbench.brief.components import Block, escape_html, wrap_html

__all__ = ["ASSUMPTIONS", "CONVENTIONS", "GRADES", "TERMS", "show_terms"]

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
        "Control outcome",
        "Something learning cannot change. If learners differ in it, the comparison "
        "misses a cause.",
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
        "Hidden bias (gamma)",
        "How many times likelier one of two like colleagues could have been to learn, "
        "for reasons nobody recorded, before the effect could be chance (Rosenbaum).",
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
        "Selection",
        "Learners differ from others before they learn; part of any plain difference "
        "is this, not learning.",
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

CONVENTIONS: tuple[str, ...] = (
    "Intervals are at 95 %. Each states what the data leave open, not where single "
    "people lie.",
    "Errors follow the design: for matching without replacement they allow for pairs "
    "and for people who appear in several quarters, and for teams where teams learn "
    "together. With fewer than 40 groups a small-sample correction is used.",
    "Matching and the comparison of before and after are never averaged. They agree if "
    "their difference lies within its error, and that error is small enough to have "
    "seen a difference as large as the effect. Matching is reported, unless it fails a "
    "check and the other does not.",
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
