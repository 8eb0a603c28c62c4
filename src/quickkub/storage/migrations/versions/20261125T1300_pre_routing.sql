-- A merchant's routing rules: versions are only added and the newest counts, so that a decision can be played
-- again with the rules it was made by.
CREATE TABLE routing_rules (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    version     integer NOT NULL CHECK (version >= 1),
    rules       jsonb NOT NULL,
    created_by  text COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, mode, version),
    FOREIGN KEY (merchant_id, created_by) REFERENCES api_keys (merchant_id, id)
);
CREATE TRIGGER routing_rules_append_only BEFORE UPDATE OR DELETE ON routing_rules
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER routing_rules_not_truncated BEFORE TRUNCATE ON routing_rules
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();

-- Transfers that were shown as slips and belong to a payment: each serves once per receiver.
CREATE TABLE slips (
    merchant_id  text COLLATE "C" NOT NULL,
    mode         text NOT NULL CHECK (mode IN ('live', 'test')),
    sending_bank text COLLATE "C" NOT NULL CHECK (sending_bank ~ '^[0-9]{3}$'),
    trans_ref    text COLLATE "C" NOT NULL CHECK (trans_ref ~ '^[0-9A-Za-z]{1,25}$'),
    payment_id   text COLLATE "C" NOT NULL,
    -- The account whose provider vouched for it, and what the provider said, sealed.
    account_id   text COLLATE "C" NOT NULL,
    evidence_id  text COLLATE "C" NOT NULL,
    -- The words in which it was answered; sealed, because names are in them.
    answer       bytea NOT NULL,
    used_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, mode, sending_bank, trans_ref),
    FOREIGN KEY (merchant_id, payment_id, mode) REFERENCES payments (merchant_id, id, mode),
    FOREIGN KEY (merchant_id, account_id, mode) REFERENCES provider_accounts (merchant_id, id, mode),
    FOREIGN KEY (merchant_id, evidence_id) REFERENCES evidence (merchant_id, id)
);
CREATE INDEX slips_by_payment ON slips (merchant_id, payment_id);
CREATE TRIGGER slips_append_only BEFORE UPDATE OR DELETE ON slips
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER slips_not_truncated BEFORE TRUNCATE ON slips
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();
