"""Finds the wish by the link of its offer.

Revision ID: 0012_index_last_offers
"""

from migrations.revisions import create_index, drop_index

revision = "0012_index_last_offers"
down_revision = "0011_last_offers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("booking", "waitlist_by_offer", "waitlist (offer_id) WHERE offer_id IS NOT NULL")


def downgrade() -> None:
    drop_index("booking", "waitlist_by_offer")
