-- Users, their second factors and their sessions. All of it is the platform's: a person may belong to several
-- merchants, and which ones is told by members. What proves somebody is kept as a hash or sealed, never in clear.

CREATE TABLE users (
    id                  text COLLATE "C" PRIMARY KEY CHECK (id ~ '^usr_[0-9a-f]{32}$'),
    email               text NOT NULL CHECK (length(email) <= 254),       -- as it was written, for letters
    email_normal        text COLLATE "C" NOT NULL UNIQUE CHECK (length(email_normal) <= 254),
    name                text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    password_hash       text CHECK (password_hash LIKE '$argon2id$%'),     -- null: none was chosen yet
    password_changed_at timestamptz,
    email_verified_at   timestamptz,
    locale              text NOT NULL CHECK (locale IN ('th', 'en')),
    state               text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    operator_role       text CHECK (operator_role IN ('operator', 'compliance', 'risk', 'security_admin',
                                                      'break_glass')),
    created_at          timestamptz NOT NULL DEFAULT now()
);

-- TOTP (RFC 6238). `secret` counts; `pending` was shown and is not confirmed by a code yet.
CREATE TABLE second_factors (
    user_id      text COLLATE "C" PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret       bytea,                              -- sealed
    pending      bytea,                              -- sealed
    pending_at   timestamptz,
    confirmed_at timestamptz,
    -- The newest time step a code was accepted for: that code and older ones are spent.
    last_counter bigint NOT NULL DEFAULT 0 CHECK (last_counter >= 0),
    CHECK ((secret IS NULL) = (confirmed_at IS NULL)),
    CHECK ((pending IS NULL) = (pending_at IS NULL))
);

CREATE TABLE recovery_codes (
    user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash    bytea NOT NULL CHECK (length(hash) = 32),
    used_at timestamptz,
    PRIMARY KEY (user_id, hash)
);

CREATE TABLE sessions (
    id              text COLLATE "C" PRIMARY KEY CHECK (id ~ '^ses_[0-9a-f]{32}$'),
    token_hash      bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    user_id         text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    second_factor   boolean NOT NULL,                -- a second factor was shown when it began
    ip_address      text,
    user_agent      text CHECK (length(user_agent) <= 300),
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_seen_at    timestamptz NOT NULL DEFAULT now(),
    stepped_up_at   timestamptz NOT NULL DEFAULT now(),
    ends_at         timestamptz NOT NULL,
    ended_at        timestamptz,
    CHECK (ends_at > created_at)
);
CREATE INDEX sessions_of_user ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_end ON sessions (ends_at);

-- Somebody who knew the password and still has to show the second factor.
CREATE TABLE login_challenges (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id    text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tries      integer NOT NULL DEFAULT 0,
    ends_at    timestamptz NOT NULL
);

-- Wrong passwords and codes, by account and network. The account is a hash of what was typed, so that a row says
-- nothing about whether there is such an account.
CREATE TABLE failed_logins (
    account      bytea NOT NULL CHECK (length(account) = 32),
    network      text NOT NULL,
    failures     integer NOT NULL CHECK (failures >= 1),
    locked_until timestamptz NOT NULL,
    last_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, network)
);
CREATE INDEX failed_logins_by_age ON failed_logins (last_at);

-- What a link in a letter carries: 256 random bits, kept as SHA-256, good once and for a while.
CREATE TABLE mailed_tokens (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id    text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose    text NOT NULL CHECK (purpose IN ('verify_email', 'reset_password')),
    ends_at    timestamptz NOT NULL,
    UNIQUE (user_id, purpose)                        -- a newer letter makes the older one void
);

-- Letters to be written and sent by the worker. Recipient and facts are sealed and gone once it is sent.
CREATE TABLE mail_outbox (
    id          text COLLATE "C" PRIMARY KEY CHECK (id ~ '^ml_[0-9a-f]{32}$'),
    kind        text NOT NULL CHECK (kind ~ '^[a-z_]+$'),
    recipient   bytea NOT NULL CHECK (length(recipient) = 32),  -- SHA-256 of the address, to count letters by
    facts       bytea,                               -- sealed
    created_at  timestamptz NOT NULL DEFAULT now(),
    next_try_at timestamptz DEFAULT now(),           -- null: nothing is left to do
    tries       integer NOT NULL DEFAULT 0,
    lease_token bigint NOT NULL DEFAULT 0,
    sent_at     timestamptz,
    CHECK ((facts IS NULL) = (next_try_at IS NULL))
);
CREATE INDEX mail_outbox_due ON mail_outbox (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX mail_outbox_recent ON mail_outbox (recipient, kind, created_at);
