"""One chart a file, all drawn with `reports.svg` over the shared time axis of `frame`.

Here live functions from a recording's data to a `Plot`. What the text of the report relies on is counted in
`reports` itself, where it is tested without drawing.
"""
