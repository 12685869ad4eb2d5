"""A ball at another gateway, driven with the verbs and events of one that is here; and the fleet of all gateways."""
