"""Two-way sync: triggers that keep old and new columns in step while two releases write."""
