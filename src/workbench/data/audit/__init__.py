"""Stage 01: the audit of the canonical tables."""

from workbench.data.audit.provenance import tabulate_lineage
from workbench.data.audit.score import DIMENSIONS, Dimension, rate_share, score_table
from workbench.data.audit.stage import audit_store

__all__ = [
    "DIMENSIONS",
    "Dimension",
    "audit_store",
    "rate_share",
    "score_table",
    "tabulate_lineage",
]
