"""What a run leaves behind."""

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from rich.console import Console

from tests.bench import report
from tests.bench.__main__ import arguments
from tests.bench.figures import Figure, alone, at_least, at_most, compared

FIELDS = {"name", "value", "unit", "against", "against_value", "ratio", "goal", "runs", "spread"}
FIGURES = [
    compared("booking", "1/s", [50, 60], "pgbench <&>", [100, 100], at_least(0.25)),
    compared("added latency", "ms", [0.9], "nginx", [0.1], at_most(0.2, of="difference")),
    alone("memory", "MB", [70.5, 71.5]),
]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    report.write(tmp_path / "new" / "folder", FIGURES)
    return tmp_path / "new" / "folder"


class TestResults:
    def test_each_figure_has_the_agreed_fields(self, results: Path) -> None:
        results_json = json.loads((results / "results.json").read_text())
        assert [set(result) for result in results_json] == [FIELDS] * 3
        assert results_json[0] == {
            "name": "booking",
            "value": 55,
            "unit": "1/s",
            "against": "pgbench <&>",
            "against_value": 100,
            "ratio": 0.55,
            "goal": "ratio >= 0.25",
            "runs": 2,
            "spread": [0.5, 0.6],
        }
        assert results_json[1]["goal"] == "difference <= 0.2 ms"
        assert (results_json[2]["against"], results_json[2]["ratio"], results_json[2]["goal"]) == (None, None, None)

    def test_writing_again_replaces_and_leaves_nothing_else(self, results: Path) -> None:
        report.write(results, FIGURES[:1])
        assert len(json.loads((results / "results.json").read_text())) == 1
        assert {path.name for path in results.iterdir()} == {"results.json", "chart.svg"}


class TestChart:
    def test_is_well_formed_and_names_every_ratio(self, results: Path) -> None:
        root = Xml.fromstring((results / "chart.svg").read_text())  # noqa: S314 - we have just written it
        assert root.tag.endswith("svg")
        texts = [element.text for element in root.iter() if element.tag.endswith("text")]
        assert "booking / pgbench <&>" in texts
        assert "added latency / nginx" in texts
        assert not any("memory" in (text or "") for text in texts)

    def test_no_figures_make_an_empty_chart(self, tmp_path: Path) -> None:
        report.write(tmp_path, [])
        assert Xml.fromstring((tmp_path / "chart.svg").read_text()) is not None  # noqa: S314


class TestTable:
    def shown(self, figures: list[Figure]) -> str:
        console = Console(width=200, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
        with console.file:
            report.show(console, figures)
        return console.export_text()

    def test_missed_goals_are_named(self) -> None:
        shown = self.shown(FIGURES)
        assert "Missed: added latency (nginx)" in shown
        assert "0.5 .. 0.6" in shown

    def test_says_so_when_none_is_missed(self) -> None:
        assert "Missed" not in self.shown(FIGURES[:1])

    def test_machine_is_named(self) -> None:
        assert "cores" in report.machine()


class TestArguments:
    def test_unknown_benchmark_is_refused_by_name(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            arguments(["booking", "bokking"])
        assert "no benchmark is called bokking" in capsys.readouterr().err

    @pytest.mark.parametrize("runs", ["0", "101"])
    def test_runs_are_bounded(self, runs: str) -> None:
        with pytest.raises(SystemExit):
            arguments(["--runs", runs])
