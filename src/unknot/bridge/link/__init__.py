"""The way to a broker: links that speak MQTT, each refusal and loss in one line; only `client` knows the library."""
