"""Views for the report."""
