"""What people are told and when: the outbox, mail building and delivery."""
