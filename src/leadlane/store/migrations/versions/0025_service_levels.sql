-- Reports on promises read those that ended in a period, whatever has been promised before.
CREATE INDEX leads_respond_by ON leads (respond_by) WHERE respond_by IS NOT NULL;
