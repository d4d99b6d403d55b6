"""What can programs do with Leadlane over HTTP? Version 1 of the interface, described at /docs."""
