"""Decode files of users outside of this process, within limits of memory and time."""
