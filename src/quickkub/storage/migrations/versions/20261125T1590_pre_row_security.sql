-- A merchant's rows are seen by nobody else (A3), whatever a query forgot; and what is only added to may not be
-- changed even by a session that could (L2). docs/decisions/0023-row-security.md.

-- The gateway's sessions are this role: it owns nothing, and row-level security binds it. Roles belong to a whole
-- server, so it may be there already. A login that may not make roles goes on: its gateway says what to run.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'quickkub_app') THEN
        CREATE ROLE quickkub_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL; -- another database's migration was faster
    WHEN insufficient_privilege THEN
        RAISE WARNING 'CREATE ROLE quickkub_app NOLOGIN and GRANT it to this user, as an administrator';
END $$;

-- Puts the policy on each table that has merchants' rows, and gives the role its rights. A migration that makes
-- tables ends with a call of this; every run of the migrations does, too, for a role that was made later.
CREATE FUNCTION guard_merchant_rows() RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    guarded record;
    -- Books and audit entries are only added to (L2, A2).
    only_added CONSTANT text[] := ARRAY['journals', 'entries', 'audit_logs', 'audit_seals', 'audit_anchors',
                                        'audit_dropped'];
BEGIN
    FOR guarded IN
        SELECT class.oid::regclass AS name, class.relrowsecurity AND class.relforcerowsecurity AS is_on,
               EXISTS (SELECT FROM pg_policy WHERE polrelid = class.oid) AS has_policy, owner.attname AS owner
          FROM pg_class class
          JOIN pg_attribute owner ON owner.attrelid = class.oid AND NOT owner.attisdropped
               AND owner.attname = CASE class.relname WHEN 'merchants' THEN 'id' ELSE 'merchant_id' END
         WHERE class.relnamespace = current_schema()::regnamespace AND class.relkind IN ('r', 'p')
    LOOP
        IF NOT guarded.is_on THEN
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', guarded.name);
        END IF;
        IF NOT guarded.has_policy THEN
            -- Unset, the setting is null or empty, and no row is anybody's.
            EXECUTE format('CREATE POLICY own_rows ON %s USING (current_setting(''quickkub.scope'', true) = ''house'' '
                           'OR %I = current_setting(''quickkub.scope'', true))', guarded.name, guarded.owner);
        END IF;
    END LOOP;

    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'quickkub_app') THEN
        RETURN;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO quickkub_app', current_schema());
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO quickkub_app', current_schema());
    EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO quickkub_app', current_schema());
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM quickkub_app');
    FOR guarded IN SELECT unnest(only_added) AS name LOOP
        EXECUTE format('REVOKE UPDATE, DELETE ON %I FROM quickkub_app', guarded.name);
    END LOOP;
    -- Who makes a role may not take it by that alone (PostgreSQL 16 and later).
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        BEGIN
            EXECUTE format('GRANT quickkub_app TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege THEN
            NULL; -- an administrator granted it, or has to: opening a session tells
        END;
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION guard_merchant_rows() FROM PUBLIC;

-- What an audit chain's rules allow to be dropped goes by this door alone: the sessions may not delete.
ALTER FUNCTION audit_drop(text, bigint) SECURITY DEFINER;

-- PostgreSQL tells a role nothing of other roles' transactions, and readers of events wait for them (E5).
CREATE FUNCTION oldest_open_transaction() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT min(xact_start) FROM pg_stat_activity
     WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
       AND application_name = current_setting('application_name')
$$;

SELECT guard_merchant_rows();

-- Entries of the platform's own chain are nobody's rows: whoever works may add one, and only the house reads them.
CREATE POLICY house_entries ON audit_logs FOR INSERT WITH CHECK (merchant_id IS NULL);
