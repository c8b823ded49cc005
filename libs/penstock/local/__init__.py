"""The local stack: real Kafka, real PostgreSQL and the services as supervised child processes, without docker."""
