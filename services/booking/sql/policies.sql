-- Row level security, and triggers that check who writes. A policy compares with (SELECT booking.claim_role()), so that
-- the claim is read once a query. Row level security is enabled in the baseline revision.

-- Customers see their own bookings, locticians those that they perform, staff and the service all.
DROP POLICY IF EXISTS customer_loctician_or_salon ON booking.bookings;
CREATE POLICY customer_loctician_or_salon ON booking.bookings
USING (
    customer_id = (SELECT booking.claim_sub())
    OR (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR ((SELECT booking.claim_role()) = 'loctician' AND (SELECT booking.claim_sub()) = ANY (loctician_ids))
);

-- The same for the items of a booking.
DROP POLICY IF EXISTS customer_loctician_or_salon ON booking.booking_items;
CREATE POLICY customer_loctician_or_salon ON booking.booking_items
USING (
    customer_id = (SELECT booking.claim_sub())
    OR (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR ((SELECT booking.claim_role()) = 'loctician' AND (SELECT booking.claim_sub()) = loctician_id)
);

-- The same for its history.
DROP POLICY IF EXISTS customer_loctician_or_salon ON booking.booking_history;
CREATE POLICY customer_loctician_or_salon ON booking.booking_history
USING (
    customer_id = (SELECT booking.claim_sub())
    OR (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR ((SELECT booking.claim_role()) = 'loctician' AND (SELECT booking.claim_sub()) = ANY (loctician_ids))
);

-- Customers see what is known of themselves, staff and the service all.
DROP POLICY IF EXISTS own_or_salon ON booking.customers;
CREATE POLICY own_or_salon ON booking.customers
USING (id = (SELECT booking.claim_sub()) OR (SELECT booking.claim_role()) IN ('staff', 'admin', 'service'));

-- Keys belong to the caller who sent them.
DROP POLICY IF EXISTS own_or_service ON booking.idempotency_keys;
CREATE POLICY own_or_service ON booking.idempotency_keys
USING (caller = (SELECT booking.claim_sub()) OR (SELECT booking.claim_role()) = 'service');

-- Everybody reads profiles; locticians write their own, staff and the service all.
DROP POLICY IF EXISTS profiles_are_public ON booking.locticians;
CREATE POLICY profiles_are_public ON booking.locticians FOR SELECT USING (true);

DROP POLICY IF EXISTS own_profile_or_salon ON booking.locticians;
CREATE POLICY own_profile_or_salon ON booking.locticians FOR ALL
USING (
    (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR ((SELECT booking.claim_role()) = 'loctician' AND (SELECT booking.claim_sub()) = loctician_id)
);

-- Locticians see and write their own source, staff and the service all.
DROP POLICY IF EXISTS own_source_or_salon ON booking.portfolio_sources;
CREATE POLICY own_source_or_salon ON booking.portfolio_sources
USING (
    (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR ((SELECT booking.claim_role()) = 'loctician' AND (SELECT booking.claim_sub()) = loctician_id)
);

-- Everybody sees portfolios; the service writes them.
DROP POLICY IF EXISTS portfolios_are_public ON booking.portfolio_media;
CREATE POLICY portfolios_are_public ON booking.portfolio_media FOR SELECT USING (true);

DROP POLICY IF EXISTS service_writes ON booking.portfolio_media;
CREATE POLICY service_writes ON booking.portfolio_media FOR ALL
USING ((SELECT booking.claim_role()) = 'service');

-- Customers see their own holds and offers, and the holds of their browser; staff and the service all.
DROP POLICY IF EXISTS own_or_salon ON booking.holds;
CREATE POLICY own_or_salon ON booking.holds
USING (
    customer_id = (SELECT booking.claim_sub())
    OR (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR customer_id = (SELECT booking.claim_browser())
);

-- Customers see their own entries, staff and the service all.
DROP POLICY IF EXISTS own_or_salon ON booking.waitlist;
CREATE POLICY own_or_salon ON booking.waitlist
USING (customer_id = (SELECT booking.claim_sub()) OR (SELECT booking.claim_role()) IN ('staff', 'admin', 'service'));

-- Everybody reads the salon's rules; staff and the service write them.
DROP POLICY IF EXISTS rules_are_public ON booking.salon;
CREATE POLICY rules_are_public ON booking.salon FOR SELECT USING (true);

DROP POLICY IF EXISTS salon_chooses ON booking.salon;
CREATE POLICY salon_chooses ON booking.salon FOR ALL
USING ((SELECT booking.claim_role()) IN ('staff', 'admin', 'service'));

-- The catalog holds nothing personal and is read for every free time, where row level security would cost more than the
-- search itself. So a trigger checks who writes it: raises insufficient_privilege unless staff, admin or service.
CREATE OR REPLACE FUNCTION booking.check_catalog_writer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF booking.claim_role() NOT IN ('staff', 'admin', 'service') THEN
        RAISE insufficient_privilege USING MESSAGE = 'only the salon writes the catalog';
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER check_catalog_writer BEFORE INSERT OR UPDATE ON booking.treatments
FOR EACH STATEMENT EXECUTE FUNCTION booking.check_catalog_writer();

-- Locticians write what they offer themselves, the salon for all: raises insufficient_privilege otherwise.
CREATE OR REPLACE FUNCTION booking.check_offer_writer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    people uuid[] := ARRAY[OLD.loctician_id, NEW.loctician_id];
BEGIN
    IF booking.claim_role() NOT IN ('staff', 'admin', 'service')
        AND NOT (booking.claim_role() = 'loctician' AND booking.claim_sub() = ALL (array_remove(people, NULL))) THEN
        RAISE insufficient_privilege USING MESSAGE = 'only the salon or that loctician writes an offer';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$$;

CREATE OR REPLACE TRIGGER check_offer_writer BEFORE INSERT OR UPDATE OR DELETE ON booking.loctician_treatments
FOR EACH ROW EXECUTE FUNCTION booking.check_offer_writer();

-- The booking that the caller is limited to, by the claim `limited_to`: that of the link in a mail. NULL for callers
-- without a limit, and once a function continues as the service. Without WHERE, so that the planner makes it part of
-- each query: as a call it costs more than the rest of a policy.
CREATE OR REPLACE FUNCTION booking.claim_limit() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN booking.claim_role() <> 'service' THEN (booking.claims() ->> 'limited_to')::uuid END $$;

-- Whoever is limited to a booking reaches that booking only, and nothing else of its customer.
DROP POLICY IF EXISTS within_the_limit ON booking.bookings;
CREATE POLICY within_the_limit ON booking.bookings AS RESTRICTIVE
USING ((SELECT booking.claim_limit()) IS NULL OR id = (SELECT booking.claim_limit()));

DROP POLICY IF EXISTS within_the_limit ON booking.booking_items;
CREATE POLICY within_the_limit ON booking.booking_items AS RESTRICTIVE
USING ((SELECT booking.claim_limit()) IS NULL OR booking_id = (SELECT booking.claim_limit()));

DROP POLICY IF EXISTS within_the_limit ON booking.booking_history;
CREATE POLICY within_the_limit ON booking.booking_history AS RESTRICTIVE
USING ((SELECT booking.claim_limit()) IS NULL OR booking_id = (SELECT booking.claim_limit()));

DROP POLICY IF EXISTS without_a_limit ON booking.customers;
CREATE POLICY without_a_limit ON booking.customers AS RESTRICTIVE USING ((SELECT booking.claim_limit()) IS NULL);

DROP POLICY IF EXISTS without_a_limit ON booking.holds;
CREATE POLICY without_a_limit ON booking.holds AS RESTRICTIVE USING ((SELECT booking.claim_limit()) IS NULL);

DROP POLICY IF EXISTS without_a_limit ON booking.waitlist;
CREATE POLICY without_a_limit ON booking.waitlist AS RESTRICTIVE USING ((SELECT booking.claim_limit()) IS NULL);

DROP POLICY IF EXISTS without_a_limit ON booking.idempotency_keys;
CREATE POLICY without_a_limit ON booking.idempotency_keys AS RESTRICTIVE
USING ((SELECT booking.claim_limit()) IS NULL);
