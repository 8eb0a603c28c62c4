-- A merchant's rows are seen by nobody else (A3).
SELECT 1;
