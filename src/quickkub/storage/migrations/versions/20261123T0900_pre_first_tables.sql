-- Every table of merchant data has merchant_id first in its primary key and in every unique key, so that the
-- schema can be distributed by merchant. merchants, api_keys, thai_payment_methods and refused_callbacks are
-- small tables that every node would hold whole.

CREATE TABLE merchants (
    id          text COLLATE "C" PRIMARY KEY CHECK (id ~ '^mer_[0-9a-f]{32}$'),
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    name_th     text CHECK (length(name_th) BETWEEN 1 AND 100),
    state       text NOT NULL DEFAULT 'active' CHECK (state IN ('pending', 'active', 'suspended', 'inactive')),
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^key_[0-9a-f]{32}$'),
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    kind        text NOT NULL CHECK (kind IN ('sk', 'pk', 'rk')),
    -- HMAC-SHA-256 of the key under the server's pepper; the key itself is shown once and kept nowhere.
    hash        bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    last_four   text NOT NULL CHECK (length(last_four) = 4),
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    revoked_at  timestamptz,
    PRIMARY KEY (merchant_id, id)
);

CREATE TABLE thai_payment_methods (
    id          text COLLATE "C" PRIMARY KEY,
    name_en     text NOT NULL,
    name_th     text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('qr', 'bank_app', 'wallet', 'card')),
    currency    text NOT NULL DEFAULT 'THB',
    amount_min  bigint NOT NULL CHECK (amount_min >= 1),
    amount_max  bigint NOT NULL CHECK (amount_max >= amount_min),
    providers   text[] NOT NULL DEFAULT '{}',
    enabled     boolean NOT NULL,
    position    integer NOT NULL
);

CREATE TABLE provider_accounts (
    merchant_id         text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id                  text COLLATE "C" NOT NULL CHECK (id ~ '^acc_[0-9a-f]{32}$'),
    mode                text NOT NULL CHECK (mode IN ('live', 'test')),
    provider            text NOT NULL,
    settings            jsonb NOT NULL DEFAULT '{}',
    -- Sealed by storage.vault; never stored in clear.
    credentials         bytea NOT NULL,
    -- SHA-256 of the unguessable part of the callback address.
    callback_token_hash bytea NOT NULL CHECK (length(callback_token_hash) = 32),
    enabled             boolean NOT NULL DEFAULT true,
    created_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, callback_token_hash),
    UNIQUE (merchant_id, id, mode)
);

