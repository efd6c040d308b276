"""The servers that the service is compared with, one file each, in the best configuration."""
