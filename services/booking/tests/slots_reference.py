"""A second implementation of the free slots, simple and slow: it counts five-minute steps and tries every combination.

Written from the rules, not from the SQL, so that the two can be held against each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import product

STEP = timedelta(minutes=5)


@dataclass(frozen=True)
class Treatment:
    duration: int  # all in steps
    buffer_before: int = 0
    buffer_after: int = 0
    processing: tuple[int, int] | None = None  # first step, number of steps
    grid: int = 3
    price: int = 10000
    from_opening: bool = False  # the grid counts from the opening


@dataclass(frozen=True)
class Offer:
    duration: int | None = None
    price: int | None = None


@dataclass
class World:
    """Steps are counted from `origin`. `closed_for`: why a loctician has no hours on the day in question."""

    origin: datetime
    now: datetime
    treatments: list[Treatment]
    offers: dict[tuple[int, int], Offer]  # (loctician, treatment)
    hours: dict[int, set[int]]
    taken: dict[int, set[int]]
    closed_for: dict[int, str | None] = field(default_factory=dict)
    own: set[int] = field(default_factory=set)  # steps of the customer's other bookings
    notice: int = 0  # minutes
    horizon: int = 180  # days
    openings: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # the windows that `hours` consists of
    buffers_within_hours: bool = False

    def step(self, instant: datetime) -> int:
        return (instant - self.origin) // STEP

    def instant(self, step: int) -> datetime:
        return self.origin + step * STEP


@dataclass(frozen=True)
class Item:
    """One treatment of a sitting, in steps from its start; `busy`: with its buffers, without its processing time."""

    chair: int
    begins: int
    ends: int
    busy: frozenset[int]


@dataclass(frozen=True)
class Sitting:
    """Who performs each treatment, and the steps from the start in which each is present and works."""

    chairs: tuple[int, ...]
    lasts: int
    price: int
    items: tuple[Item, ...]

    @property
    def present(self) -> set[tuple[int, int]]:
        return {(item.chair, step) for item in self.items for step in range(item.begins, item.ends)}

    @property
    def busy(self) -> set[tuple[int, int]]:
        return {(item.chair, step) for item in self.items for step in item.busy}

    @property
    def buffered(self) -> set[tuple[int, int]]:
        """Present, and within the buffers."""
        return {
            (item.chair, step)
            for item in self.items
            for step in range(min(item.begins, *item.busy), max(item.ends, *(busy + 1 for busy in item.busy)))
        }

    def shares(self) -> list[set[int]]:
        """What each item takes of its loctician: every busy step of the loctician belongs to one of the items."""
        shares: list[set[int]] = [set() for _ in self.items]
        for chair, step in self.busy:
            shares[self._owner(chair, step)].add(step)
        return shares

    def _owner(self, chair: int, step: int) -> int:
        """The item that has begun last by this step. Between two items: the earlier one as long as a buffer after it
        or after one before it lasts, then the later one. Before the first item: that one."""
        own = [place for place, item in enumerate(self.items) if item.chair == chair]
        begun = [place for place in own if self.items[place].begins <= step]
        if not begun:
            return own[0]
        if step < self.items[begun[-1]].ends or any(max(self.items[place].busy) >= step for place in begun):
            return begun[-1]
        return own[len(begun)]

    @property
    def hand_overs(self) -> int:
        return sum(a != b for a, b in zip(self.chairs, self.chairs[1:], strict=False))

    @property
    def shared(self) -> bool:
        return self.hand_overs > 0

    def within_hours(self, world: World, start: int) -> bool:
        needed = self.buffered if world.buffers_within_hours else self.present
        return all(start + step in world.hours[chair] for chair, step in needed)

    def on_opening_grid(self, world: World, start: datetime, grid: int) -> bool:
        """Whether the start is so many grids after the beginning of the first loctician's window that holds it."""
        windows = [
            (world.instant(first), world.instant(last)) for first, last in world.openings.get(self.chairs[0], [])
        ]
        return any(first <= start < last and not (start - first) % (grid * STEP) for first, last in windows)

    def free(self, world: World, start: int) -> bool:
        return not any(start + step in world.taken[chair] for chair, step in self.busy)

    def meets_own(self, world: World, start: int) -> bool:
        return any(step in world.own for step in range(start, start + self.lasts))


