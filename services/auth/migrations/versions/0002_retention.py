"""What is over can be counted and removed by policy; who never verified an address can be told from who did once;
an admin can take a lost second factor away; the sealed secret of one is sealed anew when SECRET_KEY has changed.

`auth.purge` stays for the code that still calls it.

Revision ID: 0002
"""

from services.auth.migrations.functions import retention
from shared.database.revisions import script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# An address that was changed is unverified again: that is no reason to forget a customer of many years. Of those who
# are here already it is only known who has never changed at all.
COLUMNS = """
ALTER TABLE auth.users ADD COLUMN first_verified_at timestamptz, ADD COLUMN erasure_asked_at timestamptz;
ALTER TABLE auth.mfa ADD COLUMN begun_at timestamptz NOT NULL DEFAULT now();
CREATE FUNCTION auth.note_first_verified() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.first_verified_at := coalesce(NEW.first_verified_at, clock_timestamp());
    RETURN NEW;
END $$;
CREATE TRIGGER first_verified BEFORE INSERT OR UPDATE OF email_verified ON auth.users
    FOR EACH ROW WHEN (NEW.email_verified) EXECUTE FUNCTION auth.note_first_verified();
UPDATE auth.users SET first_verified_at = updated_at WHERE email_verified OR version > 1;
CREATE POLICY users_remove ON auth.users FOR DELETE USING ((SELECT auth.as_owner()));
"""
ENROLL = """
CREATE OR REPLACE FUNCTION auth.enroll_mfa(p_user uuid, p_secret bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO auth.mfa AS m (user_id, secret) VALUES (p_user, p_secret)
    ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, last_step = 0{more} WHERE m.confirmed_at IS NULL;
    RETURN FOUND;
END $$;
"""
FUNCTIONS = """
-- Without a code: for an admin, when the phone and the recovery codes are lost.
CREATE FUNCTION auth.remove_mfa(p_user uuid) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (DELETE FROM auth.mfa WHERE user_id = p_user AND confirmed_at IS NOT NULL RETURNING 1)
    SELECT EXISTS (SELECT FROM gone)
$$;
CREATE FUNCTION auth.reseal_mfa(p_user uuid, p_old bytea, p_new bytea) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.mfa SET secret = p_new WHERE user_id = p_user AND secret = p_old
$$;
"""
GRANTED = [*retention.SIGNATURES, "auth.remove_mfa(uuid)", "auth.reseal_mfa(uuid, bytea, bytea)"]


def upgrade() -> None:
    script(COLUMNS)
    script(ENROLL.format(more=", begun_at = clock_timestamp()"))
    script(FUNCTIONS)
    script(retention.FUNCTIONS)
    script("REVOKE ALL ON FUNCTION auth._new_id() FROM PUBLIC")
    for signature in GRANTED:
        script(
            f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC; GRANT EXECUTE ON FUNCTION {signature} TO loctician_auth"
        )


def downgrade() -> None:
    for signature in (*GRANTED, "auth._new_id()"):
        script(f"DROP FUNCTION {signature}")
    script(ENROLL.format(more=""))
    script("""
        DROP POLICY users_remove ON auth.users;
        DROP TRIGGER first_verified ON auth.users;
        DROP FUNCTION auth.note_first_verified();
        ALTER TABLE auth.mfa DROP COLUMN begun_at;
        ALTER TABLE auth.users DROP COLUMN first_verified_at, DROP COLUMN erasure_asked_at;
    """)
