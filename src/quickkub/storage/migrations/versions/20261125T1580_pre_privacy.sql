-- Legal holds, erasures, retention runs, requests of people, breaches (security-reliability 8, PDPA).
-- docs/decisions/0024-privacy.md.

-- The fields of the form a payer's browser posts, sealed: they name the payer. `attempts.next_action` and
-- `idempotency_keys.answer` are without them.
ALTER TABLE attempts ADD COLUMN form_fields bytea;
ALTER TABLE idempotency_keys ADD COLUMN form_fields bytea;
CREATE INDEX attempts_with_forms ON attempts (created_at) WHERE form_fields IS NOT NULL;

-- What may not be deleted, emptied or erased, whatever its time: a merchant's data, a payment's, a person's.
CREATE TABLE legal_holds (
    merchant_id    text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id             text COLLATE "C" NOT NULL CHECK (id ~ '^hld_[0-9a-f]{32}$'),
    covers         text NOT NULL CHECK (covers IN ('merchant', 'payment', 'person')),
    payment_id     text COLLATE "C",
    -- A person is kept as a keyed hash of one thing that is known of them.
    token          bytea CHECK (length(token) = 32),
    reason         text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    placed_by      text COLLATE "C" NOT NULL,
    placed_at      timestamptz NOT NULL DEFAULT now(),
    lifted_at      timestamptz,
    lifted_by      text COLLATE "C",
    lifted_because text CHECK (length(lifted_because) BETWEEN 1 AND 500),
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, payment_id) REFERENCES payments (merchant_id, id),
    CHECK ((covers = 'payment') = (payment_id IS NOT NULL)),
    CHECK ((covers = 'person') = (token IS NOT NULL)),
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL)),
    CHECK ((lifted_at IS NULL) = (lifted_because IS NULL))
);
CREATE INDEX legal_holds_standing ON legal_holds (merchant_id) WHERE lifted_at IS NULL;
CREATE TRIGGER legal_holds_not_deleted BEFORE DELETE ON legal_holds
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

-- Who a payment's payer or a refund's receiver is, as keyed hashes (storage/blind_index.py), so that a person is found
-- without opening what is sealed. An object of which nothing is known has one row of kind 'none'.
CREATE TABLE person_tokens (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    object_id   text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('email', 'phone', 'name', 'none')),
    token       bytea NOT NULL CHECK (length(token) = CASE kind WHEN 'none' THEN 0 ELSE 32 END),
    PRIMARY KEY (merchant_id, object_id, kind, token)
);
CREATE INDEX person_tokens_found ON person_tokens (merchant_id, token);

-- One row for each erasure that was done: the certificate. The tokens say whose it was to whoever knows them already.
CREATE TABLE erasures (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^era_[0-9a-f]{32}$'),
    request_id  text COLLATE "C",
    email_token bytea CHECK (length(email_token) = 32),
    phone_token bytea CHECK (length(phone_token) = 32),
    name_token  bytea CHECK (length(name_token) = 32),
    pseudonym   text COLLATE "C" NOT NULL CHECK (pseudonym ~ '^person_[0-9a-f]{16}$'),
    counts      jsonb NOT NULL,
    erased_by   text COLLATE "C" NOT NULL,
    erased_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id),
    CHECK (num_nonnulls(email_token, phone_token, name_token) >= 1)
);
CREATE TRIGGER erasures_append_only BEFORE UPDATE OR DELETE ON erasures
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

