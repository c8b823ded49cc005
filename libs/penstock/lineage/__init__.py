"""What a record has led to: followed down the logs by origins and, through features over time, by event time."""
