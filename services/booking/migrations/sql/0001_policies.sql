CREATE POLICY customer_loctician_or_salon ON booking.bookings
USING (
    customer_id = (SELECT booking.claim_sub())
    OR (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR ((SELECT booking.claim_role()) = 'loctician' AND (SELECT booking.claim_sub()) = ANY (loctician_ids))
)

CREATE POLICY customer_loctician_or_salon ON booking.booking_items
USING (
    customer_id = (SELECT booking.claim_sub())
    OR (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR ((SELECT booking.claim_role()) = 'loctician' AND (SELECT booking.claim_sub()) = loctician_id)
)

CREATE POLICY customer_loctician_or_salon ON booking.booking_history
USING (
    customer_id = (SELECT booking.claim_sub())
    OR (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR ((SELECT booking.claim_role()) = 'loctician' AND (SELECT booking.claim_sub()) = ANY (loctician_ids))
)

CREATE POLICY own_or_salon ON booking.customers
USING (id = (SELECT booking.claim_sub()) OR (SELECT booking.claim_role()) IN ('staff', 'admin', 'service'))

CREATE POLICY own_or_service ON booking.idempotency_keys
USING (caller = (SELECT booking.claim_sub()) OR (SELECT booking.claim_role()) = 'service')

CREATE POLICY profiles_are_public ON booking.locticians FOR SELECT USING (true)

CREATE POLICY own_profile_or_salon ON booking.locticians FOR ALL
USING (
    (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR ((SELECT booking.claim_role()) = 'loctician' AND (SELECT booking.claim_sub()) = loctician_id)
)

-- The catalog holds nothing personal and is read on the way to every free time, where Row Level Security would cost
-- more than the search itself; who writes it is checked here.
CREATE FUNCTION booking.salon_writes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF booking.claim_role() NOT IN ('staff', 'admin', 'service') THEN
        RAISE insufficient_privilege USING MESSAGE = 'only the salon writes the catalog';
    END IF;
    RETURN NULL;
END
$$

CREATE TRIGGER salon_writes BEFORE INSERT OR UPDATE ON booking.treatments
FOR EACH STATEMENT EXECUTE FUNCTION booking.salon_writes()

CREATE FUNCTION booking.own_offers_or_salon() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    people uuid[] := ARRAY[OLD.loctician_id, NEW.loctician_id];
BEGIN
    IF booking.claim_role() NOT IN ('staff', 'admin', 'service')
        AND NOT (booking.claim_role() = 'loctician' AND booking.claim_sub() = ALL (array_remove(people, NULL))) THEN
        RAISE insufficient_privilege USING MESSAGE = 'only the salon or that loctician writes an offer';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$$

CREATE TRIGGER own_offers_or_salon BEFORE INSERT OR UPDATE OR DELETE ON booking.loctician_treatments
FOR EACH ROW EXECUTE FUNCTION booking.own_offers_or_salon()

CREATE POLICY own_source_or_salon ON booking.portfolio_sources
USING (
    (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR ((SELECT booking.claim_role()) = 'loctician' AND (SELECT booking.claim_sub()) = loctician_id)
)

CREATE POLICY portfolios_are_public ON booking.portfolio_media FOR SELECT USING (true)

CREATE POLICY service_writes ON booking.portfolio_media FOR ALL
USING ((SELECT booking.claim_role()) = 'service')

CREATE POLICY own_or_salon ON booking.holds
USING (customer_id = (SELECT booking.claim_sub()) OR (SELECT booking.claim_role()) IN ('staff', 'admin', 'service'))

CREATE POLICY own_or_salon ON booking.waitlist
USING (customer_id = (SELECT booking.claim_sub()) OR (SELECT booking.claim_role()) IN ('staff', 'admin', 'service'))

CREATE POLICY rules_are_public ON booking.salon FOR SELECT USING (true)

CREATE POLICY salon_chooses ON booking.salon FOR ALL
USING ((SELECT booking.claim_role()) IN ('staff', 'admin', 'service'))
