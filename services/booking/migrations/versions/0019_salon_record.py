"""The salon's record. Name, address and phone come from the rules, where they stood; their columns there are no longer
read. The versions go on from those of the rules, so that other services take the first event of the record for newer.

Revision ID: 0019_salon_record
"""

from migrations.revisions import grant, script

revision = "0019_salon_record"
down_revision = "0018_pages_of_slots"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script("""
        CREATE TABLE booking.salon_record (
            singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
            name text NOT NULL DEFAULT '',
            legal_name text NOT NULL DEFAULT '',
            cvr_number text NOT NULL DEFAULT '',
            address text NOT NULL DEFAULT '',
            phone text NOT NULL DEFAULT '',
            email text NOT NULL DEFAULT '',
            website_url text,
            map_url text,
            opening_hours jsonb NOT NULL DEFAULT '{"da": "", "en": ""}',
            cancellation_rule jsonb NOT NULL DEFAULT '{"da": "", "en": ""}',
            colours jsonb,
            version integer NOT NULL
        );
        INSERT INTO booking.salon_record (name, address, phone, version)
        SELECT s.name, s.address, s.phone, s.version FROM booking.salon s;
    """)
    grant("booking", "salon_record", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    script("""
        UPDATE booking.salon s SET name = r.name, address = r.address, phone = r.phone FROM booking.salon_record r;
        DROP TABLE booking.salon_record;
    """)
