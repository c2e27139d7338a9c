"""One request and its answer: what was asked, what the answer says, and which error stands for it."""
