"""Tables of the portfolios. services/booking/models.py has the others."""

from sqlalchemy import ForeignKey, Index, Integer, Text

from services.booking.columns import INSTANT, check, key, optional, required, table
from shared.classification import NONE, PERSONAL, PSEUDONYMOUS, about

portfolio_sources = table(
    "portfolio_sources",
    key("loctician_id", PSEUDONYMOUS, ForeignKey("booking.locticians.loctician_id")),
    required("instagram_user_id", Text, PERSONAL, check("instagram_user_id ~ '^[0-9]{1,30}$'")),
    required("due_at", INSTANT, default="now()"),
    required("failures", Integer, default="0"),
    Index("portfolio_sources_by_due", "due_at"),
    info=about(purpose="appointments", keep="departed_portfolios"),
)

portfolio_media = table(
    "portfolio_media",
    key("loctician_id", PSEUDONYMOUS, ForeignKey(portfolio_sources.c.loctician_id, ondelete="CASCADE")),
    key("place", NONE, type_=Integer, autoincrement=False),
    required("media_id", Text, PSEUDONYMOUS),
    required("kind", Text),
    required("caption", Text, PERSONAL),
    required("media_url", Text, PERSONAL),
    required("permalink", Text, PERSONAL),
    optional("thumbnail_url", Text, PERSONAL),
    optional("taken_at", INSTANT),
    required("fetched_at", INSTANT, default="now()"),
    info=about(purpose="appointments", keep="portfolio_media"),
)
