pytest_plugins = ["shared.testing.servers", "shared.testing.services"]
