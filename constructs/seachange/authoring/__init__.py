"""What an author of migrations uses and the Lambda does not: a directory to begin with, and revisions written from the models."""
