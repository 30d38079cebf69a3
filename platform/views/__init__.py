"""What the platform shows of its tables, to whom it may: read only, as of the last block applied."""
