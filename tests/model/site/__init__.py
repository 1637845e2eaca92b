"""A site where riders choose benefits, on a real server. It writes into a file how every enrollment ended."""
