-- Fraud rules, lists, velocity and decisions (security-reliability 6). Hashes are HMAC-SHA-256 under the server's
-- pepper, 16 bytes of it: equal people are equal, and nobody reads who they are.

-- The version of the rules that runs in each mode, {"live": 3}; a mode that is not there is not screened at all.
ALTER TABLE merchants ADD COLUMN fraud_versions jsonb NOT NULL DEFAULT '{}';
-- What the screening made of a payment; 'review' and 'declined' are not settled. 'challenged': its provider is told to
-- make the payer prove who they are.
ALTER TABLE payments ADD COLUMN screening text NOT NULL DEFAULT 'none'
    CHECK (screening IN ('none', 'passed', 'challenged', 'review', 'approved', 'declined', 'blocked'));

-- Versions are only added, so that a decision can be played again with the rules it was made by.
CREATE TABLE fraud_rule_sets (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    version     integer NOT NULL CHECK (version >= 1),
    rules       jsonb NOT NULL,
    created_by  text COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, mode, version)
);
CREATE TRIGGER fraud_rule_sets_append_only BEFORE UPDATE OR DELETE ON fraud_rule_sets
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER fraud_rule_sets_not_truncated BEFORE TRUNCATE ON fraud_rule_sets
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();

-- A merchant's own lists. An entry that was taken off stays, so that old decisions can be understood.
CREATE TABLE fraud_list_entries (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^fle_[0-9a-f]{32}$'),
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    list        text NOT NULL CHECK (list IN ('block', 'allow')),
    kind        text NOT NULL CHECK (kind IN ('card', 'payer_account', 'phone', 'email', 'email_domain', 'address',
                                              'network', 'device', 'country', 'bin')),
    value_hash  bytea NOT NULL CHECK (length(value_hash) = 16),
    -- What a person may see of it: masked where it is somebody's.
    shown       text NOT NULL CHECK (length(shown) BETWEEN 1 AND 200),
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    expires_at  timestamptz,
    created_by  text COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    removed_at  timestamptz,
    removed_by  text COLLATE "C",
    PRIMARY KEY (merchant_id, id),
    CHECK ((removed_at IS NULL) = (removed_by IS NULL))
);
CREATE UNIQUE INDEX fraud_list_entries_once ON fraud_list_entries (merchant_id, mode, list, kind, value_hash)
    WHERE removed_at IS NULL;
CREATE INDEX fraud_list_entries_found ON fraud_list_entries (merchant_id, mode, kind, value_hash)
    WHERE removed_at IS NULL;
CREATE INDEX fraud_list_entries_listed ON fraud_list_entries (merchant_id, mode, id DESC);

-- What the law forbids, for every merchant of the platform. No allow list lifts it.
CREATE TABLE fraud_legal_entries (
    id          text COLLATE "C" PRIMARY KEY CHECK (id ~ '^fle_[0-9a-f]{32}$'),
    kind        text NOT NULL CHECK (kind IN ('card', 'payer_account', 'phone', 'email', 'email_domain', 'address',
                                              'network', 'device', 'country', 'bin')),
    value_hash  bytea NOT NULL CHECK (length(value_hash) = 16),
    shown       text NOT NULL CHECK (length(shown) BETWEEN 1 AND 200),
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    expires_at  timestamptz,
    created_by  text COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    removed_at  timestamptz,
    removed_by  text COLLATE "C",
    CHECK ((removed_at IS NULL) = (removed_by IS NULL))
);
CREATE UNIQUE INDEX fraud_legal_entries_once ON fraud_legal_entries (kind, value_hash) WHERE removed_at IS NULL;

-- How often each key was seen: buckets of a minute, an hour and a day (`span` in minutes), from which the windows
-- are summed. Old buckets are deleted by housekeeping. `shard` is 0 for what is one payer's; what many payers share is
-- counted in the row of whoever counts at the moment (fraud_count).
CREATE TABLE fraud_velocity (
    merchant_id text COLLATE "C" NOT NULL,
    mode        text NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    key         bytea NOT NULL,
    span        smallint NOT NULL CHECK (span IN (1, 60, 1440)),
    bucket      timestamptz NOT NULL,
    shard       smallint NOT NULL DEFAULT 0,
    count       integer NOT NULL DEFAULT 0 CHECK (count >= 0),
    amount      bigint NOT NULL DEFAULT 0 CHECK (amount >= 0),
    failures    integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    PRIMARY KEY (merchant_id, mode, kind, key, span, bucket, shard)
) WITH (fillfactor = 80);
-- For tidying up alone, so on an expression no look at a payment can match: planned while the table was empty, looks
-- took this index for as good as the primary key, and read everybody's buckets until the planner knew better.
CREATE INDEX fraud_velocity_old ON fraud_velocity ((span + 0), bucket);

