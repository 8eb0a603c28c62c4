-- What a merchant decides about money that does not fit. Amounts in minor units.
ALTER TABLE merchants
    -- A payment that is short by no more than this counts as paid.
    ADD COLUMN under_tolerance bigint NOT NULL DEFAULT 0 CHECK (under_tolerance BETWEEN 0 AND 1000000),
    -- A payment that is over by no more than this counts as paid; what is over is owed to the payer.
    ADD COLUMN over_tolerance bigint NOT NULL DEFAULT 0 CHECK (over_tolerance BETWEEN 0 AND 1000000),
    -- Money no payment was waiting for: kept until a person decides, or given back by itself.
    ADD COLUMN orphan_rule text NOT NULL DEFAULT 'hold' CHECK (orphan_rule IN ('hold', 'refund')),
    -- How far a test clock has moved this merchant's test mode ahead, in seconds (/v1/test/clock).
    ADD COLUMN test_clock_seconds bigint NOT NULL DEFAULT 0 CHECK (test_clock_seconds >= 0);

ALTER TABLE payments
    ADD COLUMN capture_later     boolean NOT NULL DEFAULT false,
    ADD COLUMN authorized_amount bigint NOT NULL DEFAULT 0,
    -- Captures and refunds under way: counted before the provider is told, released on proof only.
    ADD COLUMN capturing_amount  bigint NOT NULL DEFAULT 0,
    ADD COLUMN refunding_amount  bigint NOT NULL DEFAULT 0,
    ADD COLUMN disputed_amount   bigint NOT NULL DEFAULT 0 CHECK (disputed_amount >= 0),
    -- How much too little was accepted, by tolerance or by a person.
    ADD COLUMN short_amount      bigint NOT NULL DEFAULT 0 CHECK (short_amount >= 0),
    -- Whether the provider still holds money that may be captured, and until when.
    ADD COLUMN hold_open         boolean NOT NULL DEFAULT false,
    ADD COLUMN hold_until        timestamptz,
    -- Name, phone, token: what the provider needs to know of the payer; sealed.
    ADD COLUMN payer             bytea,
    ADD CHECK (authorized_amount BETWEEN 0 AND amount),
    ADD CHECK (capturing_amount >= 0 AND captured_amount + capturing_amount <= amount),                    -- P2
    ADD CHECK (NOT capture_later OR captured_amount + capturing_amount <= authorized_amount),              -- P1
    ADD CHECK (refunding_amount >= 0 AND refunded_amount + refunding_amount <= captured_amount),           -- P3
    ADD CHECK (NOT hold_open OR (capture_later AND state IN ('authorized', 'succeeded'))),
    ADD CHECK (state <> 'authorized' OR authorized_amount > 0);

UPDATE payments SET authorized_amount = captured_amount WHERE captured_amount > 0;

-- One thing a provider is told to do with an attempt: capture, void, refund, cancel. Written before the call.
CREATE TABLE instructions (
    merchant_id  text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL CHECK (id ~ '^ins_[0-9a-f]{32}$'),
    mode         text NOT NULL CHECK (mode IN ('live', 'test')),
    payment_id   text COLLATE "C" NOT NULL,
    attempt_id   text COLLATE "C" NOT NULL,
    provider     text NOT NULL,
    account_id   text COLLATE "C" NOT NULL,
    doing        text NOT NULL CHECK (doing IN ('capture', 'void', 'refund', 'cancel')),
    amount       bigint NOT NULL CHECK (amount >= 1),                                                      -- P4
    currency     text NOT NULL,
    state        text NOT NULL DEFAULT 'created'
                 CHECK (state IN ('created', 'processing', 'unknown', 'succeeded', 'failed')),
    -- Written before the provider is called and never changed (P10).
    reference    text COLLATE "C" NOT NULL CHECK (reference ~ '^[A-Z0-9]{1,20}$'),
    provider_reference text,
    transaction_id text COLLATE "C",
    refund_id    text COLLATE "C",
    is_last      boolean NOT NULL DEFAULT true,
    reason       text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    failure_code text,
    provider_code text,
    evidence_id  text COLLATE "C",
    -- Written before the provider is told; null while nobody has tried yet.
    told_at      timestamptz,
    next_check_at timestamptz,
    last_check_at timestamptz,
    checks       integer NOT NULL DEFAULT 0,
    lease_until  timestamptz,
    lease_token  bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, provider, account_id, reference),
    FOREIGN KEY (merchant_id, attempt_id, payment_id, mode) REFERENCES attempts (merchant_id, id, payment_id, mode),
    FOREIGN KEY (merchant_id, evidence_id) REFERENCES evidence (merchant_id, id),
    CHECK ((state IN ('created', 'processing', 'unknown')) = (next_check_at IS NOT NULL)),                 -- P13
    CHECK ((state IN ('succeeded', 'failed')) = (finished_at IS NOT NULL)),
    CHECK (state <> 'succeeded' OR evidence_id IS NOT NULL),                                               -- P8
    CHECK ((doing = 'refund') = (refund_id IS NOT NULL))
);
CREATE INDEX instructions_by_payment ON instructions (merchant_id, payment_id);
CREATE INDEX instructions_due ON instructions (next_check_at) WHERE next_check_at IS NOT NULL;
-- A hold is let go once, and an order is called off once; one that failed may be tried again.
CREATE UNIQUE INDEX instructions_one_ending ON instructions (merchant_id, payment_id, doing)
    WHERE doing IN ('void', 'cancel') AND state <> 'failed';
