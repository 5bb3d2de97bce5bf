"""Tests of `reports.plots`: what each picture shows, and that nothing breaks it."""