-- Who was seen with whom last: how many cards has this device, how many devices this card.
CREATE TABLE fraud_partners (
    merchant_id  text COLLATE "C" NOT NULL,
    mode         text NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    key          bytea NOT NULL,
    partner_kind text COLLATE "C" NOT NULL,
    partner      bytea NOT NULL,
    seen_at      timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, mode, kind, key, partner_kind, partner)
) WITH (fillfactor = 80);
CREATE INDEX fraud_partners_newest ON fraud_partners (merchant_id, mode, kind, key, partner_kind, seen_at);
CREATE INDEX fraud_partners_old ON fraud_partners (seen_at);

-- Adds to the buckets of each key that is `counted`, and writes down who was seen with whom.
--
-- What is one payer's is one row for each bucket: a second payment of the same card waits for the first, and then sees
-- it. What many payers share (this merchant, an amount, a carrier's address) must never make one wait for another, least
-- of all for the other's commit: each transaction takes the lowest number that nobody holds and has rows of its own with
-- it until its end. There are as many rows as payments were ever under way at once, which is few.
CREATE FUNCTION fraud_count(
    whose text, how text, kinds text[], hashes bytea[], counted boolean[], shared boolean[],
    spans smallint[], buckets timestamptz[], payments integer, satang bigint, failed integer,
    pair_kinds text[], pair_hashes bytea[], partner_kinds text[], partners bytea[], at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    own smallint;
BEGIN
    SELECT number INTO own FROM generate_series(1, 64) AS free (number)
     WHERE pg_try_advisory_xact_lock(hashtext(whose || how), number) LIMIT 1;
    -- With more than 64 payments of one merchant under way, some share a row and may wait.
    own := coalesce(own, 65 + pg_backend_pid() % 256);

    -- Everybody locks rows in the same order, so that two payments cannot wait for each other.
    INSERT INTO fraud_velocity AS known (merchant_id, mode, kind, key, span, bucket, shard, count, amount, failures)
    SELECT whose, how, given.kind, given.hash, times.span, times.bucket, CASE WHEN given.is_shared THEN own ELSE 0 END,
           payments, satang, failed
      FROM unnest(kinds, hashes, counted, shared) AS given (kind, hash, is_counted, is_shared)
     CROSS JOIN unnest(spans, buckets) AS times (span, bucket)
     WHERE given.is_counted
     ORDER BY given.kind COLLATE "C", given.hash, times.span
    ON CONFLICT (merchant_id, mode, kind, key, span, bucket, shard) DO UPDATE
       SET count = known.count + excluded.count, amount = known.amount + excluded.amount,
           failures = known.failures + excluded.failures;

    IF cardinality(pair_kinds) > 0 THEN
        INSERT INTO fraud_partners AS known (merchant_id, mode, kind, key, partner_kind, partner, seen_at)
        SELECT whose, how, given.kind, given.hash, given.partner_kind, given.partner, at
          FROM unnest(pair_kinds, pair_hashes, partner_kinds, partners) AS given (kind, hash, partner_kind, partner)
         ORDER BY given.kind COLLATE "C", given.hash, given.partner_kind COLLATE "C", given.partner
        ON CONFLICT (merchant_id, mode, kind, key, partner_kind, partner) DO UPDATE
           SET seen_at = greatest(known.seen_at, excluded.seen_at);
    END IF;
END
$$;

-- Counts, and then reads everything a decision looks at, in one round trip: a statement inside sees what others wrote
-- while the one before it waited. Six windows: `begins` are their oldest buckets, `since` their moments. The settings
-- keep to the indexes whatever the planner believes of tables that have grown since it last looked.
CREATE FUNCTION fraud_look(
    whose text, how text, kinds text[], hashes bytea[], counted boolean[], shared boolean[],
    spans smallint[], buckets timestamptz[], satang bigint,
    pair_kinds text[], pair_hashes bytea[], partner_kinds text[], partners bytea[], at timestamptz,
    begins timestamptz[], since timestamptz[], partners_max integer, list_kinds text[], list_hashes bytea[],
    OUT counters bigint[], OUT seen_with bigint[], OUT listed text[]
) LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    IF true = ANY (counted) THEN
        PERFORM fraud_count(whose, how, kinds, hashes, counted, shared, spans, buckets, 1, satang, 0,
                            pair_kinds, pair_hashes, partner_kinds, partners, at);
    END IF;

    SELECT array_agg(minutes.sums || hours.sums || days.sums ORDER BY given.number) INTO counters
      FROM unnest(kinds, hashes) WITH ORDINALITY AS given (kind, hash, number)
     CROSS JOIN LATERAL (
           SELECT ARRAY[coalesce(sum(count) FILTER (WHERE bucket >= begins[1]), 0),
                        coalesce(sum(amount) FILTER (WHERE bucket >= begins[1]), 0),
                        coalesce(sum(failures) FILTER (WHERE bucket >= begins[1]), 0),
                        coalesce(sum(count) FILTER (WHERE bucket >= begins[2]), 0),
                        coalesce(sum(amount) FILTER (WHERE bucket >= begins[2]), 0),
                        coalesce(sum(failures) FILTER (WHERE bucket >= begins[2]), 0),
                        coalesce(sum(count), 0), coalesce(sum(amount), 0), coalesce(sum(failures), 0)]::bigint[] AS sums
             FROM fraud_velocity
            WHERE merchant_id = whose AND mode = how AND kind = given.kind AND key = given.hash
              AND span = 1 AND bucket >= begins[3]) minutes
     CROSS JOIN LATERAL (
           SELECT ARRAY[coalesce(sum(count), 0), coalesce(sum(amount), 0), coalesce(sum(failures), 0)]::bigint[] AS sums
             FROM fraud_velocity
            WHERE merchant_id = whose AND mode = how AND kind = given.kind AND key = given.hash
              AND span = 60 AND bucket >= begins[4]) hours
     CROSS JOIN LATERAL (
           SELECT ARRAY[coalesce(sum(count) FILTER (WHERE bucket >= begins[5]), 0),
                        coalesce(sum(amount) FILTER (WHERE bucket >= begins[5]), 0),
                        coalesce(sum(failures) FILTER (WHERE bucket >= begins[5]), 0),
                        coalesce(sum(count), 0), coalesce(sum(amount), 0), coalesce(sum(failures), 0)]::bigint[] AS sums
             FROM fraud_velocity
            WHERE merchant_id = whose AND mode = how AND kind = given.kind AND key = given.hash
              AND span = 1440 AND bucket >= begins[6]) days;

    SELECT array_agg(times.numbers ORDER BY pairs.number) INTO seen_with
      FROM unnest(pair_kinds, pair_hashes, partner_kinds) WITH ORDINALITY AS pairs (kind, hash, partner_kind, number)
     CROSS JOIN LATERAL (
           SELECT ARRAY[count(*) FILTER (WHERE seen_at >= since[1]), count(*) FILTER (WHERE seen_at >= since[2]),
                        count(*) FILTER (WHERE seen_at >= since[3]), count(*) FILTER (WHERE seen_at >= since[4]),
                        count(*) FILTER (WHERE seen_at >= since[5]), count(*)] AS numbers
             FROM (SELECT seen_at FROM fraud_partners
                    WHERE merchant_id = whose AND mode = how AND kind = pairs.kind AND key = pairs.hash
                      AND partner_kind = pairs.partner_kind AND seen_at >= since[6]
                    ORDER BY seen_at DESC LIMIT partners_max) newest) times;

    SELECT array_agg(ARRAY[found.list, found.kind, found.id] ORDER BY found.id) INTO listed
      FROM unnest(list_kinds, list_hashes) AS wanted (kind, hash)
     CROSS JOIN LATERAL (
           SELECT entry.list, entry.kind, entry.id FROM fraud_list_entries entry
            WHERE entry.merchant_id = whose AND entry.mode = how AND entry.kind = wanted.kind
              AND entry.value_hash = wanted.hash AND entry.removed_at IS NULL
              AND (entry.expires_at IS NULL OR entry.expires_at > at)
            UNION ALL
           SELECT 'legal', entry.kind, entry.id FROM fraud_legal_entries entry
            WHERE entry.kind = wanted.kind AND entry.value_hash = wanted.hash AND entry.removed_at IS NULL
              AND (entry.expires_at IS NULL OR entry.expires_at > at)) found;
END
$$;

-- Each decision with everything it looked at. No foreign key to the payment: it has a retention of its own (13 months).
CREATE TABLE fraud_decisions (
    merchant_id text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^frd_[0-9a-f]{32}$'),
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    payment_id  text COLLATE "C" NOT NULL,
    stage       text NOT NULL CHECK (stage IN ('before', 'after')),
    rules_version integer NOT NULL CHECK (rules_version >= 0),
    inputs      jsonb NOT NULL,
    results     jsonb NOT NULL,
    score       integer NOT NULL,
    action      text NOT NULL CHECK (action IN ('allow', 'challenge', 'review', 'block')),
    decided_by  text NOT NULL,
    shadow_action text NOT NULL CHECK (shadow_action IN ('allow', 'challenge', 'review', 'block')),
    latency_us  integer NOT NULL CHECK (latency_us >= 0),
    decided_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX fraud_decisions_listed ON fraud_decisions (merchant_id, mode, id DESC);
CREATE INDEX fraud_decisions_by_payment ON fraud_decisions (merchant_id, payment_id);
CREATE INDEX fraud_decisions_by_time ON fraud_decisions (merchant_id, mode, decided_at);

CREATE FUNCTION fraud_decisions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.decided_at < now() - interval '13 months' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a fraud decision stays as it was made, for 13 months' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER fraud_decisions_stay BEFORE UPDATE OR DELETE ON fraud_decisions
    FOR EACH ROW EXECUTE FUNCTION fraud_decisions_stay();
CREATE TRIGGER fraud_decisions_not_truncated BEFORE TRUNCATE ON fraud_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();

CREATE TABLE fraud_reviews (
    merchant_id text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^frv_[0-9a-f]{32}$'),
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    payment_id  text COLLATE "C" NOT NULL,
    decision_id text COLLATE "C" NOT NULL,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'approved', 'declined', 'expired')),
    reasons     jsonb NOT NULL,
    opened_at   timestamptz NOT NULL DEFAULT now(),
    -- When nobody has decided by then, the rule set's word counts.
    expires_at  timestamptz NOT NULL,
    on_expiry   text NOT NULL CHECK (on_expiry IN ('keep', 'approve', 'decline')),
    decided_by  text COLLATE "C",
    note        text CHECK (length(note) BETWEEN 1 AND 500),
    decided_at  timestamptz,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, payment_id),
    CHECK ((state = 'open') = (decided_at IS NULL))
);
CREATE INDEX fraud_reviews_listed ON fraud_reviews (merchant_id, mode, id DESC);
CREATE INDEX fraud_reviews_due ON fraud_reviews (expires_at) WHERE state = 'open';

