"""What is wrong with a data file, said as a compiler says it: the place, the key, and the nearest right word."""
