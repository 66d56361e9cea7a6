"""What takes place: events, series, programme, venues, working groups and their calendar."""
