"""What the scripts of ``tools/`` run; training needs nothing of it."""
