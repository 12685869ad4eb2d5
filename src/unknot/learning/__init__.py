"""Learning a firmware profile from a recording of the maker's app; used by ``unknot profile learn``.

The way of a recording: `capture` opens the file and `btsnoop`, `pcapng` or `pcap` cuts it into packets, `hci` finds the
attribute protocol in them, `gatt` keeps who said what to which characteristic. `alignment`, `checks` and `levels` find
out what the bytes mean, and `draft` writes it down.
"""
