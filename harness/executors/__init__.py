"""Where many pieces of work are done: in this process, in several, or on the workers of a Dask cluster.

executor.py is the interface and the loop that feeds it; in_process.py, processes.py and dask_cluster.py are
the places. dask_address.py says which clusters may be used, and dask_worker.py is the part that runs there.

An executor knows keys, a function and its arguments. What does not belong here: what is done (harness/sim,
harness/campaign) and what is kept of it (a journal, a results file).
"""
