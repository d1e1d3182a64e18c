"""What is tested, in the folders of the code."""
