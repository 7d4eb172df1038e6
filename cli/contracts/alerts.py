"""The alert rules of deploy/observability as an object of the Prometheus Operator for Kubernetes."""

import re
from pathlib import Path

OBSERVABILITY = Path(__file__).parents[2] / "deploy" / "observability"
HEAD = """\
# Written by `loctician contracts generate` from the rules in deploy/observability.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: loctician
spec:
  groups:
"""


def prometheus_rule() -> str:
    """YAML, with the groups of every file that prometheus.yml names under rule_files. The text is taken over as it is:
    the operator's command is installed without a reader of YAML."""
    named = (OBSERVABILITY / "prometheus.yml").read_text().partition("\nrule_files:\n")[2].partition("\n\n")[0]
    return HEAD + "".join(_groups(OBSERVABILITY / name) for name in re.findall(r"^ *- (\S+)$", named, re.MULTILINE))


def _groups(file: Path) -> str:
    lines = file.read_text().partition("groups:\n")[2].splitlines()
    return "".join(f"  {line}".rstrip() + "\n" for line in lines)
