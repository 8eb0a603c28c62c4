-- What is sealed knows its mode, and what is due to be sealed again.
SELECT 1;
