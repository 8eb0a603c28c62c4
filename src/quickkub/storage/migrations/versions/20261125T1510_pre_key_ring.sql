-- What is sealed knows its mode, and evidence may have its data key wrapped again, which changes none of its words.

DROP TRIGGER evidence_append_only ON evidence;
ALTER TABLE evidence ADD COLUMN mode text CHECK (mode IN ('live', 'test'));
UPDATE evidence e SET mode = a.mode FROM attempts a
 WHERE a.merchant_id = e.merchant_id AND a.id = e.attempt_id;
UPDATE evidence e SET mode = r.mode FROM receipts r
 WHERE e.mode IS NULL AND r.merchant_id = e.merchant_id AND r.evidence_id = e.id;
UPDATE evidence SET mode = 'test' WHERE mode IS NULL;
ALTER TABLE evidence ALTER COLUMN mode SET NOT NULL;

-- For append-only tables with sealed columns (named as arguments). The stored form is: version (1 byte), number of
-- the key (1), nonce (12), wrapped data key (48), and from byte 63 on what is the same under every key: the value's
-- nonce, ciphertext and tag. So whoever may update can change who can open a value, and not what it says.
CREATE FUNCTION rows_are_only_added_or_sealed_again() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb;
    is_now jsonb;
    before bytea;
    after bytea;
    i integer;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        was := to_jsonb(OLD);
        is_now := to_jsonb(NEW);
        FOR i IN 0 .. TG_NARGS - 1 LOOP
            before := (was ->> TG_ARGV[i])::bytea;
            after := (is_now ->> TG_ARGV[i])::bytea;
            IF length(before) >= 90
               AND substring(before FROM 63) IS NOT DISTINCT FROM substring(after FROM 63)
               AND substring(before FROM 1 FOR 1) IS NOT DISTINCT FROM substring(after FROM 1 FOR 1)
               AND length(before) IS NOT DISTINCT FROM length(after) THEN
                was := was - TG_ARGV[i];
                is_now := is_now - TG_ARGV[i];
            END IF;
        END LOOP;
        IF was = is_now AND OLD IS DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only; correct a mistake by adding its opposite', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE ON evidence
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added_or_sealed_again('transcript');
DROP TRIGGER slips_append_only ON slips;
CREATE TRIGGER slips_append_only BEFORE UPDATE OR DELETE ON slips
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added_or_sealed_again('answer');
