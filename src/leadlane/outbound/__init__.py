"""How do people and machines hear of it? One module a channel; what goes where says `service.planning`."""
