-- Legal holds, erasures and retention runs.
SELECT 1;
