"""What the report shows of ions."""
