"""What Home Assistant is told, so that gateways and balls appear there by themselves; pure."""
