-- Check deferred constraints of this transaction with each statement, so that a refused record stands alone.
SET CONSTRAINTS ALL IMMEDIATE
