-- OAuth clients, codes, refresh tokens and signing keys.
SELECT 1;
