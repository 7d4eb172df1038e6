-- Pictures. Anybody sees them; the salon keeps all of them, locticians their own.

DROP POLICY IF EXISTS media_read ON booking.media;
CREATE POLICY media_read ON booking.media FOR SELECT USING (true);

DROP POLICY IF EXISTS media_add ON booking.media;
CREATE POLICY media_add ON booking.media FOR INSERT WITH CHECK (
    (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR (SELECT booking.claim_role()) = 'loctician' AND loctician_id = (SELECT booking.claim_sub()));

DROP POLICY IF EXISTS media_remove ON booking.media;
CREATE POLICY media_remove ON booking.media FOR DELETE USING (
    (SELECT booking.claim_role()) IN ('staff', 'admin', 'service')
    OR (SELECT booking.claim_role()) = 'loctician' AND loctician_id = (SELECT booking.claim_sub()));

-- Nobody changes a picture; an erasure takes out who uploaded it.
DROP POLICY IF EXISTS media_change ON booking.media;
CREATE POLICY media_change ON booking.media FOR UPDATE USING ((SELECT booking.claim_role()) = 'service');

-- Pictures of a kind, the oldest first, as the API returns them. p_owner: the loctician or the treatment; NULL for those
-- of the salon. In PL/pgSQL, so that its plan is kept. services/booking/media/serializers.py writes the same addresses.
CREATE OR REPLACE FUNCTION booking.pictures_json(p_kind text, p_owner uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', m.id, 'width', m.width, 'height', m.height,
            'small', format('/api/v1/media/%s/small', m.id), 'medium', format('/api/v1/media/%s/medium', m.id),
            'large', format('/api/v1/media/%s/large', m.id)) ORDER BY m.created_at, m.id), '[]')
        FROM booking.media m
        WHERE m.kind = p_kind AND coalesce(m.loctician_id, m.treatment_id) IS NOT DISTINCT FROM p_owner
    );
END
$$;
