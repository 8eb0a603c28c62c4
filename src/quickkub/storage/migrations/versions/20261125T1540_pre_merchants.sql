-- Merchants' particulars, members, fee plans, and what API keys may do.

-- For exclusion by a text and a span of time together (fee_plans).
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- API keys ---------------------------------------------------------------------------------------------------

ALTER TABLE api_keys
    ADD COLUMN name            text NOT NULL DEFAULT '' CHECK (length(name) <= 100),
    -- Of a restricted key, all it may do; the others' follow from their kind.
    ADD COLUMN scopes          text[] NOT NULL DEFAULT '{}',
    -- From where it may be used; nothing named: from anywhere. IPv4 is never written in its IPv6 form.
    ADD COLUMN networks        cidr[] NOT NULL DEFAULT '{}',
    ADD COLUMN rate_per_second integer CHECK (rate_per_second BETWEEN 1 AND 100000),
    ADD COLUMN rate_burst      integer CHECK (rate_burst BETWEEN 1 AND 100000),
    ADD COLUMN created_by      text,
    -- Within a minute or so.
    ADD COLUMN last_used_at    timestamptz,
    -- The key that takes over from this one.
    ADD COLUMN rolled_to       text COLLATE "C",
    ADD CHECK (kind = 'rk' OR scopes = '{}'),
    ADD CHECK ((rate_per_second IS NULL) = (rate_burst IS NULL)),
    ADD FOREIGN KEY (merchant_id, rolled_to) REFERENCES api_keys (merchant_id, id);

-- Rules are changed by people and OAuth clients, too.
ALTER TABLE routing_rules DROP CONSTRAINT routing_rules_merchant_id_created_by_fkey;

-- Merchants --------------------------------------------------------------------------------------------------

ALTER TABLE merchants
    ADD COLUMN state_reason        text NOT NULL DEFAULT '' CHECK (length(state_reason) <= 500),
    ADD COLUMN state_changed_at    timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN tier                text NOT NULL DEFAULT 'standard'
        CHECK (tier IN ('starter', 'standard', 'enterprise')),
    ADD COLUMN legal_name          text CHECK (length(legal_name) BETWEEN 1 AND 200),
    -- The 13 digits of a company's registration, or of its owner's tax number.
    ADD COLUMN registration_number text CHECK (registration_number ~ '^[0-9]{13}$'),
    ADD COLUMN business_kind       text CHECK (length(business_kind) BETWEEN 1 AND 100),
    ADD COLUMN address             text CHECK (length(address) BETWEEN 1 AND 500),
    ADD COLUMN email               text CHECK (length(email) BETWEEN 3 AND 254),
    ADD COLUMN phone               text CHECK (phone ~ '^\+?[0-9]{9,15}$'),
    ADD COLUMN website             text CHECK (length(website) BETWEEN 1 AND 2048),
    -- What payers see.
    ADD COLUMN display_name        text CHECK (length(display_name) BETWEEN 1 AND 60),
    ADD COLUMN colour              text CHECK (colour ~ '^#[0-9a-f]{6}$'),
    ADD COLUMN support_email       text CHECK (length(support_email) BETWEEN 3 AND 254),
    ADD COLUMN support_phone       text CHECK (support_phone ~ '^\+?[0-9]{4,15}$'),
    -- Where payers may be sent back to: https origins, or beginnings of paths below them.
    ADD COLUMN return_addresses    text[] NOT NULL DEFAULT '{}' CHECK (cardinality(return_addresses) <= 50),
    -- How many minor units of one payment a person gives back without showing password and second factor again.
    ADD COLUMN refund_step_up_over bigint NOT NULL DEFAULT 1000000 CHECK (refund_step_up_over >= 0),
    -- Nothing is paid out before this moment, such as 72 hours after the settlement account changed.
    ADD COLUMN payouts_held_until  timestamptz;

