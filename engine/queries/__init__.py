"""What can be read: indexed tables, each query in the actor's scope."""
