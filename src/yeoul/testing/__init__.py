"""The test kit that ships: rows and streams without files. The product never imports it."""