CREATE TABLE payments (
    merchant_id     text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id              text COLLATE "C" NOT NULL CHECK (id ~ '^pay_[0-9a-f]{32}$'),
    mode            text NOT NULL CHECK (mode IN ('live', 'test')),
    -- Satang for THB, minor units otherwise.
    amount          bigint NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000),
    currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    state           text NOT NULL CHECK (state IN ('created', 'requires_action', 'processing', 'authorized',
                                                   'succeeded', 'failed', 'expired', 'cancelled')),
    method          text NOT NULL,
    captured_amount bigint NOT NULL DEFAULT 0 CHECK (captured_amount BETWEEN 0 AND amount),          -- P1
    refunded_amount bigint NOT NULL DEFAULT 0 CHECK (refunded_amount BETWEEN 0 AND captured_amount), -- P3
    reference       text CHECK (length(reference) BETWEEN 1 AND 100),
    description     text CHECK (length(description) BETWEEN 1 AND 500),
    metadata        jsonb NOT NULL DEFAULT '{}',
    return_url      text CHECK (length(return_url) <= 2048),
    checkout_token  text COLLATE "C" NOT NULL,
    failure_code    text,
    version         integer NOT NULL DEFAULT 1,
    expires_at      timestamptz NOT NULL,
    -- When the worker looks at it next; null once nothing is left to wait for.
    due_at          timestamptz,
    lease_until     timestamptz,
    lease_token     bigint NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    paid_at         timestamptz,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, checkout_token),
    UNIQUE (merchant_id, id, mode),
    CHECK ((state = 'succeeded') = (paid_at IS NOT NULL)),
    CHECK (state NOT IN ('created', 'requires_action', 'processing') OR due_at IS NOT NULL)
);
CREATE INDEX payments_due ON payments (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX payments_listed ON payments (merchant_id, mode, id DESC);
CREATE INDEX payments_by_reference ON payments (merchant_id, mode, reference) WHERE reference IS NOT NULL;

CREATE TABLE evidence (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^evd_[0-9a-f]{32}$'),
    payment_id  text COLLATE "C" NOT NULL,
    attempt_id  text COLLATE "C" NOT NULL,
    provider    text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('answer', 'callback', 'inquiry', 'operator')),
    outcome     text NOT NULL,
    -- What was said on the wire, sealed by storage.vault.
    transcript  bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX evidence_by_payment ON evidence (merchant_id, payment_id);

CREATE TABLE attempts (
    merchant_id  text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL CHECK (id ~ '^att_[0-9a-f]{32}$'),
    payment_id   text COLLATE "C" NOT NULL,
    mode         text NOT NULL CHECK (mode IN ('live', 'test')),
    provider     text NOT NULL,
    account_id   text COLLATE "C" NOT NULL,
    amount       bigint NOT NULL CHECK (amount >= 1),
    currency     text NOT NULL,
    state        text NOT NULL CHECK (state IN ('created', 'requires_action', 'processing', 'unknown', 'authorized',
                                                'succeeded', 'failed', 'expired', 'cancelled')),
    -- Written before the provider is called and never changed: a resend says the same words (P10).
    reference    text COLLATE "C" NOT NULL CHECK (reference ~ '^[A-Z0-9]{1,20}$'),
    provider_reference text,
    next_action  jsonb,
    failure_code text,
    provider_code text,
    why          jsonb NOT NULL DEFAULT '{}',
    evidence_id  text COLLATE "C",
    next_check_at timestamptz,
    checks       integer NOT NULL DEFAULT 0,
    lease_until  timestamptz,
    lease_token  bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, payment_id, mode) REFERENCES payments (merchant_id, id, mode),
    FOREIGN KEY (merchant_id, account_id, mode) REFERENCES provider_accounts (merchant_id, id, mode),
    FOREIGN KEY (merchant_id, evidence_id) REFERENCES evidence (merchant_id, id),
    UNIQUE (merchant_id, provider, account_id, reference),
    UNIQUE (merchant_id, id, payment_id, mode),
    CHECK (state <> 'unknown' OR next_check_at IS NOT NULL),   -- P13
    CHECK (state <> 'succeeded' OR evidence_id IS NOT NULL)    -- P8
);
CREATE UNIQUE INDEX attempts_one_success ON attempts (merchant_id, payment_id) WHERE state = 'succeeded'; -- P5
CREATE INDEX attempts_by_payment ON attempts (merchant_id, payment_id);
CREATE INDEX attempts_due ON attempts (next_check_at) WHERE next_check_at IS NOT NULL;

-- One row for each movement of money that a provider proved. A movement is booked once however often it is told.
CREATE TABLE receipts (
    merchant_id    text COLLATE "C" NOT NULL,
    id             text COLLATE "C" NOT NULL CHECK (id ~ '^rcp_[0-9a-f]{32}$'),
    mode           text NOT NULL CHECK (mode IN ('live', 'test')),
    provider       text NOT NULL,
    account_id     text COLLATE "C" NOT NULL,
    payment_id     text COLLATE "C" NOT NULL,
    attempt_id     text COLLATE "C" NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    amount         bigint NOT NULL CHECK (amount >= 1),
    currency       text NOT NULL,
    applied        boolean NOT NULL,
    evidence_id    text COLLATE "C" NOT NULL,
    paid_at        timestamptz NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, provider, account_id, transaction_id),
    -- Mode and payment are part of the key, so live and test money cannot meet (L6).
    FOREIGN KEY (merchant_id, attempt_id, payment_id, mode)
        REFERENCES attempts (merchant_id, id, payment_id, mode),
    FOREIGN KEY (merchant_id, evidence_id) REFERENCES evidence (merchant_id, id)
);
CREATE INDEX receipts_by_payment ON receipts (merchant_id, payment_id);
CREATE UNIQUE INDEX receipts_one_applied ON receipts (merchant_id, payment_id) WHERE applied;

