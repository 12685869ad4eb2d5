"""What a gateway is told by its owner: a file, the environment and the command line, held together and explained."""
