-- Merchants' particulars, members, fee plans, and what API keys may do.
SELECT 1;
