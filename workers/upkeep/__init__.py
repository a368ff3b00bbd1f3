"""What workers do beside their partitions: bring back what was lost, end what is done."""
