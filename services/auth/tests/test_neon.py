"""What docs/neon.md says to swap, tried with a stand-in for the extension's function."""

import json
import re
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.auth.tests.conftest import EMAIL, SignUp
from shared.settings import runtime_role

PAGE = Path(__file__).parents[3] / "docs" / "neon.md"
# As pg_session_jwt without a key: the setting's claims, or JSON null.
SESSION = """
CREATE FUNCTION auth.session() RETURNS jsonb LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, 'null'::jsonb) $$
"""


def swapped() -> str:
    match = re.search(r"CREATE OR REPLACE FUNCTION booking\.claims\(\).*?;\n", PAGE.read_text(), re.DOTALL)
    assert match
    return match.group().replace("booking.", "auth.").strip().removesuffix(";")


async def test_policies_hold_with_the_claims_function_swapped(owner: AsyncEngine, sign_up: SignUp) -> None:
    kirsten, _ = await sign_up(EMAIL, "customer"), await sign_up("oskar@example.com", "customer")
    seen = {}
    async with owner.connect() as connection:
        role = runtime_role("auth")
        for statement in (SESSION, swapped(), f"GRANT {role} TO CURRENT_USER", f"SET LOCAL ROLE {role}"):
            await connection.execute(text(statement.replace("::", r"\:\:")))
        for role in ("", "customer", "staff"):
            claims = json.dumps({"role": role, "sub": str(kirsten)}) if role else ""
            await connection.execute(text("SELECT set_config('request.jwt.claims', :claims, true)"), {"claims": claims})
            rows = await connection.execute(text("SELECT email FROM auth.users ORDER BY email"))
            seen[role] = list(rows.scalars())
        await connection.rollback()
    assert seen == {"": [], "customer": [EMAIL], "staff": [EMAIL, "oskar@example.com"]}
