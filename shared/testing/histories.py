"""Histories of a user, whose events carry the whole state, as a broker may deliver them: in any order, some twice."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

State = dict[str, Any]
Delivered = list[tuple[str, State]]  # types and data

few = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@dataclass(frozen=True)
class History:
    """`delivered`: every event at least once. `republished`: some of them, and the newest state again.

    `final`: the state of the highest version.
    """

    delivered: Delivered
    republished: Delivered
    final: State


@st.composite
def user_histories(draw: st.DrawFn, roles: Collection[str]) -> History:
    role = st.sampled_from(sorted(roles))
    changes: dict[str, st.SearchStrategy[State]] = {
        "user.updated.v1": st.fixed_dictionaries(
            {"language": st.sampled_from(["da", "en"]), "full_name": st.sampled_from(["Kirsten Ærø", "Kirsten Åkjær"])}
        ),
        "user.verified.v1": st.just({"email_verified": True}),
        "user.role_changed.v1": st.fixed_dictionaries({"role": role}),
        "user.deactivated.v1": st.just({"active": False}),
        "user.reactivated.v1": st.just({"active": True}),
    }
    user_id = str(uuid4())
    state: State = {
        "user_id": user_id, "version": 1, "email": f"{user_id}@example.com", "full_name": "Kirsten Ærø",
        "phone": None, "language": "da", "role": draw(role), "email_verified": False, "active": True,
    }  # fmt: skip
    events = [("user.registered.v1", state)]
    for type_ in draw(st.lists(st.sampled_from(sorted(changes)), max_size=6)):
        state = state | draw(changes[type_]) | {"version": state["version"] + 1}
        events.append((type_, state))
    repeated = draw(st.lists(st.sampled_from(events), max_size=4))
    some = draw(st.lists(st.sampled_from(events), max_size=4))
    again = ("user.updated.v1", state)
    return History(draw(st.permutations(events + repeated)), draw(st.permutations([*some, again])), state)
