-- After a restore to an earlier point the providers know more than we do (D7). Every such restore puts the server
-- on a new timeline, while this row comes back with the old one: the difference shuts the gate, nobody has to
-- remember to.
CREATE TABLE recovery_gate (
    one              boolean PRIMARY KEY DEFAULT true CHECK (one),
    timeline         integer NOT NULL,      -- on which the gate was last opened
    recovering_since timestamptz,           -- set while provider truth is being asked for
    asked_from       timestamptz,           -- everything younger was asked about again
    opened_at        timestamptz NOT NULL DEFAULT now()
);
INSERT INTO recovery_gate (timeline)
SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer;
