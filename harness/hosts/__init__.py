"""Where nodes live and what lies between them: processes on this machine, links, the clean-up ledger.

What may live here: starting, ending and observing processes; the link proxy and its control; what
has to be cleaned up after a crash. What may not: any knowledge of which system the processes run
(harness/systems has that), of faults (harness/nemesis) or of histories' meaning.
"""
