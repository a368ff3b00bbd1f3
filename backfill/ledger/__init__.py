"""Every statement on the ledger, by noun. Each function is given a connection and owns no transaction."""
