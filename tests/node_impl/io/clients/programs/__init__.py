"""The programs that use Nacos's clients, by language."""
