"""What holds for every command: each is called once, in short, on the things of one room."""
