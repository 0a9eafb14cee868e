"""A folder or DICOMDIR as a study: series of stills and clips, in order.

`napari_muscle_us.study.scan.scan_study` looks at the headers of all files of a folder
and returns what can be opened, grouped into series that never mix two people, and what
was skipped and why.
"""
