"""Pictures of the salon, its treatments and its locticians.

Revision ID: 0023_media
"""

from alembic import op

from migrations.revisions import enable_rls, grant, script

revision = "0023_media"
down_revision = "0022_index_missed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("""
        CREATE TABLE booking.media (
            id uuid PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('logo', 'salon', 'profile', 'portfolio', 'treatment')),
            loctician_id uuid REFERENCES booking.locticians (loctician_id),
            treatment_id uuid REFERENCES booking.treatments (id),
            uploaded_by uuid,
            width integer NOT NULL CHECK (width > 0),
            height integer NOT NULL CHECK (height > 0),
            small bytea NOT NULL,
            medium bytea NOT NULL,
            large bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            CHECK ((kind IN ('profile', 'portfolio')) = (loctician_id IS NOT NULL)),
            CHECK ((kind = 'treatment') = (treatment_id IS NOT NULL))
        );
        CREATE INDEX media_by_owner ON booking.media (kind, coalesce(loctician_id, treatment_id), created_at, id);
    """)
    enable_rls("booking", "media")
    grant("booking", "media", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS booking.pictures_json(text, uuid)")
    script("DROP TABLE booking.media;")
