"""The platform's PostgreSQL: the embedded server, the schema, the outbox, and everything that speaks SQL."""
