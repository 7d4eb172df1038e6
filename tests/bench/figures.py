"""Figures: measured by turns, so that whatever else the machine does meets both sides of a ratio alike."""

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Arm = Callable[[], Awaitable[float]]
Of = Literal["ratio", "value", "difference"]


@dataclass(frozen=True)
class Goal:
    """A bound on the ratio, on the value itself, or on value minus what it is against (in the value's unit)."""

    of: Of
    sign: Literal[">=", "<="]
    bound: float

    def met_by(self, value: float, against: float | None) -> bool:
        measured = {"value": value}
        if against is not None:
            measured |= {"ratio": quotient(value, against), "difference": value - against}
        return measured[self.of] >= self.bound if self.sign == ">=" else measured[self.of] <= self.bound

    def words(self, unit: str) -> str:
        return f"{self.of} {self.sign} {self.bound:g}{'' if self.of == 'ratio' else f' {unit}'}"


@dataclass(frozen=True)
class Figure:
    name: str
    value: float
    unit: str
    against: str | None
    against_value: float | None
    ratio: float | None
    goal: Goal | None
    runs: int
    spread: tuple[
        float, float
    ]  # lowest and highest of the runs: of the ratio, or of the value where nothing is against

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.goal.met_by(self.value, self.against_value)

    def as_json(self) -> dict[str, object]:
        goal = None if self.goal is None else self.goal.words(self.unit)
        return {**vars(self), "goal": goal, "spread": list(self.spread)}


def at_least(bound: float, of: Of = "ratio") -> Goal:
    return Goal(of, ">=", bound)


def at_most(bound: float, of: Of = "ratio") -> Goal:
    return Goal(of, "<=", bound)


def quotient(value: float, against: float) -> float:
    return value / against if against else float("inf")


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: always one of the values."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


async def by_turns(runs: int, arms: Mapping[str, Arm], *, warm_up: bool = True) -> dict[str, list[float]]:
    """A B C, A B C, ...: each arm's values in order. The first round warms caches up and does not count."""
    measured: dict[str, list[float]] = {name: [] for name in arms}
    for turn in range(-1 if warm_up else 0, runs):
        for name, arm in arms.items():
            value = await arm()
            if turn >= 0:
                measured[name].append(value)
    return measured


def alone(name: str, unit: str, values: Sequence[float], goal: Goal | None = None) -> Figure:
    spread = (min(values), max(values))
    return Figure(name, statistics.median(values), unit, None, None, None, goal, len(values), spread)


def compared(
    name: str, unit: str, values: Sequence[float], against: str, others: Sequence[float], goal: Goal | None = None
) -> Figure:
    """Medians of both sides and their ratio; the spread is that of the ratios within each round."""
    value, other = statistics.median(values), statistics.median(others)
    ratios = [quotient(value, other) for value, other in zip(values, others, strict=True)]
    spread = (min(ratios), max(ratios))
    return Figure(name, value, unit, against, other, quotient(value, other), goal, len(values), spread)
