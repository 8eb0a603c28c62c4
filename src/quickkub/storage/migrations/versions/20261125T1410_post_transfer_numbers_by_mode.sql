-- A number tried in test mode must not stand in the way of the same number in live mode (L6).
ALTER TABLE refunds ADD UNIQUE (merchant_id, mode, transfer_reference);
ALTER TABLE refunds DROP CONSTRAINT refunds_merchant_id_transfer_reference_key;
