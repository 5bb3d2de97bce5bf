"""Charts of what was measured over time: latency, throughput, lag, progress, use of resources, two runs."""
