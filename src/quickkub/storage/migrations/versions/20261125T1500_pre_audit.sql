-- Who did what (security-reliability 5.6). Entries are only ever added: not even the owner of the table changes one
-- while its triggers stand, and they stand for replication's role, too (ENABLE ALWAYS).
-- merchant_id is null for acts of the platform, which have a chain of their own.
CREATE TABLE audit_logs (
    id            text COLLATE "C" NOT NULL CHECK (id ~ '^aud_[0-9a-f]{32}$'),
    merchant_id   text COLLATE "C" REFERENCES merchants (id),
    mode          text CHECK (mode IN ('live', 'test')),
    actor_kind    text NOT NULL CHECK (actor_kind IN ('user', 'key', 'client', 'system')),
    actor_id      text,
    role          text,
    action        text NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+$'),
    resource_type text NOT NULL,
    resource_id   text,
    outcome       text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
    details       jsonb NOT NULL,
    ip_address    text,
    user_agent    text,
    request_id    text,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    chain         text COLLATE "C" NOT NULL GENERATED ALWAYS AS (coalesce(merchant_id, 'platform')) STORED,
    UNIQUE NULLS NOT DISTINCT (merchant_id, id)
);
CREATE INDEX audit_logs_by_chain ON audit_logs (chain, id);

-- What waits to be sealed, written by a trigger with the entry. The sealer asks what is here, never "what came after
-- the last": an entry whose transaction ends late is sealed late, and none is left out (E5).
CREATE TABLE audit_unsealed (
    chain    text COLLATE "C" NOT NULL,
    entry_id text COLLATE "C" NOT NULL,
    since    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (chain, entry_id)
);
CREATE INDEX audit_unsealed_oldest ON audit_unsealed (since, entry_id);

-- One row for each sealed entry: hash = SHA-256(previous_hash, RFC 8785 JSON of the entry). `chain` is a merchant's id
-- or 'platform'. Nothing forks: a second sealer would write the same position.
CREATE TABLE audit_seals (
    chain         text COLLATE "C" NOT NULL,
    position      bigint NOT NULL CHECK (position >= 1),
    entry_id      text COLLATE "C" NOT NULL,
    previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
    hash          bytea NOT NULL CHECK (length(hash) = 32),
    sealed_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (chain, position),
    UNIQUE (chain, entry_id)
);

-- Heads that were signed and written outside this database. What counts is what stands there; this is for A2 at night
-- and for the rule that only what is anchored may be dropped.
CREATE TABLE audit_anchors (
    chain       text COLLATE "C" NOT NULL,
    length      bigint NOT NULL CHECK (length >= 1),
    hash        bytea NOT NULL CHECK (length(hash) = 32),
    anchored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (chain, length)
);

-- How much of a chain's beginning was dropped when its time was over. The chain goes on from this hash.
CREATE TABLE audit_dropped (
    chain      text COLLATE "C" NOT NULL,
    position   bigint NOT NULL CHECK (position >= 1),
    hash       bytea NOT NULL CHECK (length(hash) = 32),
    dropped_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (chain, position)
);

CREATE FUNCTION audit_entry_waits() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit_unsealed (chain, entry_id) VALUES (NEW.chain, NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_logs_wait_for_the_seal AFTER INSERT ON audit_logs
    FOR EACH ROW EXECUTE FUNCTION audit_entry_waits();

-- Entries and seals go only as part of a prefix that audit_dropped names.
CREATE FUNCTION audit_rows_go_with_their_prefix() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    at_position bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF TG_TABLE_NAME = 'audit_logs' THEN
            SELECT position INTO at_position FROM audit_seals WHERE chain = OLD.chain AND entry_id = OLD.id;
        ELSE
            at_position := OLD.position;
        END IF;
        IF EXISTS (SELECT FROM audit_dropped WHERE chain = OLD.chain AND position >= at_position) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'A2: % is only added to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION audit_only_old_and_anchored_is_dropped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM audit_seals seal JOIN audit_anchors anchor
                       ON anchor.chain = seal.chain AND anchor.length = seal.position AND anchor.hash = seal.hash
                    WHERE seal.chain = NEW.chain AND seal.position = NEW.position AND seal.hash = NEW.hash) THEN
        RAISE EXCEPTION 'A2: position % of % is not anchored', NEW.position, NEW.chain USING ERRCODE = 'check_violation';
    END IF;
    -- PCI DSS 4.0.1, 10.5.1: twelve months are kept.
    IF EXISTS (SELECT FROM audit_seals seal JOIN audit_logs entry
                   ON entry.chain = seal.chain AND entry.id = seal.entry_id
                WHERE seal.chain = NEW.chain AND seal.position <= NEW.position
                  AND entry.created_at > now() - interval '1 year') THEN
        RAISE EXCEPTION 'A2: entries of % are kept for a year', NEW.chain USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER audit_logs_only_added BEFORE UPDATE OR DELETE ON audit_logs
    FOR EACH ROW EXECUTE FUNCTION audit_rows_go_with_their_prefix();
CREATE TRIGGER audit_logs_not_truncated BEFORE TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION audit_rows_go_with_their_prefix();
CREATE TRIGGER audit_seals_only_added BEFORE UPDATE OR DELETE ON audit_seals
    FOR EACH ROW EXECUTE FUNCTION audit_rows_go_with_their_prefix();
