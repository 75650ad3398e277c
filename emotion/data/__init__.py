"""Any data set on disk -> grey crops and class numbers in three splits."""
