-- Awards by hand are found by their moment, for the weekly budgets of those who give them: few entries, so a small index that
-- no other award touches. The same stands in ../postgres/0005_ledger.sql.
CREATE INDEX user_points_by_hand ON user_points (occurred_at) WHERE action_type = 'manual_award';
