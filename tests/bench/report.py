"""What a run leaves behind: a table in the terminal, results.json and a chart."""

import json
import os
import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.chart import chart
from tests.bench.figures import Figure

VERDICT = {True: "[green]met[/green]", False: "[red]missed[/red]", None: ""}


def machine() -> str:
    """Processor, cores, memory, system and Python: what absolute figures depend on."""
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processor = names[0] if names else platform.machine()
    system = f"{platform.system()} {platform.release()}"
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GB, {system}, Python {platform.python_version()}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(figures: Sequence[Figure]) -> Table:
    table = Table(title=machine(), title_justify="left", title_style="")
    for heading in ("figure", "value", "against", "its value", "ratio", "spread", "goal", ""):
        table.add_column(heading, justify="right" if heading in {"value", "its value", "ratio"} else "left")
    for figure in figures:
        other = "" if figure.against_value is None else f"{number(figure.against_value)} {figure.unit}"
        spread = f"{number(figure.spread[0])} .. {number(figure.spread[1])}"
        goal = "" if figure.goal is None else figure.goal.words(figure.unit)
        value = f"{number(figure.value)} {figure.unit}"
        table.add_row(
            figure.name, value, figure.against or "", other, number(figure.ratio), spread, goal, VERDICT[figure.met]
        )
    return table


def write(folder: Path, figures: Sequence[Figure]) -> None:
    """results.json and chart.svg; each is whole or, when the run is killed, still the last one."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "results.json", json.dumps([figure.as_json() for figure in figures], indent=2) + "\n")
    _replace(folder / "chart.svg", chart(figures, machine()))


def _replace(path: Path, content: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as partial:
        partial.write(content)
    Path(partial.name).replace(path)
    path.chmod(0o644)


def show(console: Console, figures: Sequence[Figure]) -> None:
    if not figures:
        console.print("Nothing was measured")
        return
    console.print(table(figures))
    missed = [f"{figure.name} ({figure.against or 'alone'})" for figure in figures if figure.met is False]
    console.print(f"Missed: {', '.join(missed)}" if missed else "Every goal that was measured is met")
