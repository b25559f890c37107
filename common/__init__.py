"""What both services need: settings, errors, health, JSON, paging. It owns no table."""
