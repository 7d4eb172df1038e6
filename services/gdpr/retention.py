"""Retention policies: how long gdpr keeps its rows."""

from datetime import timedelta

from shared.classification import deleting

YEAR = timedelta(days=365)

POLICIES = (
    deleting(
        "requests",
        "requests",
        purpose="accountability",
        keep=5 * YEAR,
        least=YEAR,
        where="finished_at < :before AND status <> 'running' AND (expires_at IS NULL OR expires_at < now())",
    ),
    deleting(
        "consents",
        "consents",
        purpose="consent",
        keep=5 * YEAR,
        least=2 * YEAR,
        where="""at < :before AND EXISTS (SELECT FROM consents AS newer WHERE newer.user_id = consents.user_id
                 AND newer.purpose = consents.purpose AND newer.version > consents.version)""",
    ),
    deleting("duties", "duties", purpose="accountability", keep=timedelta(days=30), where="ends_at < :before"),
)
