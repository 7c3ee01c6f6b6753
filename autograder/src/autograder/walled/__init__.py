"""Processes that start with everything loaded, and walls around those that are untrusted.

`server.Server` loads a module of the owner's choice once and forks on request; `client.Process`
asks it for a process. A request may carry `request.Walls`: then `walls` surrounds the process
before its first line runs, and `accounting.Watch` counts what it uses. The package knows nothing
of what runs in these processes.
"""