CREATE TRIGGER audit_seals_not_truncated BEFORE TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION audit_rows_go_with_their_prefix();
CREATE TRIGGER audit_anchors_only_added BEFORE UPDATE OR DELETE ON audit_anchors
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER audit_anchors_not_truncated BEFORE TRUNCATE ON audit_anchors
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER audit_dropped_checked BEFORE INSERT ON audit_dropped
    FOR EACH ROW EXECUTE FUNCTION audit_only_old_and_anchored_is_dropped();
CREATE TRIGGER audit_dropped_only_added BEFORE UPDATE OR DELETE ON audit_dropped
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER audit_dropped_not_truncated BEFORE TRUNCATE ON audit_dropped
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();

ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_logs_only_added;
ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_logs_not_truncated;
ALTER TABLE audit_seals ENABLE ALWAYS TRIGGER audit_seals_only_added;
ALTER TABLE audit_seals ENABLE ALWAYS TRIGGER audit_seals_not_truncated;
ALTER TABLE audit_anchors ENABLE ALWAYS TRIGGER audit_anchors_only_added;
ALTER TABLE audit_anchors ENABLE ALWAYS TRIGGER audit_anchors_not_truncated;
ALTER TABLE audit_dropped ENABLE ALWAYS TRIGGER audit_dropped_checked;
ALTER TABLE audit_dropped ENABLE ALWAYS TRIGGER audit_dropped_only_added;
ALTER TABLE audit_dropped ENABLE ALWAYS TRIGGER audit_dropped_not_truncated;

-- Drops the beginning of a chain up to an anchored position; returns how many entries went.
CREATE FUNCTION audit_drop(of_chain text, up_to bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    gone bigint;
BEGIN
    INSERT INTO audit_dropped (chain, position, hash)
    SELECT chain, position, hash FROM audit_seals WHERE chain = of_chain AND position = up_to;
    DELETE FROM audit_logs entry USING audit_seals seal
     WHERE seal.chain = of_chain AND seal.position <= up_to
       AND entry.chain = seal.chain AND entry.id = seal.entry_id;
    GET DIAGNOSTICS gone = ROW_COUNT;
    DELETE FROM audit_seals WHERE chain = of_chain AND position <= up_to;
    RETURN gone;
END
$$;

-- A session may make temporary tables, which are found first: a forged audit_dropped would open the door. So these
-- look into their own schema before, whoever calls them.
DO $$
DECLARE
    guard text;
BEGIN
    FOREACH guard IN ARRAY ARRAY['audit_entry_waits()', 'audit_rows_go_with_their_prefix()',
                                 'audit_only_old_and_anchored_is_dropped()', 'audit_drop(text, bigint)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', guard, current_schema());
    END LOOP;
END
$$;

-- Looks at payers' pages as they are really sent (PCI DSS 4.0.1, 6.4.3 and 11.6.1). Of the house; only added to.
CREATE TABLE page_watches (
    id          text COLLATE "C" PRIMARY KEY CHECK (id ~ '^pgw_[0-9a-f]{32}$'),
    address     text NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('same', 'different', 'unreached')),
    pages       text[] NOT NULL,
    answers     integer NOT NULL CHECK (answers >= 0),
    different   integer NOT NULL CHECK (different >= 0),
    differences text[] NOT NULL,
    unreached   text,
    seen_at     timestamptz NOT NULL,
    CHECK ((outcome = 'different') = (different > 0)),
    CHECK (outcome <> 'same' OR unreached IS NULL)
);
CREATE INDEX page_watches_by_time ON page_watches (seen_at);
CREATE TRIGGER page_watches_only_added BEFORE UPDATE OR DELETE ON page_watches
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER page_watches_not_truncated BEFORE TRUNCATE ON page_watches
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();

-- Restores that were tried, with what they took (security-reliability 9: RPO 5 minutes, RTO 60). Only added to.
CREATE TABLE restore_drills (
    id             text COLLATE "C" PRIMARY KEY CHECK (id ~ '^rdr_[0-9a-f]{32}$'),
    outcome        text NOT NULL CHECK (outcome IN ('passed', 'failed')),
    how            text NOT NULL CHECK (how IN ('measured', 'told')),
    by_whom        text NOT NULL,
    -- Empty where a drill did not come so far.
    backup_at      timestamptz,
    restored_to    timestamptz,
    rpo_seconds    integer CHECK (rpo_seconds >= 0),
    rto_seconds    integer CHECK (rto_seconds >= 0),
    invariants     integer NOT NULL CHECK (invariants >= 0),
    broken         integer NOT NULL CHECK (broken >= 0),
    note           text,
    ended_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (restored_to >= backup_at),
    CHECK (outcome = 'failed' OR (broken = 0 AND invariants > 0 AND backup_at IS NOT NULL AND restored_to IS NOT NULL
                                  AND rpo_seconds IS NOT NULL AND rto_seconds IS NOT NULL))
);
CREATE TRIGGER restore_drills_only_added BEFORE UPDATE OR DELETE ON restore_drills
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER restore_drills_not_truncated BEFORE TRUNCATE ON restore_drills
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();

ALTER TABLE page_watches ENABLE ALWAYS TRIGGER page_watches_only_added;
ALTER TABLE page_watches ENABLE ALWAYS TRIGGER page_watches_not_truncated;
ALTER TABLE restore_drills ENABLE ALWAYS TRIGGER restore_drills_only_added;
ALTER TABLE restore_drills ENABLE ALWAYS TRIGGER restore_drills_not_truncated;