-- What providers told us, kept raw before it is answered (E3).
CREATE TABLE inbox (
    merchant_id text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^cbk_[0-9a-f]{32}$'),
    provider    text NOT NULL,
    account_id  text COLLATE "C" NOT NULL,
    event_key   text COLLATE "C" NOT NULL,
    reference   text,
    body        bytea NOT NULL,
    headers     jsonb NOT NULL DEFAULT '{}',
    state       text NOT NULL DEFAULT 'kept' CHECK (state IN ('kept', 'applied', 'quarantined')),
    times_seen  integer NOT NULL DEFAULT 1,
    due_at      timestamptz DEFAULT now(),
    tries       integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token bigint NOT NULL DEFAULT 0,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, provider, account_id, event_key),
    FOREIGN KEY (merchant_id, account_id) REFERENCES provider_accounts (merchant_id, id),
    CHECK ((state = 'kept') = (due_at IS NOT NULL))
);
CREATE INDEX inbox_due ON inbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX inbox_by_reference ON inbox (merchant_id, provider, account_id, reference);

-- Callbacks that were refused (unknown address, unreadable or forged), for people to look into.
CREATE TABLE refused_callbacks (
    id          text COLLATE "C" PRIMARY KEY CHECK (id ~ '^cbk_[0-9a-f]{32}$'),
    merchant_id text COLLATE "C",
    provider    text NOT NULL,
    reason      text NOT NULL,
    digest      bytea NOT NULL,
    body        bytea NOT NULL,
    remote_ip   text,
    received_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE cases (
    merchant_id text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^case_[0-9a-f]{32}$'),
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    kind        text NOT NULL,
    -- The fact this case is about; one case however often the fact is told.
    fact        text COLLATE "C" NOT NULL,
    payment_id  text COLLATE "C",
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    details     jsonb NOT NULL DEFAULT '{}',
    opened_at   timestamptz NOT NULL DEFAULT now(),
    closed_at   timestamptz,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, kind, fact)
);

CREATE TABLE idempotency_keys (
    merchant_id text COLLATE "C" NOT NULL,
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    operation   text NOT NULL,
    key         text COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    resource_id text COLLATE "C" NOT NULL,
    -- Until then the first request is taken to be still at work.
    busy_until  timestamptz NOT NULL,
    status      integer,
    answer      bytea,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, mode, operation, key),
    CHECK ((status IS NULL) = (answer IS NULL))
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE events (
    merchant_id    text COLLATE "C" NOT NULL,
    id             text COLLATE "C" NOT NULL CHECK (id ~ '^evt_[0-9a-f]{32}$'),
    mode           text NOT NULL CHECK (mode IN ('live', 'test')),
    type           text NOT NULL,
    object_id      text COLLATE "C" NOT NULL,
    object_version integer NOT NULL,
    data           jsonb NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, object_id, object_version)  -- E1: one change, one event
);
CREATE INDEX events_listed ON events (merchant_id, mode, id DESC);

