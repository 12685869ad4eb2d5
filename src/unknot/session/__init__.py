"""Playing a timeline on a ball: the player decides (pure), the session waits and does (async)."""
