-- Fraud rules, lists, velocity and decisions (security-reliability 6). Hashes are HMAC-SHA-256 under the server's
-- pepper, 16 bytes of it: equal people are equal, and nobody reads who they are.

-- The version of the rules that runs in each mode, {"live": 3}; a mode that is not there is not screened at all.
ALTER TABLE merchants ADD COLUMN fraud_versions jsonb NOT NULL DEFAULT '{}';
-- What the screening made of a payment; 'review' and 'declined' are not settled.
ALTER TABLE payments ADD COLUMN screening text NOT NULL DEFAULT 'none'
    CHECK (screening IN ('none', 'passed', 'review', 'approved', 'declined', 'blocked'));

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
-- are summed. Old buckets are deleted by housekeeping. `shard` spreads keys that every payment of a merchant has.
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
CREATE INDEX fraud_velocity_old ON fraud_velocity (span, bucket);

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
CREATE INDEX fraud_partners_old ON fraud_partners (seen_at);

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
    version     integer NOT NULL CHECK (version >= 1),
    risk_class  text NOT NULL CHECK (risk_class IN ('general', 'high', 'prohibited')),
    category    text CHECK (length(category) BETWEEN 1 AND 40),
    -- What the merchant said it would take in 30 days, in satang.
    declared_amount bigint CHECK (declared_amount >= 0),
    beneficial_owners jsonb NOT NULL DEFAULT '[]',
    review_by   date,
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    created_by  text COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, version)
);
CREATE TRIGGER merchant_risks_append_only BEFORE UPDATE OR DELETE ON merchant_risks
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

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
