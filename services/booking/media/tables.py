"""The table of pictures. services/booking/models.py has the others."""

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, Text, Uuid, text

from services.booking.columns import INSTANT, check, key, optional, required, table
from shared.classification import NONE, PERSONAL, PSEUDONYMOUS, about

KINDS = "kind IN ('logo', 'salon', 'profile', 'portfolio', 'treatment')"

media = table(
    "media",
    key("id", NONE),
    required("kind", Text, NONE, check(KINDS)),
    optional("loctician_id", Uuid, PSEUDONYMOUS, ForeignKey("booking.locticians.loctician_id")),
    optional("treatment_id", Uuid, NONE, ForeignKey("booking.treatments.id")),
    optional("uploaded_by", Uuid, PSEUDONYMOUS),
    required("width", Integer, NONE, check("width > 0")),
    required("height", Integer, NONE, check("height > 0")),
    required("small", LargeBinary, PERSONAL),
    required("medium", LargeBinary, PERSONAL),
    required("large", LargeBinary, PERSONAL),
    required("created_at", INSTANT, default="now()"),
    check("(kind IN ('profile', 'portfolio')) = (loctician_id IS NOT NULL)"),
    check("(kind = 'treatment') = (treatment_id IS NOT NULL)"),
    Index("media_by_owner", "kind", text("coalesce(loctician_id, treatment_id)"), "created_at", "id"),
    info=about(purpose="appointments", keep="departed_pictures"),
)
