"""One chart a file, all drawn with `reports.svg` over the shared time axis of `frame`.

What may live here: functions from a recording's data to a `Plot`. What may not: counting or judging
that the text of the report relies on; that stands in `reports` itself, where it is tested without drawing.
"""
