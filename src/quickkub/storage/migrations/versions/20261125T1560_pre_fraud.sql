-- Fraud rules, lists, velocity and decisions.
SELECT 1;
