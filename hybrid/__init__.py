"""How an event moves between the hall and the screen."""