-- What was somebody's and has been erased: the slip by which append-only tables let go of their words.
CREATE TABLE erased_objects (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    object_id   text COLLATE "C" NOT NULL,
    erasure_id  text COLLATE "C" NOT NULL,
    erased_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, object_id),
    FOREIGN KEY (merchant_id, erasure_id) REFERENCES erasures (merchant_id, id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TRIGGER erased_objects_append_only BEFORE UPDATE OR DELETE ON erased_objects
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

-- What a person asked for, and by when it is owed to them (PDPA s.30 and s.33: 30 days).
CREATE TABLE privacy_requests (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id          text COLLATE "C" NOT NULL CHECK (id ~ '^prq_[0-9a-f]{32}$'),
    kind        text NOT NULL CHECK (kind IN ('export', 'erasure', 'rectification', 'objection', 'restriction')),
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'refused')),
    -- Who it is, sealed; gone once the request is done.
    person      bytea,
    filed_by    text COLLATE "C" NOT NULL,
    asked_at    timestamptz NOT NULL DEFAULT now(),
    due_at      timestamptz NOT NULL CHECK (due_at > asked_at),
    done_at     timestamptz,
    done_by     text COLLATE "C",
    reason      text CHECK (length(reason) BETWEEN 1 AND 500),
    result      jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (merchant_id, id),
    CHECK ((state = 'open') = (done_at IS NULL)),
    CHECK ((done_at IS NULL) = (done_by IS NULL)),
    CHECK ((state = 'open') = (person IS NOT NULL)),
    CHECK (state <> 'refused' OR reason IS NOT NULL)
);
CREATE INDEX privacy_requests_open ON privacy_requests (due_at) WHERE state = 'open';
CREATE TRIGGER privacy_requests_not_deleted BEFORE DELETE ON privacy_requests
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

-- Breaches of personal data: the regulator hears within 72 hours of our knowing (PDPA s.37 (4)).
CREATE TABLE breaches (
    id          text COLLATE "C" PRIMARY KEY CHECK (id ~ '^brc_[0-9a-f]{32}$'),
    title       text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    known_at    timestamptz NOT NULL,
    due_at      timestamptz NOT NULL CHECK (due_at = known_at + interval '72 hours'),
    high_risk   boolean NOT NULL,
    people      integer CHECK (people >= 0),
    reported_at timestamptz,
    closed_at   timestamptz,
    opened_by   text COLLATE "C" NOT NULL,
    -- Closed without a report only with a reason: no risk for anybody.
    not_reported_because text CHECK (length(not_reported_because) BETWEEN 1 AND 1000),
    CHECK (closed_at IS NULL OR reported_at IS NOT NULL OR not_reported_because IS NOT NULL)
);
CREATE TRIGGER breaches_not_deleted BEFORE DELETE ON breaches FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
CREATE TABLE breach_notes (
    breach_id  text COLLATE "C" NOT NULL REFERENCES breaches (id),
    id         text COLLATE "C" NOT NULL CHECK (id ~ '^brn_[0-9a-f]{32}$'),
    note       text NOT NULL CHECK (length(note) BETWEEN 1 AND 2000),
    written_by text COLLATE "C" NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (breach_id, id)
);
CREATE TRIGGER breach_notes_append_only BEFORE UPDATE OR DELETE ON breach_notes
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();