-- What may be asked for; a method of '' is all methods together. Minor units; null: no limit.
CREATE TABLE merchant_limits (
    merchant_id   text COLLATE "C" NOT NULL REFERENCES merchants (id),
    method        text NOT NULL CHECK (length(method) <= 40),
    per_payment   bigint CHECK (per_payment >= 0),
    per_day       bigint CHECK (per_day >= 0),
    per_month     bigint CHECK (per_month >= 0),
    changed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, method)
);

-- What a payment costs the merchant: a share and a fixed part, of one method or ('') of all without their own.
CREATE TABLE fee_plans (
    merchant_id   text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id            text COLLATE "C" NOT NULL CHECK (id ~ '^fee_[0-9a-f]{32}$'),
    method        text NOT NULL CHECK (length(method) <= 40),
    percent       numeric NOT NULL CHECK (percent >= 0 AND percent <= 100 AND scale(percent) <= 6),
    fixed_satang  bigint NOT NULL CHECK (fixed_satang BETWEEN 0 AND 1000000000),
    valid         tstzrange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    text NOT NULL,
    PRIMARY KEY (merchant_id, id),
    EXCLUDE USING gist (merchant_id WITH =, method WITH =, valid WITH &&)
);

-- Where a merchant's money goes. The number is sealed; one account counts at a time.
CREATE TABLE settlement_accounts (
    merchant_id    text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id             text COLLATE "C" NOT NULL CHECK (id ~ '^sac_[0-9a-f]{32}$'),
    state          text NOT NULL CHECK (state IN ('proposed', 'active', 'replaced', 'refused')),
    bank           text NOT NULL CHECK (bank ~ '^[0-9]{3}$'),
    holder         text NOT NULL CHECK (length(holder) BETWEEN 1 AND 100),
    account_number bytea NOT NULL,
    last_four      text NOT NULL CHECK (last_four ~ '^[0-9]{4}$'),
    proposed_by    text NOT NULL,
    proposed_at    timestamptz NOT NULL DEFAULT now(),
    active_at      timestamptz,
    PRIMARY KEY (merchant_id, id)
);
CREATE UNIQUE INDEX settlement_accounts_active ON settlement_accounts (merchant_id) WHERE state = 'active';

-- Members ----------------------------------------------------------------------------------------------------

CREATE TABLE members (
    merchant_id  text COLLATE "C" NOT NULL REFERENCES merchants (id),
    user_id      text COLLATE "C" NOT NULL REFERENCES users (id),
    role         text NOT NULL CHECK (role IN
        ('owner', 'admin', 'developer', 'finance', 'support', 'viewer', 'auditor')),
    state        text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'removed')),
    joined_at    timestamptz NOT NULL DEFAULT now(),
    changed_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, user_id)
);
CREATE INDEX members_of_user ON members (user_id) WHERE state = 'active';

CREATE TABLE invitations (
    merchant_id  text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id           text COLLATE "C" NOT NULL CHECK (id ~ '^inv_[0-9a-f]{32}$'),
    email        text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    role         text NOT NULL CHECK (role IN
        ('owner', 'admin', 'developer', 'finance', 'support', 'viewer', 'auditor')),
    token_hash   bytea NOT NULL CHECK (length(token_hash) = 32),
    state        text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'withdrawn')),
    invited_by   text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    accepted_by  text COLLATE "C",
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, token_hash)
);
-- One open invitation for an address: asking again replaces it.
CREATE UNIQUE INDEX invitations_open ON invitations (merchant_id, email) WHERE state = 'open';

-- Acts that need a second person. The payload names what is to be done, never a secret.
CREATE TABLE approvals (
    merchant_id  text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id           text COLLATE "C" NOT NULL CHECK (id ~ '^apr_[0-9a-f]{32}$'),
    act          text NOT NULL CHECK (act ~ '^[a-z_]+\.[a-z_]+$'),
    payload      jsonb NOT NULL,
    state        text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'approved', 'refused', 'withdrawn')),
    asked_by     text NOT NULL,
    asked_at     timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    decided_by   text,
    decided_at   timestamptz,
    reason       text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    PRIMARY KEY (merchant_id, id),
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    -- Four eyes: whoever asked may take it back and never say yes.
    CHECK (state <> 'approved' OR decided_by <> asked_by)
);

