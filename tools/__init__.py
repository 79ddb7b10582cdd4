"""What set-up, demo, bench and the tests with strangers share; none of it is product."""
