-- OAuth clients, codes, refresh tokens and signing keys.

-- Keys that sign access tokens. They belong to the gateway, so there is no merchant here. The private half is
-- sealed, and gone as soon as the key signs no more; the row goes once the last token it signed has expired.
CREATE TABLE signing_keys (
    kid          text COLLATE "C" PRIMARY KEY CHECK (kid ~ '^[A-Za-z0-9_-]{1,64}$'),
    algorithm    text NOT NULL CHECK (algorithm = 'ES256'),
    state        text NOT NULL CHECK (state IN ('next', 'current', 'old')),
    public_key   jsonb NOT NULL,
    private_key  bytea CHECK ((private_key IS NULL) = (state = 'old')),
    published_at timestamptz NOT NULL DEFAULT now(),
    current_since timestamptz CHECK ((current_since IS NULL) = (state = 'next')),
    old_since    timestamptz CHECK ((old_since IS NULL) = (state <> 'old'))
);
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (state) WHERE state = 'next';
CREATE UNIQUE INDEX signing_keys_one_current ON signing_keys (state) WHERE state = 'current';

CREATE TABLE oauth_clients (
    merchant_id   text COLLATE "C" NOT NULL REFERENCES merchants (id),
    id            text COLLATE "C" NOT NULL CHECK (id ~ '^cli_[0-9a-f]{32}$'),
    mode          text NOT NULL CHECK (mode IN ('live', 'test')),
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- How it proves who it is: a secret, a signature under one of its own keys, or (public clients) not at all.
    auth_method   text NOT NULL CHECK (auth_method IN ('client_secret', 'private_key_jwt', 'none')),
    -- SHA-256 of 256 random bits; shown once and kept nowhere.
    secret_hash   bytea CHECK (length(secret_hash) = 32),
    jwks          jsonb,
    grant_types   text[] NOT NULL CHECK (
        grant_types <@ ARRAY['authorization_code', 'refresh_token', 'client_credentials']
        AND cardinality(grant_types) > 0),
    redirect_uris text[] NOT NULL,
    scopes        text[] NOT NULL CHECK (cardinality(scopes) > 0),
    created_by    text COLLATE "C",
    created_at    timestamptz NOT NULL DEFAULT now(),
    revoked_at    timestamptz,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, id, mode),
    CHECK ((auth_method = 'client_secret') = (secret_hash IS NOT NULL)),
    CHECK ((auth_method = 'private_key_jwt') = (jwks IS NOT NULL)),
    CHECK (auth_method <> 'none' OR NOT 'client_credentials' = ANY (grant_types)),
    CHECK (('authorization_code' = ANY (grant_types)) = (cardinality(redirect_uris) > 0))
);
-- A client names itself before anybody knows whose it is.
CREATE INDEX oauth_clients_by_id ON oauth_clients (id);

-- What somebody allowed a client: every token that is given out belongs to one, and dies with it. For refresh
-- tokens it is their family.
CREATE TABLE oauth_grants (
    merchant_id     text COLLATE "C" NOT NULL,
    id              text COLLATE "C" NOT NULL CHECK (id ~ '^gr_[0-9a-f]{32}$'),
    mode            text NOT NULL CHECK (mode IN ('live', 'test')),
    client_id       text COLLATE "C" NOT NULL,
    -- Null: the client acts for itself.
    user_id         text COLLATE "C",
    -- Where the person gave it: whether they have just shown who they are is read there.
    session_id      text COLLATE "C" CHECK (session_id IS NULL OR user_id IS NOT NULL),
    scopes          text[] NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    ends_at         timestamptz NOT NULL CHECK (ends_at > created_at),
    revoked_at      timestamptz,
    revoked_because text CHECK ((revoked_because IS NULL) = (revoked_at IS NULL)),
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, client_id, mode) REFERENCES oauth_clients (merchant_id, id, mode)
);
CREATE INDEX oauth_grants_by_client ON oauth_grants (merchant_id, client_id);
-- A person's tokens end in all merchants at once when their password is reset.
CREATE INDEX oauth_grants_by_user ON oauth_grants (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX oauth_grants_by_end ON oauth_grants (ends_at);

CREATE TABLE refresh_tokens (
    merchant_id text COLLATE "C" NOT NULL,
    -- SHA-256 of 256 random bits.
    hash        bytea NOT NULL CHECK (length(hash) = 32),
    grant_id    text COLLATE "C" NOT NULL,
    issued_at   timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    spent_at    timestamptz,
    PRIMARY KEY (merchant_id, hash),
    FOREIGN KEY (merchant_id, grant_id) REFERENCES oauth_grants (merchant_id, id) ON DELETE CASCADE
);
-- At most one token of a family can be used.
CREATE UNIQUE INDEX refresh_tokens_one_unspent ON refresh_tokens (merchant_id, grant_id) WHERE spent_at IS NULL;
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (merchant_id, grant_id);

-- A person's way through the consent page: asked, answered, and at the end exchanged for tokens, once each.
CREATE TABLE oauth_authorizations (
    merchant_id    text COLLATE "C" NOT NULL,
    -- SHA-256 of the ticket in the page's form.
    ticket_hash    bytea NOT NULL CHECK (length(ticket_hash) = 32),
    client_id      text COLLATE "C" NOT NULL,
    mode           text NOT NULL CHECK (mode IN ('live', 'test')),
    user_id        text COLLATE "C" NOT NULL,
    session_id     text COLLATE "C" NOT NULL,
    redirect_uri   text NOT NULL,
    scopes         text[] NOT NULL,
    state          text,
    code_challenge text NOT NULL CHECK (code_challenge ~ '^[A-Za-z0-9_-]{43}$'),
    created_at     timestamptz NOT NULL DEFAULT now(),
    ends_at        timestamptz NOT NULL,
    answered_at    timestamptz,
    code_hash      bytea CHECK (length(code_hash) = 32),
    code_ends_at   timestamptz CHECK ((code_ends_at IS NULL) = (code_hash IS NULL)),
    used_at        timestamptz,
    grant_id       text COLLATE "C" CHECK (grant_id IS NULL OR used_at IS NOT NULL),
    PRIMARY KEY (merchant_id, ticket_hash),
    UNIQUE (merchant_id, code_hash),
    FOREIGN KEY (merchant_id, client_id, mode) REFERENCES oauth_clients (merchant_id, id, mode)
);
CREATE INDEX oauth_authorizations_by_end ON oauth_authorizations (ends_at);

-- Client assertions (RFC 7523) that were used, until they would have expired anyway.
CREATE TABLE oauth_assertions (
    merchant_id text COLLATE "C" NOT NULL,
    client_id   text COLLATE "C" NOT NULL,
    jti_hash    bytea NOT NULL CHECK (length(jti_hash) = 32),
    ends_at     timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, client_id, jti_hash),
    FOREIGN KEY (merchant_id, client_id) REFERENCES oauth_clients (merchant_id, id)
);
CREATE INDEX oauth_assertions_by_end ON oauth_assertions (ends_at);