CREATE UNIQUE INDEX instructions_one_per_refund ON instructions (merchant_id, refund_id) WHERE refund_id IS NOT NULL;

CREATE FUNCTION instructions_keep_their_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.merchant_id, NEW.id, NEW.mode, NEW.payment_id, NEW.attempt_id, NEW.provider, NEW.account_id, NEW.doing,
        NEW.amount, NEW.currency, NEW.reference, NEW.refund_id)
       IS DISTINCT FROM
       (OLD.merchant_id, OLD.id, OLD.mode, OLD.payment_id, OLD.attempt_id, OLD.provider, OLD.account_id, OLD.doing,
        OLD.amount, OLD.currency, OLD.reference, OLD.refund_id) THEN
        RAISE EXCEPTION 'P10: instruction % keeps its words', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state IN ('succeeded', 'failed') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'P11: instruction % is % and stays so', OLD.id, OLD.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER instructions_same_words BEFORE UPDATE ON instructions
    FOR EACH ROW EXECUTE FUNCTION instructions_keep_their_words();
CREATE TRIGGER instructions_not_deleted BEFORE DELETE ON instructions
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

-- A movement may belong to no payment (nobody knows its reference), to a part only (over-payment), or to one
-- of several captures.
ALTER TABLE receipts
    ALTER COLUMN payment_id DROP NOT NULL,
    ALTER COLUMN attempt_id DROP NOT NULL,
    ADD COLUMN applied_amount bigint,
    ADD COLUMN instruction_id text COLLATE "C",
    ADD COLUMN reference text COLLATE "C";
ALTER TABLE receipts DISABLE TRIGGER receipts_append_only;
UPDATE receipts SET applied_amount = CASE WHEN applied THEN amount ELSE 0 END;
ALTER TABLE receipts ENABLE TRIGGER receipts_append_only;
ALTER TABLE receipts
    ALTER COLUMN applied_amount SET NOT NULL,
    ADD CHECK (applied_amount BETWEEN 0 AND amount),
    ADD CHECK (applied = (applied_amount > 0)),
    ADD CHECK ((payment_id IS NULL) = (attempt_id IS NULL)),
    ADD CHECK (NOT applied OR payment_id IS NOT NULL),
    ADD FOREIGN KEY (merchant_id, account_id, mode) REFERENCES provider_accounts (merchant_id, id, mode),
    ADD FOREIGN KEY (merchant_id, instruction_id) REFERENCES instructions (merchant_id, id);
DROP INDEX receipts_one_applied;
CREATE UNIQUE INDEX receipts_one_applied ON receipts (merchant_id, payment_id, coalesce(instruction_id, ''))
    WHERE applied;                                                                                         -- P5
ALTER TABLE evidence
    ALTER COLUMN payment_id DROP NOT NULL,
    ALTER COLUMN attempt_id DROP NOT NULL,
    ADD COLUMN instruction_id text COLLATE "C";

