"""Shared by the commands: arguments, checks of a run, models and clips."""
