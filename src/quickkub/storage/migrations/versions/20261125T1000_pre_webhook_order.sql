-- When the first try of the present round was claimed; null before it, and again after a replay. A later version
-- of the same object waits for this delivery until it ended or its round has run for ten minutes.
ALTER TABLE webhook_deliveries ADD COLUMN trying_since timestamptz;

-- What is in the middle of its tries when this is run has been failing since at most its last try.
UPDATE webhook_deliveries SET trying_since = last_try_at WHERE next_try_at IS NOT NULL AND tries > 0;