-- Money that came without a payment waiting for it: one row for each such receipt, with what became of it.
CREATE TABLE unapplied (
    merchant_id text COLLATE "C" NOT NULL,
    receipt_id  text COLLATE "C" NOT NULL,
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    amount      bigint NOT NULL CHECK (amount >= 1),
    currency    text NOT NULL,
    refunding   bigint NOT NULL DEFAULT 0 CHECK (refunding >= 0),
    refunded    bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
    accepted    bigint NOT NULL DEFAULT 0 CHECK (accepted >= 0),
    -- When the worker gives it back by the merchant's rule; null when a person decides.
    due_at      timestamptz,
    lease_until timestamptz,
    lease_token bigint NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, receipt_id),
    FOREIGN KEY (merchant_id, receipt_id) REFERENCES receipts (merchant_id, id),
    CHECK (refunding + refunded + accepted <= amount)                                                      -- P3
);
CREATE INDEX unapplied_due ON unapplied (due_at) WHERE due_at IS NOT NULL;
INSERT INTO unapplied (merchant_id, receipt_id, mode, amount, currency)
    SELECT merchant_id, id, mode, amount, currency FROM receipts WHERE NOT applied;

CREATE TABLE refunds (
    merchant_id  text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL CHECK (id ~ '^re_[0-9a-f]{32}$'),
    mode         text NOT NULL CHECK (mode IN ('live', 'test')),
    payment_id   text COLLATE "C",
    -- Set when it gives back money that was never a payment's; the payment's own money otherwise.
    unapplied_receipt_id text COLLATE "C",
    amount       bigint NOT NULL CHECK (amount >= 1),                                                      -- P4
    currency     text NOT NULL,
    reason       text NOT NULL CHECK (reason IN ('requested_by_payer', 'duplicate', 'fraudulent',
                                                 'goods_not_delivered', 'wrong_amount', 'other')),
    note         text CHECK (length(note) BETWEEN 1 AND 500),
    way          text NOT NULL CHECK (way IN ('provider', 'bank_transfer')),
    state        text NOT NULL CHECK (state IN ('processing', 'requires_transfer', 'succeeded', 'failed', 'cancelled')),
    -- Where a bank transfer goes to; sealed.
    destination  bytea,
    transfer_reference text COLLATE "C" CHECK (length(transfer_reference) BETWEEN 1 AND 100),
    failure_code text,
    metadata     jsonb NOT NULL DEFAULT '{}',
    version      integer NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, payment_id, mode) REFERENCES payments (merchant_id, id, mode),
    FOREIGN KEY (merchant_id, unapplied_receipt_id) REFERENCES unapplied (merchant_id, receipt_id),
    CHECK (payment_id IS NOT NULL OR unapplied_receipt_id IS NOT NULL),
    CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK (way = 'bank_transfer' OR state <> 'requires_transfer'),
    -- A transfer a person made is written down with its number, and no number stands for two refunds.
    CHECK (NOT (way = 'bank_transfer' AND state = 'succeeded') OR transfer_reference IS NOT NULL),
    UNIQUE (merchant_id, transfer_reference)
);
CREATE INDEX refunds_listed ON refunds (merchant_id, mode, id DESC);
CREATE INDEX refunds_by_payment ON refunds (merchant_id, payment_id);
ALTER TABLE instructions ADD FOREIGN KEY (merchant_id, refund_id) REFERENCES refunds (merchant_id, id);

CREATE FUNCTION refunds_move_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.merchant_id, NEW.id, NEW.mode, NEW.payment_id, NEW.unapplied_receipt_id, NEW.amount, NEW.currency)
       IS DISTINCT FROM
       (OLD.merchant_id, OLD.id, OLD.mode, OLD.payment_id, OLD.unapplied_receipt_id, OLD.amount, OLD.currency) THEN
        RAISE EXCEPTION 'P12: what refund % gives back never changes', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state IN ('succeeded', 'failed', 'cancelled') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'P11: refund % is % and stays so', OLD.id, OLD.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refunds_move_once BEFORE UPDATE ON refunds FOR EACH ROW EXECUTE FUNCTION refunds_move_once();
