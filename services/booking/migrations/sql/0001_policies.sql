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

CREATE POLICY catalog_is_public ON booking.treatments FOR SELECT USING (true)

CREATE POLICY salon_writes ON booking.treatments FOR ALL
USING ((SELECT booking.claim_role()) IN ('staff', 'admin', 'service'))

CREATE POLICY offers_are_public ON booking.loctician_treatments FOR SELECT USING (true)

CREATE POLICY own_offers_or_salon ON booking.loctician_treatments FOR ALL
USING (
    (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR ((SELECT booking.claim_role()) = 'loctician' AND (SELECT booking.claim_sub()) = loctician_id)
)

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
