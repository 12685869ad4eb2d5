"""MQTT: balls behind a broker. A gateway drives those in its reach, and anybody drives a gateway from elsewhere.

The names of topics and what is said on them (`topics`, `payloads`, `reports`) are shared by both ends. Each room says
what it is: `link`, `gateway`, `homeassistant`, `elsewhere`, `configuration`.
"""
