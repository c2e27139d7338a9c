"""The edits that move a program from the released SDK to this package."""
