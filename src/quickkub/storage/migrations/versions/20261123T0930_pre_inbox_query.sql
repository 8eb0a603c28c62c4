-- Some providers sign the query or call back with GET; the worker reads a callback again exactly as it came.
ALTER TABLE inbox ADD COLUMN method text NOT NULL DEFAULT 'POST' CHECK (method IN ('POST', 'GET', 'PUT'));
ALTER TABLE inbox ADD COLUMN query jsonb NOT NULL DEFAULT '{}';