-- Know your customer -----------------------------------------------------------------------------------------

CREATE TABLE kyc_applications (
    merchant_id   text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id            text COLLATE "C" NOT NULL CHECK (id ~ '^kyc_[0-9a-f]{32}$'),
    state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'rejected')),
    -- Sealed: names, birthdays and numbers of people.
    data          bytea NOT NULL,
    submitted_by  text NOT NULL,
    submitted_at  timestamptz NOT NULL DEFAULT now(),
    decided_by    text,
    decided_at    timestamptz,
    reason        text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    PRIMARY KEY (merchant_id, id),
    CHECK ((state = 'pending') = (decided_at IS NULL)),
    CHECK (state <> 'rejected' OR reason <> '')
);
CREATE UNIQUE INDEX kyc_applications_pending ON kyc_applications (merchant_id) WHERE state = 'pending';

CREATE TABLE kyc_documents (
    merchant_id   text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id            text COLLATE "C" NOT NULL CHECK (id ~ '^doc_[0-9a-f]{32}$'),
    kind          text NOT NULL CHECK (kind IN ('company_certificate', 'id_card', 'bank_book',
        'vat_certificate', 'shop_photograph', 'other')),
    state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'rejected')),
    media_type    text NOT NULL CHECK (media_type IN ('application/pdf', 'image/png', 'image/jpeg')),
    size_bytes    integer NOT NULL CHECK (size_bytes BETWEEN 1 AND 10485760),
    sha256        bytea NOT NULL CHECK (length(sha256) = 32),
    content       bytea NOT NULL,
    uploaded_by   text NOT NULL,
    uploaded_at   timestamptz NOT NULL DEFAULT now(),
    decided_by    text,
    decided_at    timestamptz,
    reason        text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    PRIMARY KEY (merchant_id, id),
    CHECK ((state = 'pending') = (decided_at IS NULL)),
    CHECK (state <> 'rejected' OR reason <> '')
);
-- Encrypted bytes do not get smaller.
ALTER TABLE kyc_documents ALTER COLUMN content SET STORAGE EXTERNAL;

-- What a merchant asked for since a moment and has not lost again; ids begin with the time of making (UUIDv7),
-- so it is a range of the primary key.
CREATE FUNCTION asked_since(whose text, in_mode text, by_method text, since timestamptz) RETURNS bigint
    LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(amount), 0)::bigint FROM payments
     WHERE merchant_id = whose AND mode = in_mode
       AND id >= 'pay_' || lpad(to_hex((extract(epoch FROM since) * 1000)::bigint), 12, '0')
       AND (by_method = '' OR method = by_method)
       AND state NOT IN ('failed', 'expired', 'cancelled')
$$;

-- The limits that count for a payment by this method, each with what is used of it today and this month (Bangkok).
-- Null without limits; what has no day or month is not added up.
CREATE FUNCTION limits_standing(whose text, in_mode text, by_method text) RETURNS jsonb
    LANGUAGE sql STABLE AS $$
    SELECT jsonb_agg(jsonb_build_object(
               'method', method, 'per_payment', per_payment, 'per_day', per_day, 'per_month', per_month,
               'today', CASE WHEN per_day IS NOT NULL THEN asked_since(whose, in_mode, method,
                   date_trunc('day', now(), 'Asia/Bangkok')) END,
               'this_month', CASE WHEN per_month IS NOT NULL THEN asked_since(whose, in_mode, method,
                   date_trunc('month', now(), 'Asia/Bangkok')) END))
      FROM merchant_limits WHERE merchant_id = whose AND method IN ('', by_method)
$$;
