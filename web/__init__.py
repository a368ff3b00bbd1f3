"""The HTTP API and the live page, for one tenant: nothing else imports this package."""
