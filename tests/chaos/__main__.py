"""`make chaos`: about ten minutes of failures; exit 1 if anything was lost, doubled or left over."""

import argparse
import asyncio
import secrets
import sys
from pathlib import Path

from provisioning.servers import install_if_missing
from tests.chaos.run import Plan, out, run, show, write

REPORT = Path(__file__).parents[2] / ".local" / "chaos" / "report.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long there is trouble")
    parser.add_argument("--broker-stop", type=float, default=60.0, help="seconds of the long stop of the broker")
    parser.add_argument("--bookings", type=int, default=5000, help="accepted at least; may take half as long again")
    parser.add_argument("--at-once", type=int, default=16, help="customers who act at the same time")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    arguments = parser.parse_args()
    plan = Plan(arguments.seconds, arguments.broker_stop, arguments.seed, arguments.at_once, arguments.bookings)
    install_if_missing()
    outcome = asyncio.run(run(plan))
    show(outcome)
    write(outcome, REPORT)
    out.print(f"Written to {REPORT}")
    sys.exit(0 if outcome.verdict.clean else 1)


if __name__ == "__main__":
    main()
