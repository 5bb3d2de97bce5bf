"""Clients that speak Nacos's gRPC protocol; loaded only where the node is started with `--grpc`.

`listener.py` has the server of `grpcio`, `connections.py` what one client has registered and is shown,
`watches.py` the long polls that pushes come from, and `calls.py` which message is answered how.
"""
