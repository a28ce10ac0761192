"""The numbers: engines, configs and registries. Never imports Qt."""
