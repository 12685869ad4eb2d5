"""Frames: templates that pack values into bytes and unpack bytes into values.

`frame` and `keyed` are what the rest of `unknot.profiles` uses. A template is read by `scanner`, `template` and
`braces`, its parts (`parts`, `numbers`, `texts`, `bits`, `seals`, `encodings`) are put together by `layout`, and `body`
packs and unpacks them.
"""
