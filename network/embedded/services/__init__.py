"""The gRPC services of an organisation's endpoint, as Fabric's peers offer them."""
