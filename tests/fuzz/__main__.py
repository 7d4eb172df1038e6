"""`make fuzz`: schemathesis against the whole platform, as everybody; exit 1 when it finds anything."""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from pathlib import Path

from provisioning.servers import install_if_missing, provisioned
from tests.e2e.stack import running
from tests.fuzz.attacks import attack
from tests.fuzz.entrance import attack_entrance
from tests.fuzz.people import ROLES, described, gathered
from tests.fuzz.run import fuzz, report

REPORT = Path(__file__).parents[2] / ".local" / "fuzz" / "report.txt"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--role", action="append", choices=ROLES, help="may be given several times; all by default")
    parser.add_argument("--examples", type=int, default=15, help="of each kind for each operation, a round")
    parser.add_argument("--every", type=int, default=1, help="of the attacks, only each so-manieth")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    arguments = parser.parse_args()
    install_if_missing()
    with tempfile.TemporaryDirectory(prefix="loctician-fuzz-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with (
            provisioned(Path(folder), durable=False) as servers,
            running(Path(folder), servers.database_url, servers.amqp_url) as stack,
        ):
            asyncio.run(stack.ready())
            people = asyncio.run(gathered(stack.url))
            document = asyncio.run(described(stack.url))
            roles = arguments.role or ROLES
            attacked = [asyncio.run(attack(document, people, role, arguments.every)) for role in roles]
            entered, at_entrance = asyncio.run(attack_entrance(stack.url))
            until = time.monotonic() + arguments.minutes * 60
            outcome = fuzz(document, people, roles, examples=arguments.examples, seed=arguments.seed, until=until)
            lines = [
                f"seed {arguments.seed}",
                *report(outcome),
                f"attacks: {sum(calls for calls, _ in attacked) + entered} calls",
            ]
            failures = [finding for _, findings in attacked for finding in findings] + at_entrance + _logged(stack.logs)
            lines += failures
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n")
    sys.stdout.write(f"{REPORT.read_text()}\nWritten to {REPORT}\n")
    sys.exit(1 if outcome.findings or failures else 0)


def _logged(folder: Path) -> list[str]:
    """What the services themselves call an error."""
    return [
        f"{path.name}: {line}"
        for path in sorted(folder.glob("*.log"))
        for line in path.read_text(errors="replace").splitlines()
        if '"unhandled_error"' in line
    ][:50]


if __name__ == "__main__":
    main()
