-- Agreed terms: length, price, buffers and processing time of what is held or booked. They stay as they were agreed,
-- whatever the catalog and the profiles say later. treatments_by_loctician() is the one source of terms for every
-- search, check and booking; it returns the agreed ones in place of the catalog's while a transaction applies them.

-- Applies agreed terms from here on, until stop_terms() or the end of the transaction. NULL applies none.
-- Arguments: p_terms: as current_terms and booked_terms return them; p_exactly: only these treatments by these
-- locticians can be performed, otherwise the rest of the catalog can be as well; p_promised: the time was promised, so
-- the salon's horizon and the grid of starts do not count. Between the two calls nothing may be searched for others.
CREATE OR REPLACE FUNCTION booking.apply_terms(p_terms jsonb, p_exactly boolean, p_promised boolean DEFAULT false)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('booking.agreed_terms', coalesce((
        SELECT jsonb_agg(term || jsonb_build_object('exactly', p_exactly, 'promised', p_promised))::text
        FROM jsonb_array_elements(p_terms) term), ''), true);
END
$$;

-- Applies no agreed terms from here on.
CREATE OR REPLACE FUNCTION booking.stop_terms() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('booking.agreed_terms', '', true);
END
$$;

-- The terms that the transaction applies: one row for each treatment. In PL/pgSQL, so that the planner expects a row
-- and searches without agreed terms pay next to nothing.
CREATE OR REPLACE FUNCTION booking.agreed_terms() RETURNS TABLE (
    treatment_id uuid, loctician_id uuid, lasts integer, price integer, buffer_before integer, buffer_after integer,
    processing_from integer, processing integer, exactly boolean, promised boolean
) LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
    applied text := current_setting('booking.agreed_terms', true);
BEGIN
    IF applied <> '' THEN
        RETURN QUERY SELECT t.* FROM jsonb_to_recordset(applied::jsonb) AS t (
            treatment_id uuid, loctician_id uuid, lasts integer, price integer, buffer_before integer,
            buffer_after integer, processing_from integer, processing integer, exactly boolean, promised boolean);
    END IF;
END
$$;

-- The terms of today for these treatments by these locticians (one for each treatment), in their order.
CREATE OR REPLACE FUNCTION booking.current_terms(p_treatments uuid[], p_performers uuid[]) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(to_jsonb(o) - 'place' - 'grid_minutes' ORDER BY o.place)
        FROM booking.treatments_by_loctician(p_treatments, NULL) o WHERE o.loctician_id = p_performers[o.place]
    );
END
$$;

-- The terms on which a booking was made, in the order of its treatments. What a booking of an earlier version does not
-- have is the catalog's.
CREATE OR REPLACE FUNCTION booking.booked_terms(p_booking uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_object(
            'treatment_id', i.treatment_id, 'loctician_id', i.loctician_id, 'price', i.price_amount,
            'lasts', (extract(epoch FROM upper(i.during) - lower(i.during)) / 60)::integer,
            'buffer_before', coalesce(i.buffer_before_minutes, t.buffer_before_minutes),
            'buffer_after', coalesce(i.buffer_after_minutes, t.buffer_after_minutes),
            'processing_from', CASE WHEN i.buffer_before_minutes IS NULL THEN t.processing_start_minutes
                ELSE i.processing_start_minutes END,
            'processing', CASE WHEN i.buffer_before_minutes IS NULL THEN t.processing_minutes
                ELSE i.processing_minutes END) ORDER BY i.place)
        FROM booking.booking_items i JOIN booking.treatments t ON t.id = i.treatment_id WHERE i.booking_id = p_booking
    );
END
$$;

-- Agreed terms as parts of a sitting: [{"service_id", "loctician_id", "from", "to", "price_amount"}], in minutes from
-- its start.
CREATE OR REPLACE FUNCTION booking.parts_of_terms(p_terms jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_object('service_id', term -> 'treatment_id', 'loctician_id', term -> 'loctician_id',
            'from', ends - (term ->> 'lasts')::integer, 'to', ends, 'price_amount', term -> 'price') ORDER BY place)
        FROM (
            SELECT term, place, sum((term ->> 'lasts')::integer) OVER (ORDER BY place) AS ends
            FROM jsonb_array_elements(p_terms) WITH ORDINALITY AS list (term, place)
        ) laid
    );
END
$$;
