"""The test kit that ships: streams without files, workspaces, engines as processes. The product never imports it."""
