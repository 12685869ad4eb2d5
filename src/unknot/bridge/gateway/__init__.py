"""A gateway: the balls in reach of one radio, what is asked of them over a broker, and what is told of them."""
