"""How long notifications keeps its data. Deliveries that are still to be sent are kept."""

from datetime import timedelta

from shared.classification import clearing, deleting

MONTH, YEAR = timedelta(days=30), timedelta(days=365)
DEAD_LETTERS = timedelta(days=120)  # longer than a dead letter can be replayed; its replay would be sent again

SETTLED = "status NOT IN ('queued', 'sending')"

POLICIES = (
    clearing(
        "delivery_contents",
        "deliveries",
        purpose="messages",
        keep=MONTH,
        sets="data = '{}'",
        where=f"created_at < :before AND {SETTLED} AND data <> '{{}}'",
    ),
    deleting(
        "deliveries",
        "deliveries",
        purpose="messages",
        keep=YEAR,
        least=DEAD_LETTERS,
        where=f"created_at < :before AND {SETTLED}",
    ),
    deleting("notices", "notices", purpose="messages", keep=YEAR, least=DEAD_LETTERS, where="created_at < :before"),
    deleting(
        "appointments",
        "appointments",
        purpose="messages",
        keep=DEAD_LETTERS,
        least=DEAD_LETTERS,
        where="starts_at < :before",
    ),
    deleting("reminders", "reminders", purpose="messages", keep=MONTH, where="starts_at < :before"),
    deleting("broadcasts", "broadcasts", purpose="messages", keep=YEAR, least=MONTH, where="done_at < :before"),
)
