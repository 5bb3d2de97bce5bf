"""Elements that go into something and are to be found there, or come out of it, once each."""
