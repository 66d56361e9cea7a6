"""The application put together: settings, database, sign-in, languages, security and commands."""
