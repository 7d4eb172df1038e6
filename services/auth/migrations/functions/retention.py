"""SQL of retention: counting and removing, in batches, what is over. Two functions a policy, of a closed table each.

None takes what is younger than the least that its policy allows, whatever it is asked: who gets at the runtime role
cannot end a session with them, nor forget a failure.
"""

from dataclasses import dataclass

DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"


@dataclass(frozen=True)
class Over:
    """Rows of a table for which `condition` holds, where `{before}` stands for how old they must be."""

    name: str
    table: str
    least_days: int
    condition: str

    @property
    def due(self) -> str:
        before = f"least(p_before, now() - interval '{self.least_days} days')"
        return f"FROM auth.{self.table} AS t WHERE {self.condition.format(before=before)}"

    @property
    def signatures(self) -> tuple[str, str]:
        return f"auth.due_{self.name}(timestamptz)", f"auth.remove_{self.name}(timestamptz, integer)"

    @property
    def counting(self) -> str:
        return f"""
            CREATE FUNCTION auth.due_{self.name}(p_before timestamptz) RETURNS bigint
            LANGUAGE sql STABLE {DEFINER} AS $$
                SELECT count(*) FROM (SELECT {self.due} LIMIT 1000000) AS due
            $$;"""

    @property
    def removing(self) -> str:
        return f"""
            CREATE FUNCTION auth.remove_{self.name}(p_before timestamptz, p_limit integer) RETURNS bigint
            LANGUAGE sql VOLATILE {DEFINER} AS $$
                WITH gone AS (
                    DELETE FROM auth.{self.table} WHERE ctid = ANY (ARRAY(
                        SELECT ctid {self.due} LIMIT p_limit FOR UPDATE SKIP LOCKED)) RETURNING 1
                ) SELECT count(*) FROM gone
            $$;"""


REMOVED = (
    Over("sessions", "sessions", 1, "least(t.revoked_at, t.expires_at) < {before}"),
    Over("refresh_tokens", "refresh_tokens", 1, "t.expires_at < {before}"),
    Over("one_time_tokens", "one_time_tokens", 1, "t.expires_at < {before}"),
    Over(
        "login_attempts",
        "login_attempts",
        1,
        "t.last_failure_at < {before} AND (t.locked_until IS NULL OR t.locked_until < now())",
    ),
    Over("known_addresses", "known_addresses", 30, "t.seen_at < {before}"),
    Over("enrolments", "mfa", 1, "t.confirmed_at IS NULL AND t.begun_at < {before}"),
    Over("erased_users", "users", 120, "t.email = t.id || '@erased.invalid' AND t.updated_at < {before}"),
)
# Who signed up by themselves and never showed that the address is theirs; nobody came in since, and no link that could
# still show it is out. Who was asked about in the last 30 days is not asked about again.
NEVER_VERIFIED = Over(
    "never_verified",
    "users",
    7,
    """t.first_verified_at IS NULL AND t.active AND t.role = 'customer' AND t.created_at < {before}
        AND (t.erasure_asked_at IS NULL OR t.erasure_asked_at < now() - interval '30 days')
        AND EXISTS (SELECT FROM auth.credentials c WHERE c.user_id = t.id)
        AND NOT EXISTS (SELECT FROM auth.sessions s WHERE s.user_id = t.id AND s.last_used_at >= {before})
        AND NOT EXISTS (SELECT FROM auth.known_addresses k WHERE k.user_id = t.id AND k.seen_at >= {before})
        AND NOT EXISTS (SELECT FROM auth.one_time_tokens o WHERE o.user_id = t.id AND o.expires_at > now())""",
)
# Removes nobody: has them erased, everywhere, by saying so.
ASKING = f"""
CREATE FUNCTION auth._new_id() RETURNS uuid LANGUAGE sql VOLATILE {DEFINER} AS $$
    SELECT encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
    ), 52, 1), 53, 1), 'hex')::uuid
$$;
CREATE FUNCTION auth.remove_never_verified(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE plpgsql {DEFINER} AS $$
DECLARE person record; asked bigint := 0;
BEGIN
    FOR person IN
        UPDATE auth.users u SET erasure_asked_at = now()
        WHERE u.id IN (SELECT t.id {NEVER_VERIFIED.due} ORDER BY t.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED)
        RETURNING u.id, u.version
    LOOP
        PERFORM auth.emit(auth._new_id(), 'user.never_verified.v1', person.id::text, person.version,
                          jsonb_build_object('version', person.version, 'user_id', person.id));
        asked := asked + 1;
    END LOOP;
    RETURN asked;
END $$;
"""
FUNCTIONS = "\n".join(
    (*(one.counting for one in (*REMOVED, NEVER_VERIFIED)), *(one.removing for one in REMOVED), ASKING)
)
SIGNATURES = [signature for one in (*REMOVED, NEVER_VERIFIED) for signature in one.signatures]
