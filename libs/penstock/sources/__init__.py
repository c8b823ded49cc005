"""Where `penstock produce` reads events from: CSV, JSON lines, Parquet, a PostgreSQL query; a file each, all behind reading.Reader."""