CREATE TABLE webhook_endpoints (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^we_[0-9a-f]{32}$'),
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    url         text NOT NULL CHECK (length(url) <= 2048),
    description text CHECK (length(description) <= 500),
    -- Event types wanted; empty means all.
    events      text[] NOT NULL DEFAULT '{}',
    secret      bytea NOT NULL,  -- sealed
    state       text NOT NULL DEFAULT 'enabled' CHECK (state IN ('enabled', 'disabled', 'deleted')),
    disabled_reason text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX webhook_endpoints_wanting ON webhook_endpoints (merchant_id, mode) WHERE state = 'enabled';

CREATE TABLE webhook_deliveries (
    merchant_id text COLLATE "C" NOT NULL,
    event_id    text COLLATE "C" NOT NULL,
    endpoint_id text COLLATE "C" NOT NULL,
    state       text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    tries       integer NOT NULL DEFAULT 0,
    next_try_at timestamptz DEFAULT now(),
    lease_until timestamptz,
    lease_token bigint NOT NULL DEFAULT 0,
    last_status integer,
    last_error  text,
    last_answer text,
    last_try_at timestamptz,
    delivered_at timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, event_id, endpoint_id),
    FOREIGN KEY (merchant_id, event_id) REFERENCES events (merchant_id, id),
    FOREIGN KEY (merchant_id, endpoint_id) REFERENCES webhook_endpoints (merchant_id, id),
    CHECK ((state = 'pending') = (next_try_at IS NOT NULL))
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_try_at) WHERE next_try_at IS NOT NULL;

-- States only move up (P11): open states, then failed/expired/cancelled, then succeeded, which is final.
CREATE FUNCTION payment_state_rank(state text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE state
        WHEN 'created' THEN 0
        WHEN 'requires_action' THEN 1 WHEN 'processing' THEN 1 WHEN 'unknown' THEN 1
        WHEN 'authorized' THEN 2
        WHEN 'failed' THEN 3 WHEN 'expired' THEN 3 WHEN 'cancelled' THEN 3
        WHEN 'succeeded' THEN 4
    END
$$;

CREATE FUNCTION states_only_move_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before_rank integer := payment_state_rank(OLD.state);
    after_rank  integer := payment_state_rank(NEW.state);
BEGIN
    IF after_rank < before_rank OR (after_rank = before_rank AND before_rank >= 2 AND NEW.state <> OLD.state) THEN
        RAISE EXCEPTION 'P11: % % cannot go from % to %', TG_TABLE_NAME, OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.merchant_id, NEW.id, NEW.mode, NEW.amount, NEW.currency)
       IS DISTINCT FROM (OLD.merchant_id, OLD.id, OLD.mode, OLD.amount, OLD.currency) THEN
        RAISE EXCEPTION 'P12: what % % asks for never changes', TG_TABLE_NAME, OLD.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER payments_move_up BEFORE UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION states_only_move_up();
CREATE TRIGGER attempts_move_up BEFORE UPDATE ON attempts FOR EACH ROW EXECUTE FUNCTION states_only_move_up();

-- A resend says the same words under the same name at the same account (P10).
CREATE FUNCTION attempts_keep_their_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.payment_id, NEW.provider, NEW.account_id, NEW.reference)
       IS DISTINCT FROM (OLD.payment_id, OLD.provider, OLD.account_id, OLD.reference) THEN
        RAISE EXCEPTION 'P10: attempt % keeps its payment, provider, account and reference', OLD.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER attempts_same_words BEFORE UPDATE ON attempts
    FOR EACH ROW EXECUTE FUNCTION attempts_keep_their_words();

-- What was captured stays captured; giving money back is a refund, which counts up beside it.
CREATE FUNCTION captured_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.captured_amount < OLD.captured_amount
       OR (OLD.paid_at IS NOT NULL AND NEW.paid_at IS DISTINCT FROM OLD.paid_at) THEN
        RAISE EXCEPTION 'P7: what payment % has captured, and when, is not taken back', OLD.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER payments_paid_stays_paid BEFORE UPDATE ON payments
    FOR EACH ROW EXECUTE FUNCTION captured_only_grows();

CREATE FUNCTION rows_are_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only; correct a mistake by adding its opposite', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE ON evidence
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER receipts_append_only BEFORE UPDATE OR DELETE ON receipts
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER evidence_not_truncated BEFORE TRUNCATE ON evidence
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER receipts_not_truncated BEFORE TRUNCATE ON receipts
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER events_not_truncated BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER cases_not_deleted BEFORE DELETE ON cases
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
