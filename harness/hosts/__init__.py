"""Where nodes live: this machine, network namespaces, remote hosts; with their links, disks and clocks.

Start with host.py, which says what one host can do; local.py and ssh/remote.py are hosts. `links/` has link
proxies and packet filters, `disks/` disks that fail, `clocks/` clocks of a process's own, `programs/` small
programs that run next to a node. ledger.py and removal.py clean up after a crash. Nothing here knows which
system the processes run, or what a history means.
"""
