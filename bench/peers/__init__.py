"""The servers that the service is compared with, each in one file and at its best."""
