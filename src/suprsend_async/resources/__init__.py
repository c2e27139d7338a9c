"""The platform's records: users, objects, their edits and preferences. Each file is imported when first used."""
