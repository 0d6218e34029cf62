"""What makes the served app safe: its folder, headers, checks of requests, stop and logs."""
