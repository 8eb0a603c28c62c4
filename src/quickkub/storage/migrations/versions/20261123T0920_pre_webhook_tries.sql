-- During a rotation the secret before stays good until a set time; both sign (sealed, like `secret`).
ALTER TABLE webhook_endpoints
    ADD COLUMN previous_secret bytea,
    ADD COLUMN previous_secret_until timestamptz,
    -- Which headers are sent: Standard Webhooks, the older x-webhook-* pair, or both.
    ADD COLUMN signatures text NOT NULL DEFAULT 'both' CHECK (signatures IN ('both', 'standard', 'compatible')),
    -- Since when every try has failed; null after a success.
    ADD COLUMN failing_since timestamptz,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL)),
    ADD CHECK ((state = 'disabled') = (disabled_reason IS NOT NULL));
CREATE INDEX webhook_endpoints_listed ON webhook_endpoints (merchant_id, mode, id DESC) WHERE state <> 'deleted';

-- Which endpoints have anything waiting, and what of it is due first: the sweep steps through this index, so a
-- merchant with a million failing deliveries costs the others one step.
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (merchant_id, endpoint_id, next_try_at)
    WHERE next_try_at IS NOT NULL;
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (merchant_id, endpoint_id, event_id) WHERE state = 'dead';
CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (merchant_id, endpoint_id, event_id DESC);

-- One row per finished try. The lease token is the try's number: it counts every claim of the delivery and is
-- never set back, so a try cannot be written twice, nor by a worker that lost its lease (D6).
CREATE TABLE webhook_tries (
    merchant_id text COLLATE "C" NOT NULL,
    event_id    text COLLATE "C" NOT NULL,
    endpoint_id text COLLATE "C" NOT NULL,
    lease_token bigint NOT NULL,
    tried_at    timestamptz NOT NULL,
    took_ms     integer NOT NULL CHECK (took_ms >= 0),
    status      integer,
    error       text,
    answer      text,
    PRIMARY KEY (merchant_id, event_id, endpoint_id, lease_token),
    FOREIGN KEY (merchant_id, event_id, endpoint_id)
        REFERENCES webhook_deliveries (merchant_id, event_id, endpoint_id),
    CHECK (status IS NOT NULL OR error IS NOT NULL)
);
CREATE TRIGGER webhook_tries_append_only BEFORE UPDATE ON webhook_tries
    FOR EACH ROW EXECUTE FUNCTION rows_are_only_added();
