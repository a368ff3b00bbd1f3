"""Where partitions come from: RabbitMQ, or the ledger alone; and when nothing more will come."""