-- What is known of a merchant's risk (KYM). Each change is a row; the newest counts.
CREATE TABLE merchant_risks (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^mrk_[0-9a-f]{32}$'),
    version     integer NOT NULL CHECK (version >= 1),
    risk_class  text NOT NULL CHECK (risk_class IN ('general', 'high', 'prohibited')),
    category    text CHECK (length(category) BETWEEN 1 AND 40),
    -- What the merchant said it would take in 30 days, in satang.
    declared_amount bigint CHECK (declared_amount >= 0),
    -- Sealed; NULL when none are known.
    beneficial_owners bytea,
    review_by   date,
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    created_by  text COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, version)
);
CREATE TRIGGER merchant_risks_append_only BEFORE UPDATE OR DELETE ON merchant_risks
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added_or_sealed_again('beneficial_owners');

-- Payouts stopped by order, and when a merchant's payout account was changed.
CREATE TABLE payout_freezes (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^frz_[0-9a-f]{32}$'),
    legal_basis text NOT NULL CHECK (length(legal_basis) BETWEEN 1 AND 500),
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz CHECK (ends_at > starts_at),
    ordered_by  text COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    lifted_at   timestamptz,
    lifted_by   text COLLATE "C",
    lifted_because text CHECK (length(lifted_because) BETWEEN 1 AND 500),
    PRIMARY KEY (merchant_id, id),
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL)),
    CHECK ((lifted_at IS NULL) = (lifted_because IS NULL))
);
CREATE INDEX payout_freezes_standing ON payout_freezes (merchant_id) WHERE lifted_at IS NULL;
CREATE TABLE payout_account_changes (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    changed_at  timestamptz NOT NULL,
    changed_by  text COLLATE "C" NOT NULL,
    PRIMARY KEY (merchant_id, changed_at)
);
