"""Files that challenge servers take."""
