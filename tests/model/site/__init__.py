"""A site that riders choose benefits on, served for real. It tells in a file how every enrollment ended."""
