-- Autovacuum analyses a table by counters that a crash throws away, so that a server which crashes every minute
-- never does, and the planner goes on believing that the tables are as small as they were. This looks at the
-- tables themselves: where one is twice as large as at its last analysis, it is analysed. Returns their names.
CREATE FUNCTION refresh_statistics() RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    grown text[] := '{}';
    name text;
BEGIN
    -- One at a time; whoever comes second has nothing to do.
    IF NOT pg_try_advisory_xact_lock(hashtext('refresh_statistics')) THEN
        RETURN grown;
    END IF;
    SELECT coalesce(array_agg(oid::regclass::text), '{}') INTO grown FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
       AND pg_relation_size(oid) / current_setting('block_size')::integer > greatest(2 * relpages, 7);
    FOREACH name IN ARRAY grown LOOP
        EXECUTE format('ANALYZE %s', name);
    END LOOP;
    RETURN grown;
END
$$;
