"""Tables of what booking knows about people. models.py has the others."""

from sqlalchemy import Boolean, Index, Integer, Text

from services.booking.columns import key, optional, required, table
from shared.classification import PERSONAL, PSEUDONYMOUS, about

# A projection of the users of auth. Nothing reads email_verified and verified_version any more.
customers = table(
    "customers",
    key("id", PSEUDONYMOUS),
    required("email_verified", Boolean, default="false"),
    required("verified_version", Integer, default="-1"),
    required("active", Boolean, default="true"),
    required("active_version", Integer, default="-1"),
    optional("name", Text, PERSONAL),
    optional("phone", Text, PERSONAL),
    optional("email", Text, PERSONAL),
    info=about(purpose="account", keep="erased"),
)

# What people are found by, of walk-ins too: their rows go when the booking's name and phone do.
customer_search = table(
    "customer_search",
    key("customer_id", PSEUDONYMOUS),
    required("words", Text, PERSONAL),
    required("address", Text, PERSONAL),
    Index("customer_search_words", "words", postgresql_using="gin", postgresql_ops={"words": "public.gin_trgm_ops"}),
    Index(
        "customer_search_address", "address", postgresql_using="gin", postgresql_ops={"address": "public.gin_trgm_ops"}
    ),
    info=about(purpose="appointments", keep="erased"),
)
