"""The commands of `dialograum`, one module each, loaded when called."""
