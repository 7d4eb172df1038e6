"""The statistics: turns, medians, ratios, spreads, goals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.figures import alone, at_least, at_most, by_turns, compared, percentile

RATES = st.lists(st.floats(min_value=0.001, max_value=1e9), min_size=1, max_size=30)


class TestByTurns:
    async def test_arms_take_turns_and_the_first_round_does_not_count(self) -> None:
        order: list[str] = []

        def arm(name: str) -> object:
            async def value() -> float:
                order.append(name)
                return float(len(order))

            return value

        took = await by_turns(3, {"a": arm("a"), "b": arm("b")})  # type: ignore[dict-item]
        assert order == ["a", "b"] * 4
        assert took == {"a": [3, 5, 7], "b": [4, 6, 8]}

    async def test_first_round_counts_without_a_warm_up(self) -> None:
        async def measure() -> float:
            return 1.0

        assert await by_turns(2, {"a": measure}, warm_up=False) == {"a": [1.0, 1.0]}


class TestCompared:
    def test_one_disturbed_round_moves_the_spread_and_not_the_ratio(self) -> None:
        figure = compared("booking", "1/s", [50, 10, 50], "pgbench", [100, 100, 100], at_least(0.25))
        assert (figure.value, figure.against_value, figure.ratio) == (50, 100, 0.5)
        assert figure.spread == (0.1, 0.5)
        assert figure.runs == 3
        assert figure.met is True

    @given(RATES)
    def test_what_is_compared_with_itself_is_one(self, values: list[float]) -> None:
        figure = compared("x", "1/s", values, "itself", values)
        assert figure.ratio == 1.0
        assert figure.spread == (1.0, 1.0)

    @given(RATES)
    def test_median_lies_within_the_spread(self, values: list[float]) -> None:
        figure = alone("x", "MB", values)
        assert figure.spread[0] <= figure.value * (1 + 1e-9)
        assert figure.value <= figure.spread[1] * (1 + 1e-9)

    def test_rounds_that_do_not_pair_are_refused(self) -> None:
        with pytest.raises(ValueError, match="zip"):
            compared("x", "1/s", [1.0, 2.0], "y", [1.0])


class TestGoals:
    @pytest.mark.parametrize(("value", "met"), [(0.24, False), (0.25, True), (0.3, True)])
    def test_ratio_at_least(self, value: float, met: bool) -> None:
        assert compared("x", "1/s", [value], "y", [1.0], at_least(0.25)).met is met

    def test_value_at_most_looks_at_the_value_alone(self) -> None:
        assert compared("x", "ms", [9.0], "y", [0.1], at_most(10, of="value")).met is True
        assert alone("x", "ms", [11.0], at_most(10, of="value")).met is False

    def test_difference_at_most(self) -> None:
        assert compared("x", "ms", [0.5], "y", [0.4], at_most(0.2, of="difference")).met is True
        assert compared("x", "ms", [0.7], "y", [0.4], at_most(0.2, of="difference")).met is False

    def test_no_goal_is_neither_met_nor_missed(self) -> None:
        assert alone("x", "MB", [1.0]).met is None


class TestPercentile:
    @given(RATES, st.integers(min_value=1, max_value=100))
    def test_is_a_value_that_so_many_do_not_exceed(self, values: list[float], percent: int) -> None:
        result = percentile(values, percent)
        assert result in values
        assert sum(value <= result for value in values) * 100 >= percent * len(values)

    def test_median_and_tail_of_a_hundred(self) -> None:
        values = [float(value) for value in range(100, 0, -1)]
        assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (50, 99, 100)
