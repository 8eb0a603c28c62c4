-- A static PromptPay QR carries no reference, so a merchant may have each payment's amount made unlike the others.
ALTER TABLE merchants ADD COLUMN unique_satang boolean NOT NULL DEFAULT false;

-- How much of `amount`, which is what the payer pays, was added to what the merchant asked for.
ALTER TABLE payments ADD COLUMN added_amount bigint NOT NULL DEFAULT 0
    CHECK (added_amount BETWEEN 0 AND 99 AND added_amount < amount);
CREATE FUNCTION payments_keep_what_was_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.added_amount <> OLD.added_amount THEN
        RAISE EXCEPTION 'P12: what was added to payment % never changes', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER payments_keep_what_was_added BEFORE UPDATE OF added_amount ON payments
    FOR EACH ROW EXECUTE FUNCTION payments_keep_what_was_added();

-- Whose money it is when this amount comes to this account. Nobody else gets the amount before `free_from`.
CREATE TABLE amount_claims (
    merchant_id text COLLATE "C" NOT NULL,
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    account_id  text COLLATE "C" NOT NULL,
    amount      bigint NOT NULL CHECK (amount >= 1),
    currency    text NOT NULL,
    payment_id  text COLLATE "C" NOT NULL,
    begins_at   timestamptz NOT NULL DEFAULT now(),
    free_from   timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, account_id, amount),
    FOREIGN KEY (merchant_id, account_id, mode) REFERENCES provider_accounts (merchant_id, id, mode),
    -- The claim comes before its payment, in one transaction.
    FOREIGN KEY (merchant_id, payment_id, mode) REFERENCES payments (merchant_id, id, mode)
        DEFERRABLE INITIALLY DEFERRED
);