@dataclass
class Reference:
    world: World
    wanted: list[int]
    loctician: int | None

    @cached_property
    def sittings(self) -> list[Sitting]:
        """By one loctician, or if nobody performs all of it, by several with as few hand-overs as possible."""
        performers = [
            [
                loctician
                for loctician, what in self.world.offers
                if what == treatment_id and self.loctician in {None, loctician}
            ]
            for treatment_id in self.wanted
        ]
        every = [self._laid(chairs) for chairs in product(*performers)]
        fewest = min((item.hand_overs for item in every), default=0)
        if self.loctician is not None and fewest:
            return []
        return [entry for entry in every if entry.hand_overs == fewest]

    def _laid(self, chairs: tuple[int, ...]) -> Sitting:
        at, price, items = 0, 0, []
        for place, (what, loctician) in enumerate(zip(self.wanted, chairs, strict=True)):
            treatment, offer = self.world.treatments[what], self.world.offers[loctician, what]
            lasts = offer.duration or treatment.duration
            begins = place == 0 or chairs[place - 1] != loctician
            finishes = place == len(chairs) - 1 or chairs[place + 1] != loctician
            before = treatment.buffer_before if begins else 0
            after = treatment.buffer_after if finishes else 0
            idle = set()
            if treatment.processing and sum(treatment.processing) < lasts:
                idle = set(range(treatment.processing[0], sum(treatment.processing)))
            busy = frozenset(at + step for step in range(-before, lasts + after) if step not in idle)
            items.append(Item(loctician, at, at + lasts, busy))
            at += lasts
            price += treatment.price if offer.price is None else offer.price
        return Sitting(chairs, at, price, tuple(items))

    def grid(self) -> int:
        return max(self.world.treatments[item].grid for item in self.wanted)

    def from_opening(self) -> bool:
        return any(self.world.treatments[item].from_opening for item in self.wanted)

    def reason(self, start: datetime) -> str | None:
        """Why the sitting cannot begin at that step; None if it can."""
        world = self.world
        if not self.sittings:
            return "treatment_not_offered"
        if start <= world.now:
            return "in_past"
        if start < world.now + timedelta(minutes=world.notice):
            return "too_soon"
        if start > world.now + timedelta(days=world.horizon):
            return "too_far_ahead"
        if not self.from_opening() and (start - world.origin) % (self.grid() * STEP):
            return "off_grid"
        return self._reason_of_time(start)

    def possible(self, start: datetime) -> list[Sitting]:
        """Those within hours and, where the grid counts from the opening, on it."""
        steps = {self.world.step(start), -((self.world.origin - start) // STEP)}  # a start between two steps needs both
        within = [item for item in self.sittings if all(item.within_hours(self.world, step) for step in steps)]
        if not self.from_opening():
            return within
        return [item for item in within if item.on_opening_grid(self.world, start, self.grid())]

    def _reason_of_time(self, start: datetime) -> str | None:
        step = self.world.step(start)
        steps = {step, -((self.world.origin - start) // STEP)}
        if not any(all(item.within_hours(self.world, each) for each in steps) for item in self.sittings):
            return self._why_closed()
        possible = self.possible(start)
        if not possible:
            return "off_grid"
        free = [sitting for sitting in possible if sitting.free(self.world, step)]
        if not free:
            return "slot_taken"
        return "customer_overlap" if all(item.meets_own(self.world, step) for item in free) else None

    def _why_closed(self) -> str:
        reasons = {self.world.closed_for.get(loctician) for sitting in self.sittings for loctician in sitting.chairs}
        if reasons == {"holiday"}:
            return "holiday"
        return "outside_hours" if None in reasons else "closed"

    def slots(self, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime, int | None, int]]:
        """(start, end, loctician, price) of each slot; the loctician is None if several share it."""
        for step in range(self.world.step(first), self.world.step(last)):
            start = self.world.instant(step)
            if self.reason(start) not in {None, "customer_overlap"}:
                continue
            fitting = [sitting for sitting in self.possible(start) if sitting.free(self.world, step)]
            if fitting[0].shared:
                fitting = [min(fitting, key=lambda item: (item.price, item.lasts))]
            for sitting in fitting:
                end = self.world.instant(step + sitting.lasts)
                yield start, end, None if sitting.shared else sitting.chairs[0], sitting.price
