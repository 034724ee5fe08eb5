"""What end-to-end tests share: a running Manifold and the programs its users run against it."""