CREATE TRIGGER refunds_not_deleted BEFORE DELETE ON refunds FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

CREATE TABLE disputes (
    merchant_id  text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL CHECK (id ~ '^dp_[0-9a-f]{32}$'),
    mode         text NOT NULL CHECK (mode IN ('live', 'test')),
    payment_id   text COLLATE "C" NOT NULL,
    attempt_id   text COLLATE "C" NOT NULL,
    provider     text NOT NULL,
    account_id   text COLLATE "C" NOT NULL,
    provider_dispute_id text COLLATE "C" NOT NULL,
    amount       bigint NOT NULL CHECK (amount >= 1),
    currency     text NOT NULL,
    reason       text NOT NULL,
    state        text NOT NULL CHECK (state IN ('needs_response', 'under_review', 'won', 'lost')),
    respond_by   timestamptz,
    -- What the merchant said, sealed; and when the provider took it in.
    evidence     bytea,
    submitted_at timestamptz,
    evidence_id  text COLLATE "C",
    next_check_at timestamptz,
    checks       integer NOT NULL DEFAULT 0,
    lease_until  timestamptz,
    lease_token  bigint NOT NULL DEFAULT 0,
    version      integer NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    closed_at    timestamptz,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, provider, account_id, provider_dispute_id),
    FOREIGN KEY (merchant_id, attempt_id, payment_id, mode) REFERENCES attempts (merchant_id, id, payment_id, mode),
    CHECK ((state IN ('won', 'lost')) = (closed_at IS NOT NULL)),
    CHECK (state NOT IN ('won', 'lost') OR evidence_id IS NOT NULL)
);
CREATE INDEX disputes_listed ON disputes (merchant_id, mode, id DESC);
CREATE INDEX disputes_by_payment ON disputes (merchant_id, payment_id);
CREATE INDEX disputes_due ON disputes (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE FUNCTION disputes_close_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.merchant_id, NEW.id, NEW.mode, NEW.payment_id, NEW.provider_dispute_id, NEW.amount, NEW.currency)
       IS DISTINCT FROM
       (OLD.merchant_id, OLD.id, OLD.mode, OLD.payment_id, OLD.provider_dispute_id, OLD.amount, OLD.currency) THEN
        RAISE EXCEPTION 'P12: what dispute % is about never changes', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state IN ('won', 'lost') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'P11: dispute % is % and stays so', OLD.id, OLD.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER disputes_close_once BEFORE UPDATE ON disputes FOR EACH ROW EXECUTE FUNCTION disputes_close_once();
CREATE TRIGGER disputes_not_deleted BEFORE DELETE ON disputes FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

ALTER TABLE cases
    ADD COLUMN resolution text,
    ADD COLUMN resolved_by text,
    ADD COLUMN receipt_id text COLLATE "C",
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD CHECK ((state = 'closed') = (closed_at IS NOT NULL));

-- Callbacks about refunds, disputes, or only with the provider's own id; and those that could not be worked on.
ALTER TABLE attempts
    ADD COLUMN last_check_at timestamptz,
    -- The last inquiry got no clear answer; asked about soon once the provider answers again.
    ADD COLUMN unanswered boolean NOT NULL DEFAULT false,
    -- Money of another amount than was asked, as a provider told it once; it is believed when it is told again.
    ADD COLUMN doubted text;
-- Whose outcome nobody knows: asked about soon once their provider answers again.
CREATE INDEX attempts_unknown ON attempts (merchant_id, provider, account_id) WHERE state = 'unknown' OR unanswered;
CREATE INDEX instructions_unknown ON instructions (merchant_id, provider, account_id) WHERE state = 'unknown';
ALTER TABLE inbox ADD COLUMN about text NOT NULL DEFAULT 'payment'
    CHECK (about IN ('payment', 'instruction', 'dispute', 'nothing'));
ALTER TABLE inbox ADD COLUMN provider_reference text COLLATE "C";
CREATE INDEX attempts_by_provider_reference ON attempts (merchant_id, provider, account_id, provider_reference)
    WHERE provider_reference IS NOT NULL;
CREATE INDEX instructions_by_provider_reference ON instructions (merchant_id, provider, account_id, provider_reference)
    WHERE provider_reference IS NOT NULL;
