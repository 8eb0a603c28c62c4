-- The books. A journal is one business fact; its entries sum to zero per currency (L1), are never changed (L2),
-- and a fact is booked once (L3). Debits are positive, credits negative, amounts in minor units (L5).

CREATE TABLE journals (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^jrn_[0-9a-f]{32}$'),
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    kind        text NOT NULL,
    source_kind text NOT NULL,
    source_id   text COLLATE "C" NOT NULL,
    description text NOT NULL,
    -- How many entries it has: said when it is written, so that none can be slipped in later.
    lines       smallint NOT NULL CHECK (lines >= 2),
    occurred_at timestamptz NOT NULL,
    booked_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, source_kind, source_id, kind),
    UNIQUE (merchant_id, id, mode, lines)
);

CREATE TABLE entries (
    merchant_id text COLLATE "C" NOT NULL,
    journal_id  text COLLATE "C" NOT NULL,
    line        smallint NOT NULL,
    of_lines    smallint NOT NULL,
    mode        text NOT NULL,
    account     text COLLATE "C" NOT NULL,
    amount      bigint NOT NULL CHECK (amount <> 0),
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    PRIMARY KEY (merchant_id, journal_id, line),
    CHECK (line BETWEEN 1 AND of_lines),
    -- Mode is part of the key, so live and test money cannot meet in one journal (L6). The number of lines is
    -- part of it too: a journal whose lines are all written has no free line number for another entry.
    FOREIGN KEY (merchant_id, journal_id, mode, of_lines) REFERENCES journals (merchant_id, id, mode, lines)
);
CREATE INDEX entries_by_account ON entries (merchant_id, mode, account);

CREATE FUNCTION journal_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
    uneven  bigint;
BEGIN
    SELECT coalesce(sum(n), 0), count(*) FILTER (WHERE total <> 0)
      INTO written, uneven
      FROM (SELECT count(*) AS n, sum(amount) AS total FROM entries
             WHERE merchant_id = NEW.merchant_id AND journal_id = NEW.id GROUP BY currency) per_currency;
    IF written <> NEW.lines OR uneven > 0 THEN
        RAISE EXCEPTION 'L1: journal % has % of % entries, % currencies do not sum to zero',
            NEW.id, written, NEW.lines, uneven USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
-- A temporary table called entries would be counted instead: without this, PostgreSQL looks for those first.
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION journal_balances() SET search_path = %I, pg_temp', current_schema());
END $$;
-- Deferred to commit, because a journal is out of balance until the last of its entries is written.
CREATE CONSTRAINT TRIGGER journals_balance AFTER INSERT ON journals
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal_balances();
CREATE TRIGGER journals_append_only BEFORE UPDATE OR DELETE ON journals
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER journals_not_truncated BEFORE TRUNCATE ON journals
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER entries_not_truncated BEFORE TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();
