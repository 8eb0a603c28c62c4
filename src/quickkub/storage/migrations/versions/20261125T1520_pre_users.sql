-- Users, their second factors and their sessions.
SELECT 1;
