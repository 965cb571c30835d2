"""What came of the boots, told: compared transcripts, tables, JSON, JUnit."""
