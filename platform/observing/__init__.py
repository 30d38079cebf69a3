"""What those who run the platform may see of its work: names in logs, and figures; never what it carries."""