-- One row for each kind of record and night: what was past its time, and what of it a hold kept.
CREATE TABLE retention_runs (
    id          text COLLATE "C" PRIMARY KEY CHECK (id ~ '^rtn_[0-9a-f]{32}$'),
    kind        text COLLATE "C" NOT NULL,
    days        integer NOT NULL CHECK (days >= 1),
    dry_run     boolean NOT NULL,
    cutoff      timestamptz NOT NULL,
    -- By rule, {"evidence.transcript": {"gone": 12, "held": 1}}; so far, while it runs.
    counts      jsonb NOT NULL DEFAULT '{}',
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
CREATE INDEX retention_runs_listed ON retention_runs (id DESC);

-- Whether a standing hold covers any of these objects of a merchant.
CREATE FUNCTION is_held(whose text, objects text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM legal_holds hold
         WHERE hold.merchant_id = whose AND hold.lifted_at IS NULL
           AND (hold.covers = 'merchant' OR hold.payment_id = ANY (objects)
                OR EXISTS (SELECT FROM person_tokens known
                            WHERE known.merchant_id = whose AND known.object_id = ANY (objects)
                              AND known.token = hold.token)))
$$;

-- Whether an append-only table may let go of a row's words: its time is over, or somebody's erasure names it. The
-- jobs ask for longer times; younger than `at_least` nothing goes, whoever asks.
CREATE FUNCTION may_be_forgotten(whose text, objects text[], since timestamptz, at_least interval) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT NOT is_held(whose, objects)
       AND (since < now() - at_least
            OR EXISTS (SELECT FROM erased_objects WHERE merchant_id = whose AND object_id = ANY (objects)))
$$;

-- As rows_are_only_added_or_sealed_again, and what is sealed may be emptied when its time is over. The stored form of
-- two bytes ('{}') is 92 bytes long, so nothing else can be put in its place. Arguments: the sealed column, the column
-- of the row's time. 90 days: traffic data, Computer Crime Act s.26.
CREATE FUNCTION rows_are_only_added_sealed_again_or_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was    jsonb := to_jsonb(OLD);
    is_now jsonb;
    before bytea;
    after  bytea;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        is_now := to_jsonb(NEW);
        before := (was ->> TG_ARGV[0])::bytea;
        after := (is_now ->> TG_ARGV[0])::bytea;
        IF was - TG_ARGV[0] = is_now - TG_ARGV[0] AND before IS DISTINCT FROM after THEN
            IF length(before) >= 90
               AND substring(before FROM 63) IS NOT DISTINCT FROM substring(after FROM 63)
               AND substring(before FROM 1 FOR 1) IS NOT DISTINCT FROM substring(after FROM 1 FOR 1)
               AND length(before) IS NOT DISTINCT FROM length(after) THEN
                RETURN NEW;
            END IF;
            IF length(after) = 92 AND may_be_forgotten(OLD.merchant_id, ARRAY[OLD.payment_id, was ->> 'id'],
                                                       (was ->> TG_ARGV[1])::timestamptz, interval '90 days') THEN
                RETURN NEW;
            END IF;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only; correct a mistake by adding its opposite', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
DROP TRIGGER evidence_append_only ON evidence;
CREATE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE ON evidence
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added_sealed_again_or_emptied('transcript', 'received_at');
DROP TRIGGER slips_append_only ON slips;
CREATE TRIGGER slips_append_only BEFORE UPDATE OR DELETE ON slips
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added_sealed_again_or_emptied('answer', 'used_at');

-- An event tells of an object; what it told may be forgotten, that it was told may not (E1).
CREATE FUNCTION events_are_only_added_or_forgotten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - 'data' = to_jsonb(NEW) - 'data'
       AND may_be_forgotten(OLD.merchant_id, ARRAY[OLD.object_id, OLD.data -> 'object' ->> 'payment'],
                            OLD.created_at, interval '30 days') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only; correct a mistake by adding its opposite', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
DROP TRIGGER events_append_only ON events;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION events_are_only_added_or_forgotten();

-- What a merchant's endpoint answered may repeat what it was told.
CREATE FUNCTION tries_are_only_added_or_forgotten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(OLD) - 'answer' = to_jsonb(NEW) - 'answer' AND NEW.answer IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only; correct a mistake by adding its opposite', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
DROP TRIGGER webhook_tries_append_only ON webhook_tries;
CREATE TRIGGER webhook_tries_append_only BEFORE UPDATE ON webhook_tries
    FOR EACH ROW EXECUTE FUNCTION tries_are_only_added_or_forgotten();

-- Deleted by other jobs when their time is over, and left alone by them while a hold stands. The name makes it the
-- first trigger.
CREATE FUNCTION held_rows_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_held(OLD.merchant_id, ARRAY[to_jsonb(OLD) ->> TG_ARGV[0]]) THEN
        RETURN NULL;
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER a_held_rows_stay BEFORE DELETE ON fraud_decisions
    FOR EACH ROW EXECUTE FUNCTION held_rows_stay('payment_id');
CREATE TRIGGER a_held_rows_stay BEFORE DELETE ON kyc_applications
    FOR EACH ROW EXECUTE FUNCTION held_rows_stay('id');
CREATE TRIGGER a_held_rows_stay BEFORE DELETE ON kyc_documents
    FOR EACH ROW EXECUTE FUNCTION held_rows_stay('id');
CREATE TRIGGER a_held_rows_stay BEFORE DELETE ON settlement_accounts
    FOR EACH ROW EXECUTE FUNCTION held_rows_stay('id');

-- A session may make temporary tables, which are found first: an empty legal_holds would open the door.
DO $$
DECLARE
    guard text;
BEGIN
    FOREACH guard IN ARRAY ARRAY['is_held(text, text[])',
                                 'may_be_forgotten(text, text[], timestamptz, interval)',
                                 'rows_are_only_added_sealed_again_or_emptied()',
                                 'events_are_only_added_or_forgotten()', 'tries_are_only_added_or_forgotten()',
                                 'held_rows_stay()'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', guard, current_schema());
    END LOOP;
END
$$;
