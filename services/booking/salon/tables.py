"""The table of the salon's record. services/booking/models.py has the others."""

from sqlalchemy import Integer, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.booking.columns import optional, required, singleton, table

NO_WORDS = """'{"da": "", "en": ""}'"""

salon_record = table(
    "salon_record",
    singleton(),
    required("name", Text, default="''"),
    required("legal_name", Text, default="''"),
    required("cvr_number", Text, default="''"),
    required("address", Text, default="''"),
    required("phone", Text, default="''"),
    required("email", Text, default="''"),
    optional("website_url", Text),
    optional("map_url", Text),
    required("opening_hours", JSONB, default=NO_WORDS),
    required("cancellation_rule", JSONB, default=NO_WORDS),
    optional("colours", JSONB),
    required("version", Integer),
)
