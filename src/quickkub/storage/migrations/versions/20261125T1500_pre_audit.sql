-- Entries are only ever added. merchant_id is null for acts of the platform, which have a chain of their own.
CREATE TABLE audit_logs (
    id            text COLLATE "C" PRIMARY KEY CHECK (id ~ '^aud_[0-9a-f]{32}$'),
    merchant_id   text COLLATE "C" REFERENCES merchants (id),
    mode          text CHECK (mode IN ('live', 'test')),
    actor_kind    text NOT NULL CHECK (actor_kind IN ('user', 'key', 'client', 'system')),
    actor_id      text,
    role          text,
    action        text NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+$'),
    resource_type text NOT NULL,
    resource_id   text,
    outcome       text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
    details       jsonb NOT NULL,
    ip_address    text,
    user_agent    text,
    request_id    text,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
