"""What every command shares: arguments, checks of a run, models and clips."""
