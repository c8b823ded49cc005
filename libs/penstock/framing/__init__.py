"""What producers write: JSON, Avro and CloudEvents, told apart by first bytes and headers; ingestion and dead letters read it alike."""
