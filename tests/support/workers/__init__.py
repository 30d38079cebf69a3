"""Programs that many processes run on one database at once, for tests of what keeps them apart.

Each is started with the database's URL, and with `--stuck` it comes to a halt in the middle of its work, says `stuck`
on stderr, and waits to be killed.
"""
