"""What every long-running command needs: its private folder, stop signals, logs, address."""
